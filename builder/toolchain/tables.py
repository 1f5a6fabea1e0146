"""Read a TOML file into a pydantic model; every fault comes at once, with file and key path."""

from __future__ import annotations

import difflib
import tomllib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from builder.errors import RecipeError

Model = TypeVar("Model", bound=BaseModel)


def parse_table(text: str, model: type[Model], *, name: str) -> Model:
    """The model from a file's text; ``name`` stands in messages.

    Raises:
        RecipeError: it is not valid; every fault is named with its key path.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name}: {error}") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [f"{name}: {_fault(dict(one), model)}" for one in error.errors()]
        raise RecipeError("\n".join(faults)) from error


def _fault(error: dict[str, Any], model: type[BaseModel]) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    where = where.lstrip(".")
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), _keys(model, error["loc"]), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"{where}: unknown key{hint}"
    if error["type"] == "missing":
        return f"{where}: must be given"
    message = str(error["msg"]).removeprefix("Value error, ")
    if not where:
        return message
    given = error.get("input")
    shown = f", not {given!r}" if isinstance(given, str | int | float) else ""
    return f"{where}: {message}{shown}"


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys allowed where an unknown one was found."""
    here: Any = model
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = here.model_fields.get(part) if hasattr(here, "model_fields") else None
        if field is None:
            return []
        inner = getattr(field.annotation, "__args__", (field.annotation,))[0]
        here = inner
    if not hasattr(here, "model_fields"):
        return []
    return [field.alias or key for key, field in here.model_fields.items()]
