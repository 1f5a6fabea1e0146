"""The record of a finished wheel, made from the wheel itself and its build spec."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from builder.plan.spec import BuildSpec
from builder.wheel.archive import Wheel
from index.records import Record


def make_record(wheel: Path, spec: BuildSpec, *, built: dict[str, Any]) -> Record:
    """The record that goes beside a wheel.

    Args:
        wheel: The repaired and checked wheel.
        spec: What it was built from.
        built: How it was built (engine, sandbox, compile cache); no path and no host name.

    Raises:
        CheckError: the wheel cannot be read.
    """
    with Wheel(wheel) as archive:
        metadata = archive.metadata
        named = archive.named
        requires_python = archive.fields.get("requires_python")
    with wheel.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Record(
        filename=wheel.name,
        name=named.name,
        version=str(named.version),
        build_tag=named.build_tag,
        tags=tuple(sorted(str(tag) for tag in named.tags)),
        requires_python=requires_python,
        sha256=digest,
        size=wheel.stat().st_size,
        metadata=metadata,
        metadata_sha256=hashlib.sha256(metadata.encode()).hexdigest(),
        cuda=spec.cuda,
        architectures=spec.architectures,
        ptx=spec.ptx,
        profile=spec.profile,
        build_key=spec.key,
        build_spec=spec.model_dump(mode="json"),
        built=built,
    )
