"""What is wrong with a recipe: file, key path, what is allowed, the nearest known name."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong; ``str()`` is the line a person reads.

    Attributes:
        file: The recipe file.
        path: Key path inside it, ``source[0].sha256``; empty for the file as a whole.
        message: What is wrong and what is allowed.
    """

    file: Path
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.path}" if self.path else str(self.file)
        return f"{where}: {self.message}"


def key_path(parts: Iterable[str | int]) -> str:
    """``("source", 0, "sha256")`` → ``source[0].sha256``."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if part.replace("-", "").replace("_", "").isalnum() else f'"{part}"'
            text += f".{shown}" if text else shown
    return text


def nearest(word: str, known: Sequence[str]) -> str:
    """``"; did you mean 'x'?"`` for the nearest known name, else the empty string."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def from_validation(error: ValidationError, model: type[BaseModel], file: Path) -> list[Problem]:
    """Every fault pydantic found, in our words."""
    return [
        Problem(file=file, path=_path(fault["loc"]), message=_message(fault, model))
        for fault in error.errors(include_url=False)
    ]


def _path(loc: Sequence[str | int]) -> str:
    # pydantic marks a dictionary's key with "[key]", and a union's member with the type's name.
    return key_path(part for part in loc if not (isinstance(part, str) and part.startswith(_NOISE)))


_NOISE = ("[key]", "function-before", "function-after", "dict[")


def _message(fault: ErrorDetails, model: type[BaseModel]) -> str:
    loc, kind, value = fault["loc"], fault["type"], fault["input"]
    context = fault.get("ctx", {})
    match kind:
        case "extra_forbidden":
            known = _known_keys(model, loc[:-1])
            near = nearest(str(loc[-1]), known)
            return f"unknown key{near}; known are {', '.join(known)}"
        case "missing":
            return "is missing" + _meaning(model, loc)
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"must be {context['expected']}, not {value!r}"
        case "string_type":
            return f"must be a string, not {_shown(value)}"
        case "int_type":
            return f"must be a whole number, not {_shown(value)}"
        case "tuple_type":
            return f"must be a list, not {_shown(value)}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a table, not {_shown(value)}"
        case "too_short" | "string_too_short":
            return "must not be empty"
        case "greater_than_equal":
            return f"must be at least {context['ge']}, not {_shown(value)}"
        case _:
            return f"{fault['msg'][:1].lower()}{fault['msg'][1:]}, not {_shown(value)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    found = _model_at(model, loc)
    if found is None:
        return []
    return sorted(field.alias or name for name, field in found.model_fields.items())


def _meaning(model: type[BaseModel], loc: Sequence[str | int]) -> str:
    found = _model_at(model, loc[:-1])
    if found is not None:
        for field in found.model_fields.values():
            if field.alias == loc[-1] and field.description:
                meaning = " ".join(field.description.replace("``", "'").split())
                return f" ({meaning.rstrip('.')})"
    return ""


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    """The model a key path leads to, through lists and tables of models."""
    current: Any = model
    for part in loc:
        if isinstance(current, type) and issubclass(current, BaseModel):
            fields = {field.alias: field.annotation for field in current.model_fields.values()}
            current = fields.get(str(part))
        else:
            arguments = [one for one in typing.get_args(current) if one is not Ellipsis]
            current = arguments[-1] if arguments else None
        current = _without_none(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _without_none(annotation: object) -> object:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        members = [one for one in typing.get_args(annotation) if one is not type(None)]
        return members[0] if len(members) == 1 else annotation
    return annotation
