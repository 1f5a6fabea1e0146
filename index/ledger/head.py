"""How far a ledger goes: a small file beside it, written after every change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson

from index.errors import LedgerError
from index.facts import HEX, is_schema
from index.ledger.plain import LEDGER_SCHEMA

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

RESTORE = "take the ledger from a backup or from the published site; do not edit it by hand"
_SHOWN = 100
_KEYS = frozenset({"schema_version", "count", "size", "digest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a ledger goes.

    Attributes:
        count: How many events.
        size: How many bytes.
        digest: The digest of the last line.
    """

    count: int
    size: int
    digest: str

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read a head file.

        Raises:
            LedgerError: it is none.
        """
        told = _plain(text) or _judged(text)
        return cls(count=told["count"], size=told["size"], digest=told["digest"])

    def dump(self) -> str:
        """The head file's text."""
        told = {"schema_version": LEDGER_SCHEMA, **asdict(self)}
        return json.dumps(told, sort_keys=True) + "\n"


EMPTY = Head(count=0, size=0, digest="0" * 64)


def describe(error: ValidationError) -> str:
    """A validation error as one line: each place and what is wrong there, in words."""
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc'])}: {wrong(detail)}".removeprefix(": ")
        for detail in error.errors()
    )


def wrong(detail: ErrorDetails) -> str:
    """What one of a validation error's details says; no regular expression, which few read."""
    if detail["type"] == "string_pattern_mismatch":
        shown = ascii(detail["input"])
        return f"{shown if len(shown) <= _SHOWN else f'{shown[:_SHOWN]}…'} has not the right form"
    return detail["msg"].removeprefix("Value error, ")


def _plain(text: str | bytes) -> dict[str, Any] | None:
    """What is plainly a head, or None where the model must judge it."""
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    right = (
        isinstance(told, dict)
        and told.keys() == _KEYS
        and is_schema(told["schema_version"])
        and all(type(told[key]) is int and told[key] >= 0 for key in ("count", "size"))
        and type(told["digest"]) is str
        and HEX.fullmatch(told["digest"]) is not None
    )
    return told if right else None


def _judged(text: str | bytes) -> dict[str, Any]:
    from pydantic import ValidationError

    from index.ledger.events import HeadModel

    try:
        return HeadModel.model_validate_json(text).model_dump()
    except ValidationError as error:
        raise LedgerError(f"ledger.head.json: {describe(error)}", remedy=RESTORE) from error
