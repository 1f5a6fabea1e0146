"""A site of the pages people look at, made from files that need not exist."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from index.ledger import Settings
from index.model import File, in_order
from index.pages import human
from index.records import Record

BASE = "https://owner.example/wheels"
SUMMARY = "OpenCV with contrib, headless, with CUDA and the cuDNN dnn backend"


def wheel(
    name: str = "opencv-cuda",
    version: str = "4.14.0.94",
    cuda: str | None = "cu124",
    tag: str = "cp39-abi3-manylinux_2_31_x86_64",
    *,
    yanked: str | None = None,
    headers: Sequence[str] = (),
    summary: str = SUMMARY,
    url: str | None = None,
    **changes: object,
) -> File:
    """A wheel's file; ``headers`` are further lines of its METADATA, ``changes`` its record's."""
    full = f"{version}+{cuda}" if cuda else version
    filename = f"{name.replace('-', '_')}-{full}-1-{tag}.whl"
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {full}", f"Summary: {summary}"]
    text = "\n".join([*lines, *headers, "", "# The description", "Requires-Dist: not-a-header"])
    major = {"cu118": "11", "cu124": "12", "cu130": "13"}.get(cuda or "", "")
    facts: dict[str, object] = {
        "filename": filename,
        "name": name,
        "version": full,
        "build_tag": "1",
        "tags": (tag,),
        "requires_python": ">=3.10",
        "sha256": hashlib.sha256(filename.encode()).hexdigest(),
        "size": 17_512_345 + 1000 * len(filename),
        "metadata": text,
        "metadata_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "cuda": cuda,
        "architectures": {
            "11": ("6.0", "7.0", "7.5", "8.0"),
            "12": ("7.5", "8.0", "9.0"),
            "13": ("7.5", "8.0", "9.0", "10.0", "12.0"),
        }.get(major, ()),
        "ptx": {"11": "8.0", "12": "9.0", "13": "12.0"}.get(major),
        "profile": "full",
        "build_key": hashlib.sha256(filename.encode()).hexdigest()[:32],
        "built": {
            "compile_cache": "local",
            "engine": "hermetic",
            "fixed_path": True,
            "network": False,
        },
    }
    record = Record.model_validate({**facts, **changes})
    return File.of_wheel(record, yanked=yanked, uploaded="2026-11-21T09:30:00Z", url=url)


def guard(name: str = "opencv-cuda", version: str = "4.14.0.94", cuda: str = "cu124") -> File:
    """A guard sdist's file."""
    filename = f"{name.replace('-', '_')}-{version}+{cuda}.tar.gz"
    return File(
        filename=filename,
        name=name,
        version=f"{version}+{cuda}",
        cuda=cuda,
        sha256=hashlib.sha256(filename.encode()).hexdigest(),
        size=1830,
        url=f"files/{filename}",
        uploaded="2026-11-21T09:31:00Z",
    )


def opencv() -> tuple[File, ...]:
    """A project with a bit of everything: three CUDAs, older versions, a yank, guards."""
    needs = ["Requires-Dist: numpy>=1.23", "Requires-Dist: nvidia-cudnn-cu12<10,>=9.1"]
    about = ["License-Expression: Apache-2.0", "Project-URL: OpenCV, https://opencv.org"]
    files = [
        wheel(cuda=cuda, headers=[*about, *needs], version=version)
        for version in ("4.14.0.94", "4.13.0.92")
        for cuda in ("cu118", "cu124", "cu130")
    ]
    files += [guard(cuda=cuda) for cuda in ("cu118", "cu124", "cu130")]
    files += [
        wheel(version="4.12.0.88", cuda="cu124", requires_python=">=3.9"),
        wheel(version="4.11.0.86", cuda="cu124", yanked="resize() is wrong on 7.5"),
    ]
    return in_order(files)


def darknet() -> tuple[File, ...]:
    """A project that serves every Python 3 from 3.10."""
    return in_order(
        wheel(
            "darknet-python",
            "0.0.0.20180914",
            cuda,
            "py3-none-manylinux_2_31_x86_64",
            summary="Darknet, the neural network framework of YOLO, on NVIDIA GPUs",
            headers=["Requires-Dist: numpy>=1.21"],
            size=1_515_181,
        )
        for cuda in ("cu118", "cu124", "cu130")
    )


def dlib() -> tuple[File, ...]:
    """A project with a wheel per Python, of one CUDA only."""
    return in_order(
        wheel(
            "dlib-cuda",
            "19.24.9",
            "cu124",
            f"cp3{minor}-cp3{minor}-manylinux_2_31_x86_64",
            summary="Machine learning and computer vision, with CUDA",
            requires_python=">=3.8",
            size=9_812_000,
        )
        for minor in (10, 11, 12)
    )


def projects() -> dict[str, tuple[File, ...]]:
    """The three of them by name."""
    return {"darknet-python": darknet(), "dlib-cuda": dlib(), "opencv-cuda": opencv()}


def settings(**changes: object) -> Settings:
    """Settings with a base address and a default CUDA."""
    facts = {"title": "GPU wheels", "base_url": BASE, "default_cuda": "cu124"}
    return Settings.checked({**facts, **changes})


def pages(known: Mapping[str, Sequence[File]], chosen: Settings) -> dict[str, bytes]:
    """Every page and asset by path relative to the site."""
    made: dict[str, bytes] = dict(human.assets())
    cards = [(name, human.card(name, files)) for name, files in sorted(known.items())]
    labels = sorted({file.cuda for files in known.values() for file in files if file.cuda})
    made["index.html"] = human.landing_page(cards, labels, chosen).encode()
    for name, files in known.items():
        made[f"project/{name}/index.html"] = human.project_page(name, files, chosen).encode()
    return made


def write_site(
    folder: Path, known: Mapping[str, Sequence[File]] | None = None, **changes: object
) -> Path:
    """Write the pages of projects (by default the three above) below a folder."""
    for path, data in pages(known or projects(), settings(**changes)).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder
