"""Records and events read and written in C: what full builds do by the hundred thousand.

`index.facts` and `index.ledger.plain` say the same with what every command has at hand; importing
this takes longer than reading some dozens of records with them. As there, what is not exactly as
the index writes it is left to the models, which have the last word.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from index.facts import is_plain

_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Numbers that all readers of JSON agree on."""
_Flat = dict[str, str | bool | _Whole | None]


class Swift(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A record; each field is that of `index.records.Record`, in the same order."""

    schema_version: Literal[1] = 1
    filename: str
    name: str
    version: str
    build_tag: str | None = None
    tags: tuple[str, ...]
    requires_python: str | None = None
    sha256: str
    size: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    metadata: str
    metadata_sha256: str
    cuda: str | None = None
    architectures: tuple[str, ...] = ()
    ptx: str | None = None
    profile: str | None = None
    companion_of: str | None = None
    build_key: str | None = None
    build_spec: dict[str, Any] | None = None
    built: dict[str, Any] | None = None


class _Flatter(Swift, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    build_spec: _Flat | None = None
    built: _Flat | None = None


class SwiftAdd(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a ledger's line publishes, its seal left out."""

    url: str
    uploaded: str
    event: Literal["add"]
    record: Swift
    provenance: bool = False


_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_FLAT = msgspec.json.Decoder(_Flatter)
_DEEP = msgspec.json.Decoder(Swift)
_LINE = msgspec.json.Decoder(SwiftAdd)
write_into = msgspec.json.Encoder().encode_into
"""Writes a record as JSON into a buffer, byte for byte as its model does."""


def swift_record(text: bytes) -> Swift | None:
    """A record from its JSON, keys and types judged, or None where another must judge it."""
    try:
        return _FLAT.decode(text)
    except _BROKEN:
        pass
    try:
        told = _DEEP.decode(text)
    except _BROKEN:
        return None
    return told if is_plain(told.build_spec) and is_plain(told.built) else None


def swift_add(line: bytes) -> SwiftAdd | None:
    """As `index.ledger.plain.kept_add`: the wheel that a ledger's line publishes."""
    try:
        return _LINE.decode(line)
    except _BROKEN:
        return None
