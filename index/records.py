"""The record beside each wheel (``X.whl.json``): half of the contract between builder and index."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from index.facts import RECORD_SCHEMA, RECORD_SUFFIX, record_path
from index.files import write_text


class Record(BaseModel):
    """What a wheel is and where it came from; written once, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = RECORD_SCHEMA
    filename: str
    name: str
    """Normalised project name (PEP 503)."""
    version: str
    build_tag: str | None = None
    tags: tuple[str, ...]
    requires_python: str | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    """Bytes."""
    metadata: str
    """The wheel's METADATA file, whole."""
    metadata_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    cuda: str | None = None
    architectures: tuple[str, ...] = ()
    ptx: str | None = None
    profile: str | None = None
    companion_of: str | None = None
    """The package this empty wheel stands beside (normalised); companions get no guard."""
    build_key: str | None = None
    build_spec: dict[str, Any] | None = None
    built: dict[str, Any] | None = None
    """How it was built: engine, sandbox, compile cache; never a path or a host name."""


def dump_record(record: Record) -> str:
    """The record's text: sorted, indented, the same bytes for the same record."""
    import json

    return json.dumps(record.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"


def write_record(record: Record, wheel: Path) -> Path:
    """Write the record beside its wheel."""
    path = record_path(wheel)
    write_text(path, dump_record(record))
    return path


def read_record(path: Path) -> Record:
    """Read one record.

    Raises:
        pydantic.ValidationError: the file is not a record of this schema.
    """
    return Record.model_validate_json(path.read_bytes())


__all__ = [
    "RECORD_SCHEMA",
    "RECORD_SUFFIX",
    "Record",
    "dump_record",
    "read_record",
    "record_path",
    "write_record",
]
