"""Makers of small ELF files, fat binaries and wheels: no compiler, no committed binaries."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from builder.plan.spec import BuildSpec
from builder.wheel.archive import record_hash
from builder.wheel.cuda_code import MAGIC

KINDS = {"ptx": 1, "elf": 2, "lto": 8}


def fatbin(*entries: tuple[str, str], payload: int = 64) -> bytes:
    """One container with an entry per (kind, architecture)."""
    body = b""
    for kind, name in entries:
        number = int(name.rstrip("af").replace(".", ""))
        flags = (
            0x11 | (0x100000 if name.endswith("a") else 0) | (0x200000 if name.endswith("f") else 0)
        )
        header = struct.pack(
            "<HHIQIIHHIIIQQQ",
            *(KINDS[kind], 0x0101, 64, payload, 0, 0, 8, 1, number, 0, 0, flags, 0, 0),
        )
        body += header + b"\x5a" * payload
    return struct.pack("<IHHQ", MAGIC, 1, 16, len(body)) + body


def elf(
    *,
    needed: Sequence[str] = ("libc.so.6",),
    versions: Mapping[str, Sequence[str]] | None = None,
    soname: str | None = None,
    runpath: str | None = None,
    rpath: str | None = None,
    fatbins: bytes = b"",
    fatbin_section: str = ".nv_fatbin",
    interpreter: str | None = None,
    stack_flags: int | None = 6,
    machine: int = 62,
    extra: bytes = b"",
    headless: bool = False,
) -> bytes:
    """A minimal 64-bit shared library: what the loader reads, and nothing it would run."""
    strings = bytearray(b"\0")

    def string(text: str) -> int:
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text) - 1

    tags = [(1, string(name)) for name in needed]
    tags += [(14, string(soname))] if soname else []
    tags += [(29, string(runpath))] if runpath else []
    tags += [(15, string(rpath))] if rpath else []
    needs = b""
    items = list((versions or {}).items())
    for index, (library, names) in enumerate(items):
        size = 16 + 16 * len(names)
        following = size if index + 1 < len(items) else 0
        needs += struct.pack("<HHIII", 1, len(names), string(library), 16, following)
        for position, name in enumerate(names):
            step = 16 if position + 1 < len(names) else 0
            needs += struct.pack("<IHHII", 0, 0, 2, string(name), step)
    interp = interpreter.encode() + b"\0" if interpreter else b""
    segments = 2 + bool(interp) + (stack_flags is not None)
    start = 64 + 56 * segments

    offsets = {}
    body = b""
    for name, data in (
        ("strings", bytes(strings)),
        ("needs", needs),
        ("interp", interp),
        ("fatbins", fatbins),
        ("extra", extra),
    ):
        body += b"\0" * (-(start + len(body)) % 8)
        offsets[name] = start + len(body)
        body += data
    body += b"\0" * (-(start + len(body)) % 8)
    dynamic = start + len(body)
    tags += [(5, offsets["strings"])]
    if needs:
        tags += [(0x6FFFFFFE, offsets["needs"]), (0x6FFFFFFF, len(items))]
    table = b"".join(struct.pack("<QQ", *tag) for tag in (*tags, (0, 0)))
    body += table
    # name, type, flags, place, size, linked section, entries
    place = offsets["fatbins"]
    described = [(fatbin_section, 1, 2, place, len(fatbins), 0, 0)] if fatbins else []
    described += [(".dynstr", 3, 2, offsets["strings"], len(strings), 0, 0)]
    if needs and not headless:
        place = offsets["needs"]
        described += [
            (".gnu.version_r", 0x6FFFFFFE, 2, place, len(needs), len(described), len(items))
        ]
    described += [(".shstrtab", 3, 0, start + len(body), 0, 0, 0)]
    names = b"\0" + b"".join(row[0].encode() + b"\0" for row in described)
    described[-1] = (*described[-1][:4], len(names), 0, 0)
    body += names + b"\0" * (-(len(body) + start + len(names)) % 8)
    sections = start + len(body)
    body += bytes(64)
    for name, kind, flags, place, size, linked, entries in described:
        at = names.index(b"\0" + name.encode() + b"\0") + 1
        row = (at, kind, flags, place, place, size, linked, entries, 1, 0)
        body += struct.pack("<IIQQQQIIQQ", *row)
    total = start + len(body)

    headers = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, total, total, 4096)
    headers += struct.pack("<IIQQQQQQ", 2, 6, dynamic, dynamic, dynamic, len(table), len(table), 8)
    if interp:
        place = offsets["interp"]
        headers += struct.pack("<IIQQQQQQ", 3, 4, place, place, place, len(interp), len(interp), 1)
    if stack_flags is not None:
        headers += struct.pack("<IIQQQQQQ", 0x6474E551, stack_flags, 0, 0, 0, 0, 0, 16)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = identity + struct.pack(
        "<HHIQQQIHHHHHH",
        3,
        machine,
        1,
        0,
        64,
        sections,
        0,
        64,
        56,
        segments,
        64,
        len(described) + 1,
        len(described),
    )
    return header + headers + body


NAME = "demo_gpu-1.2+cu118-1-py3-none-manylinux_2_28_x86_64.whl"


def wheel(
    folder: Path,
    files: Mapping[str, bytes] | None = None,
    *,
    filename: str = NAME,
    metadata: str | None = None,
    header: str | None = None,
    record: bytes | None = None,
    reverse: bool = False,
    when: tuple[int, int, int, int, int, int] = (2024, 5, 6, 7, 8, 10),
) -> Path:
    """A whole wheel with METADATA, WHEEL and RECORD; each can be replaced by a wrong one."""
    name, version, *_, python, abi, platforms = filename.removesuffix(".whl").split("-")
    info = f"{name}-{version}.dist-info"
    tags = "".join(f"Tag: {python}-{abi}-{platform}\n" for platform in platforms.split("."))
    contents = dict(files or {"demo_gpu/__init__.py": b"x = 1\n"})
    contents[f"{info}/METADATA"] = (
        metadata
        or f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
        "Requires-Python: >=3.9\nRequires-Dist: nvidia-cuda-runtime-cu11\n"
    ).encode()
    contents[f"{info}/WHEEL"] = (
        header or f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\n{tags}"
    ).encode()
    if record is None:
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerows((path, record_hash(data), len(data)) for path, data in contents.items())
        rows.writerow((f"{info}/RECORD", "", ""))
        record = text.getvalue().encode()
    contents[f"{info}/RECORD"] = record
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / filename
    with zipfile.ZipFile(path, "w") as archive:
        for item in sorted(contents, reverse=reverse):
            archive.writestr(zipfile.ZipInfo(item, when), contents[item])
    return path


def spec(**changes: object) -> BuildSpec:
    """The build spec that `wheel`'s wheels answer to."""
    values: dict[str, object] = {
        "recipe": "demo-gpu",
        "version": "1.2",
        "revision": 1,
        "cuda": "cu118",
        "cuda_version": "11.8",
        "profile": "smoke",
        "architectures": ("7.5", "8.0"),
        "ptx": "8.0",
        "py_api": "py3",
        "requires_python": ">=3.9",
        "dependencies": ("nvidia-cuda-runtime-cu11",),
        "defines": (),
        "sources": (),
        "project": (),
        "toolchain": "0" * 64,
        "excluded_libs": ("libcudart.so.*", "libcuda.so.*"),
        "run_paths": ("nvidia/cuda_runtime/lib",),
    }
    return BuildSpec.model_validate({**values, **changes})


@pytest.fixture(scope="session")
def make_fatbin() -> Callable[..., bytes]:
    return fatbin


@pytest.fixture(scope="session")
def make_elf() -> Callable[..., bytes]:
    return elf


@pytest.fixture(scope="session")
def make_wheel() -> Callable[..., Path]:
    return wheel


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., BuildSpec]:
    return spec


@pytest.fixture
def good_wheel(tmp_path: Path) -> Path:
    """A wheel that keeps every promise of `spec()`."""
    code = fatbin(("elf", "7.5"), ("elf", "8.0"), ("ptx", "8.0"))
    library = elf(
        needed=("libcudart.so.11.0", "libc.so.6"),
        versions={
            "libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.27"],
            "libcudart.so.11.0": ["libcudart.so.11.0"],
        },
        rpath="$ORIGIN/../nvidia/cuda_runtime/lib",
        soname="libdemo.so",
        fatbins=code + code,
    )
    return wheel(tmp_path / "good", {"demo_gpu/__init__.py": b"", "demo_gpu/libdemo.so": library})
