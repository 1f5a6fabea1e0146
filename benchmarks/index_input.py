"""Made-up files for an index: records as `builder build` writes them, and the same for others."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PER_PROJECT = 100
CUDAS = ("cu118", "cu124", "cu130")
PYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp314")
UPLOADED = 1_790_000_000
"""Seconds since 1970 of the first file; each further one a second later."""
_DEPENDENCIES = "\n".join(
    f"Requires-Dist: nvidia-library-{number}-cu12<13,>=12.{number}; "
    f'platform_system == "Linux" and python_version >= "3.10"'
    for number in range(12)
)
_DESCRIPTION = "\n".join(f"Line {line} of what a long description says." for line in range(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One file.

    Attributes:
        record: As in ``X.whl.json``.
        uploaded: Seconds since 1970.
    """

    record: dict[str, Any]
    uploaded: int

    @property
    def name(self) -> str:
        """The file's name."""
        return str(self.record["filename"])

    def line(self) -> str:
        """For ``builder index build --records``."""
        return json.dumps(self.record, sort_keys=True) + "\n"

    def dumb_line(self, *, dependencies: bool = False) -> str:
        """For dumb-pypi's ``--package-list-json``; it leaves out what a file has not.

        Args:
            dependencies: Say what its METADATA says of them, too, which ours reads there.
        """
        told: dict[str, object] = {
            "filename": self.name,
            "hash": f"sha256={self.record['sha256']}",
            "requires_python": self.record["requires_python"],
            "core_metadata": f"sha256={self.record['metadata_sha256']}",
            "upload_timestamp": self.uploaded,
        }
        if dependencies:
            lines = str(self.record["metadata"]).splitlines()
            key = "Requires-Dist: "
            told["requires_dist"] = [one.removeprefix(key) for one in lines if one.startswith(key)]
        return json.dumps(told) + "\n"


def made(number: int, *, guards: bool = False, real: bool = False) -> Made:
    """File ``number``: a hundred to a project, of three CUDAs and four or five Pythons.

    Args:
        number: Which one.
        guards: Five Pythons: all a version must serve before the index publishes its guard.
        real: Hash and size are those of `wheel_bytes`, otherwise made up.
    """
    project, place = divmod(number, PER_PROJECT)
    pythons = PYTHONS if guards else PYTHONS[:4]
    release, rest = divmod(place, len(CUDAS) * len(pythons))
    cuda, python = CUDAS[rest % len(CUDAS)], pythons[rest // len(CUDAS)]
    return _made(project, f"1.{release}.0+{cuda}", cuda, python, UPLOADED + number, real=real)


def extra(project: int, number: int) -> Made:
    """One more file for a project, newer than all; it has a real wheel."""
    return _made(project, f"2.{number}.0+cu124", "cu124", "cp312", UPLOADED - 1 - number, real=True)


def wheel_bytes(record: dict[str, Any]) -> bytes:
    """A tiny wheel that a record describes: the same bytes each time."""
    stem = "-".join(record["filename"].split("-")[:2])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        texts = {
            "METADATA": record["metadata"],
            "WHEEL": "Wheel-Version: 1.0\n",
            "build-spec.json": json.dumps({"key": record["build_key"]}),
            "sboms/bench.cdx.json": json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6"}),
        }
        for name, text in texts.items():
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{name}"), text)
    return buffer.getvalue()


def write_wheel(folder: Path, one: Made) -> Path:
    """Write a wheel and the record beside it."""
    path = folder / one.name
    path.write_bytes(wheel_bytes(one.record))
    path.with_name(f"{one.name}.json").write_text(one.line())
    return path


def all_made(count: int, *, guards: bool = False, real: bool = False) -> Iterator[Made]:
    """The first ``count`` files."""
    return (made(number, guards=guards, real=real) for number in range(count))


def _made(project: int, version: str, cuda: str, python: str, uploaded: int, *, real: bool) -> Made:
    name = f"bench-project-{project:05d}"
    build = str(1 + int(version.split(".")[1]) % 2)
    tag = f"{python}-{python}-manylinux_2_31_x86_64"
    filename = f"{name.replace('-', '_')}-{version}-{build}-{tag}.whl"
    metadata = (
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
        f"Summary: A library for numbers on graphics cards, number {project}\n"
        f"License-Expression: Apache-2.0\nRequires-Python: >=3.10\n{_DEPENDENCIES}\n\n"
        f"{_DESCRIPTION}\n"
    )
    record = {
        "schema_version": 1,
        "filename": filename,
        "name": name,
        "version": version,
        "build_tag": build,
        "tags": [tag],
        "requires_python": ">=3.10",
        "sha256": _digest(filename),
        "size": 1_000_000 + project,
        "metadata": metadata,
        "metadata_sha256": _digest(metadata),
        "cuda": cuda,
        "architectures": ["7.5", "8.0", "8.6", "8.9", "9.0"],
        "ptx": "9.0",
        "profile": "full",
        "build_key": _digest(f"key {filename}"),
        "build_spec": {"recipe": name, "cuda": cuda, "python": python},
        "built": {"engine": "hermetic", "network": False, "fixed_path": True},
    }
    if real:
        data = wheel_bytes(record)
        record |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return Made(record=record, uploaded=uploaded)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
