"""What a wheel's bytes are: files, sections, GPU code by architecture and module, against the bars.

``python benchmarks/sizes.py WHEEL [--against WHEEL] [--build FOLDER]``. A part's size in the wheel
is what it deflates to on its own, at the level the builder writes wheels with; parts therefore add
up to a little more than the wheel. ``--build`` takes a build tree (``builder build --keep-work``)
and adds what each of OpenCV's modules holds, before the linker drops what is not used.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from measure import table

sys.path.append(sys.path.pop(0))  # this folder has an index.py; the builder needs the package

from builder.wheel.cuda_code import SECTIONS, containers, summarise
from index.records import read_record, record_path

LEVEL = 9
BARS = {"one architecture": 70_000_000, "several architectures": 100_000_000}
"""Bytes a `full` wheel may have."""
SMALL = 0.005
"""Share of the wheel below which a file or section goes into "the rest"."""
KINDS = (
    ("GPU code", SECTIONS),
    ("host code", (".text", ".init", ".fini", ".plt")),
    ("constants", (".rodata", ".data.rel.ro")),
    ("unwinding", (".eh_frame", ".eh_frame_hdr", ".gcc_except_table")),
    ("relocations, symbols", (".rela.dyn", ".rela.plt", ".dynsym", ".dynstr", ".gnu.hash")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file, or a kind of section of one."""

    name: str
    size: int
    """Bytes unpacked."""
    deflated: int
    """Bytes in the wheel."""


def deflated(data: bytes) -> int:
    """Bytes after raw deflate, as zip files hold them."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(packer.compress(data)) + len(packer.flush())


def files(wheel: zipfile.ZipFile) -> list[Part]:
    """Every file, largest in the wheel first."""
    found = [
        Part(name=one.filename, size=one.file_size, deflated=one.compress_size)
        for one in wheel.infolist()
        if not one.is_dir()
    ]
    return sorted(found, key=lambda part: -part.deflated)


def sections(name: str, data: bytes) -> list[Part]:
    """The kinds of sections of one ELF file, largest first."""
    kinds = {section: kind for kind, names in KINDS for section in names}
    bytes_of: dict[str, bytearray] = {}
    for section in ELFFile(io.BytesIO(data)).iter_sections():
        if section["sh_type"] not in ("SHT_NULL", "SHT_NOBITS"):
            kind = kinds.get(section.name, "other sections")
            bytes_of.setdefault(kind, bytearray()).extend(section.data())
    found = [
        Part(name=f"{Path(name).name}: {kind}", size=len(part), deflated=deflated(bytes(part)))
        for kind, part in bytes_of.items()
    ]
    return sorted(found, key=lambda part: -part.deflated)


def gpu_code(name: str, data: bytes) -> Iterator[list[str]]:
    """One row per kind and architecture of GPU code."""
    elf = ELFFile(io.BytesIO(data))
    every = [
        container
        for section in map(elf.get_section_by_name, SECTIONS)
        if section is not None
        for container in containers(section.data(), label=name)
    ]
    code = summarise(every)
    for one in code.codes if code else ():
        what = "machine code" if one.kind == "elf" else one.kind.upper()
        yield [f"{what} {one.architecture}", megabytes(one.size), f"{one.modules}"]


def modules(build: Path) -> list[list[str]]:
    """What each static library of a build tree holds: GPU code, host code, constants."""
    rows = []
    for library in sorted(build.rglob("*.a")):
        sums: Counter[str] = Counter()
        for data in members(library.read_bytes()):
            for section in ELFFile(io.BytesIO(data)).iter_sections():
                group = section.name.removeprefix(".rela")
                kind = next((k for k, ns in KINDS if group.startswith(ns)), None)
                if kind and section.name == group and section["sh_type"] != "SHT_NOBITS":
                    sums[kind] += section["sh_size"]
        if sum(sums.values()):
            rows.append((library.stem.removeprefix("lib").removeprefix("opencv_"), sums))
    rows.sort(key=lambda row: -sum(row[1].values()))
    shown = [kind for kind, _ in KINDS[:4]]
    return [["library", *shown], *([n, *(megabytes(s[kind]) for kind in shown)] for n, s in rows)]


def members(archive: bytes) -> Iterator[bytes]:
    """The ELF files in an ``ar`` archive; a thin one names files elsewhere and is left out."""
    position = 8 if archive.startswith(b"!<arch>\n") else len(archive)
    while position + 60 <= len(archive):
        size = int(archive[position + 48 : position + 58])
        data = archive[position + 60 : position + 60 + size]
        if data.startswith(b"\x7fELF"):
            yield data
        position += 60 + size + size % 2


def megabytes(size: int) -> str:
    """In MB (a million bytes) with two decimals."""
    return f"{size / 1e6:.2f}"


def parts_table(parts: Iterable[Part], whole: int) -> str:
    """Parts as rows, with those too small to name in one row."""
    rows = [["part", "MB unpacked", "MB in the wheel", "%"]]
    small = [0, 0, 0]
    for part in parts:
        if part.deflated < SMALL * whole:
            small = [small[0] + part.size, small[1] + part.deflated, small[2] + 1]
            continue
        rows.append([part.name, megabytes(part.size), megabytes(part.deflated)])
        rows[-1].append(f"{100 * part.deflated / whole:.1f}")
    if small[2]:
        rest = [f"{small[2]} smaller", megabytes(small[0]), megabytes(small[1])]
        rows.append([*rest, f"{100 * small[1] / whole:.1f}"])
    return table(rows)


def report(path: Path) -> int:
    """Print the tables of one wheel; its size in bytes."""
    whole = path.stat().st_size
    print(f"\n## {path.name}: {megabytes(whole)} MB\n")
    with zipfile.ZipFile(path) as wheel:
        every = files(wheel)
        print(parts_table(every, whole))
        for part in every:
            if part.deflated < SMALL * whole or not part.name.partition(".so")[1]:
                continue
            data = wheel.read(part.name)
            print(f"\n{parts_table(sections(part.name, data), whole)}")
            rows = list(gpu_code(part.name, data))
            if rows:
                print(f"\n{table([['GPU code', 'MB unpacked', 'CUDA modules'], *rows])}")
    return whole


def held(path: Path, size: int) -> bool:
    """Whether a wheel keeps its bar; says so."""
    record = read_record(record_path(path))
    several = len(record.architectures) > 1
    name = "several architectures" if several else "one architecture"
    print(f"\n{name}: {megabytes(size)} MB of {megabytes(BARS[name])}", end=": ")
    print("held" if size < BARS[name] else "NOT held")
    return size < BARS[name]


def main() -> int:
    """Print; 1 if a wheel is over its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, help="one of ours, its record beside it")
    parser.add_argument("--against", type=Path, help="another wheel, such as OpenCV's own")
    parser.add_argument("--build", type=Path, help="a build tree, for sizes by module")
    options = parser.parse_args()
    size = report(options.wheel)
    if options.against is not None:
        report(options.against)
    if options.build is not None:
        print(
            f"\n## Static libraries in {options.build.name}, MB\n\n{table(modules(options.build))}"
        )
    return 0 if held(options.wheel, size) else 1


if __name__ == "__main__":
    sys.exit(main())
