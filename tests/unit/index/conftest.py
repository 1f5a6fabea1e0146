"""Makers of records and of tiny wheels."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from index.records import Record


def metadata(name: str, version: str, *extra: str) -> str:
    return "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *extra, ""])


@pytest.fixture
def make_record() -> Callable[..., Record]:
    def make(
        filename: str = "opencv_cuda-4.14.0.94+cu118-1-cp39-abi3-manylinux_2_31_x86_64.whl",
        **changes: object,
    ) -> Record:
        parts = filename.removesuffix(".whl").split("-")
        name, version = parts[0].replace("_", "-").lower(), parts[1]
        local = version.partition("+")[2]
        text = metadata(name, version, "Requires-Python: >=3.9")
        facts: dict[str, object] = {
            "filename": filename,
            "name": name,
            "version": version,
            "build_tag": parts[2] if len(parts) == 6 else None,
            "tags": ("-".join(parts[-3:]),),
            "requires_python": ">=3.9",
            "sha256": hashlib.sha256(filename.encode()).hexdigest(),
            "size": 1000,
            "metadata": text,
            "metadata_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "cuda": local or None,
        }
        return Record.model_validate({**facts, **changes})

    return make


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[..., Path]:
    def make(
        filename: str = "tiny_gpu-1.0+cu118-1-py3-none-any.whl",
        *,
        text: str | None = None,
        members: dict[str, bytes] | None = None,
    ) -> Path:
        name, version = filename.split("-")[:2]
        info = f"{name}-{version}.dist-info"
        path = tmp_path / "dist" / filename
        path.parent.mkdir(exist_ok=True)
        contents = {f"{info}/METADATA": text or metadata(name, version), **(members or {})}
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in contents.items():  # with no time: made again they are the same
                archive.writestr(zipfile.ZipInfo(member), data, zipfile.ZIP_DEFLATED)
        return path

    return make
