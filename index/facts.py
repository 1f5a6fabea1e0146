"""A record as a plain tuple: what wheels by the hundred thousand are read, kept and shown as.

`index.records.Record` says what a record is, and what is wrong with one that is none. Here stands
the same for records that are plainly right, at a fraction of the cost and with no model to import.
Whatever is not *exactly* as the builder writes it is left to the model, which has the last word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import orjson

if TYPE_CHECKING:
    from index.records import Record
    from index.swift import Swift

RECORD_SCHEMA: Final[Literal[1]] = 1
RECORD_SUFFIX = ".json"
HEX: Final = re.compile(r"[0-9a-f]{64}")
_LEAST, _MOST = -(2**63), 2**63 - 1
_DEEPEST = 50
"""Levels of lists and objects in free-form parts; what goes deeper is the model's to judge."""


class Facts(NamedTuple):  # made for each of a million files
    """What a record says; each field is that of `Record`."""

    filename: str
    name: str
    version: str
    tags: tuple[str, ...]
    sha256: str
    size: int
    metadata: str
    metadata_sha256: str
    build_tag: str | None = None
    requires_python: str | None = None
    cuda: str | None = None
    architectures: tuple[str, ...] = ()
    ptx: str | None = None
    profile: str | None = None
    companion_of: str | None = None
    build_key: str | None = None
    build_spec: dict[str, Any] | None = None
    built: dict[str, Any] | None = None

    @classmethod
    def of(cls, record: Record) -> Facts:
        """The same as a tuple."""
        return cls(*(getattr(record, name) for name in cls._fields))

    def data(self) -> dict[str, object]:
        """What a ledger's line says of it: the model's keys in the model's order."""
        return {
            "schema_version": RECORD_SCHEMA,
            "filename": self.filename,
            "name": self.name,
            "version": self.version,
            "build_tag": self.build_tag,
            "tags": self.tags,
            "requires_python": self.requires_python,
            "sha256": self.sha256,
            "size": self.size,
            "metadata": self.metadata,
            "metadata_sha256": self.metadata_sha256,
            "cuda": self.cuda,
            "architectures": self.architectures,
            "ptx": self.ptx,
            "profile": self.profile,
            "companion_of": self.companion_of,
            "build_key": self.build_key,
            "build_spec": self.build_spec,
            "built": self.built,
        }


AnyRecord: TypeAlias = "Facts | Record | Swift"


def record_path(wheel: Path) -> Path:
    """Where a wheel's record lies: ``X.whl`` → ``X.whl.json``."""
    return wheel.with_name(wheel.name + RECORD_SUFFIX)


def facts_of_json(text: bytes) -> Facts | None:
    """A record's facts from its JSON, or None where the model must judge it."""
    try:
        return facts_of(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def facts_of(told: object) -> Facts | None:
    """A record's facts from what its JSON holds, or None where the model must judge it.

    Args:
        told: Parsed JSON.
    """
    if not isinstance(told, dict):
        return None
    whole = _OMITTED | told
    try:
        tags, architectures = whole["tags"], whole["architectures"]
        if len(whole) != _KEYS or type(tags) is not list or type(architectures) is not list:
            return None
        whole["tags"], whole["architectures"] = tuple(tags), tuple(architectures)
        facts = Facts._make(_FIELDS(whole))
    except KeyError:
        return None
    right = (
        is_schema(whole["schema_version"])
        and _right_types(tuple(map(type, facts)))
        and _TEXT.issuperset(map(type, (*tags, *architectures)))
        and facts.size >= 0
        and HEX.fullmatch(facts.sha256) is not None
        and HEX.fullmatch(facts.metadata_sha256) is not None
        and (_is_flat(facts.build_spec) or is_plain(facts.build_spec))
        and (_is_flat(facts.built) or is_plain(facts.built))
    )
    return facts if right else None


def is_schema(version: object) -> bool:
    """Whether a ``schema_version`` is the one there is."""
    return type(version) is int and version == RECORD_SCHEMA


_TYPES: dict[str, frozenset[type]] = {
    **dict.fromkeys(Facts._fields, frozenset({str})),
    **dict.fromkeys(Facts._field_defaults, frozenset[type]({str, NoneType})),
    **dict.fromkeys(("tags", "architectures"), frozenset({tuple})),
    **dict.fromkeys(("build_spec", "built"), frozenset[type]({dict, NoneType})),
    "size": frozenset({int}),
}
"""Each field's types; `bool` is no `int` here."""


_FIELDS = itemgetter(*Facts._fields)
_KEYS = 1 + len(Facts._fields)
_OMITTED: dict[str, Any] = {
    "schema_version": RECORD_SCHEMA,
    **Facts._field_defaults,
    "architectures": [],
}
"""What a record says by leaving a key out."""
_TEXT = frozenset({str})
_SCALARS = frozenset[type]({str, int, bool, NoneType})


@lru_cache(maxsize=1024)
def _right_types(types: tuple[type, ...]) -> bool:
    """Whether the fields are of these types; few combinations of them ever come up."""
    return all(one in allowed for one, allowed in zip(types, _TYPES.values(), strict=True))


def _is_flat(data: dict[str, Any] | None) -> bool:
    return data is None or _SCALARS.issuperset(map(type, data.values()))


def is_plain(data: object) -> bool:
    """Whether free-form data is short of what readers of JSON differ on.

    These are deep nesting and numbers with a fraction, or beyond 64 bits: some read the one as the
    other.
    """
    level = [data]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, float) or (type(one) is int and not _LEAST <= one <= _MOST):
                return False
        if not below:
            return True
        level = below
    return False
