"""ELF files as the dynamic loader sees them, and the GPU code in their sections."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from builder.errors import CheckError
from builder.wheel import cuda_code
from builder.wheel.model import CudaCode, ElfFacts, Part, VersionNeed

_KINDS = {"ET_DYN": "shared", "ET_EXEC": "program", "ET_REL": "object", "ET_CORE": "core"}
_DATA_FOLDER = re.compile(r"^[^/]+\.data/(?:platlib|purelib)/")
_EXECUTABLE = 0x1
MAX_VERSIONS = 20_000
"""Symbol versions of one file; OpenCV needs about fifty."""


def installed_path(path: str) -> str:
    """Where a file of a wheel lies below site-packages once it is installed."""
    return _DATA_FOLDER.sub("", path)


def read_elf(path: str, data: bytes) -> ElfFacts:
    """Everything about one ELF file.

    Args:
        path: Its name in the wheel.
        data: Its bytes.

    Raises:
        CheckError: it is damaged, or its GPU code cannot be read.
    """
    try:
        return _read(path, data)
    except CheckError:
        raise
    except Exception as error:
        # pyelftools meets damaged files with whatever exception its parser happens to hit.
        raise CheckError(f"{path}: a damaged ELF file ({type(error).__name__}: {error})") from error


def _read(path: str, data: bytes) -> ElfFacts:
    elf = ELFFile(io.BytesIO(data))
    _check_tables(elf, len(data), path)
    segments = list(elf.iter_segments())
    dynamic = next((s for s in segments if isinstance(s, DynamicSegment)), None)
    interpreter = next((s.data() for s in segments if s["p_type"] == "PT_INTERP"), None)
    stack = next((s["p_flags"] for s in segments if s["p_type"] == "PT_GNU_STACK"), _EXECUTABLE)
    kind = _KINDS.get(elf["e_type"], "other")
    machine = "x86_64" if elf["e_machine"] == "EM_X86_64" else str(elf["e_machine"])
    names = _names(elf, dynamic, data) if dynamic else {}
    soname = next(iter(names.get("DT_SONAME", ())), None)
    run_path = next(iter(names.get("DT_RUNPATH") or names.get("DT_RPATH") or ("",)))
    sections = list(elf.iter_sections())
    return ElfFacts(
        path=path,
        installed=installed_path(path),
        size=len(data),
        kind="program" if kind == "shared" and interpreter and soname is None else kind,
        machine=machine,
        soname=soname,
        needed=tuple(names.get("DT_NEEDED", ())),
        run_paths=tuple(part for part in run_path.split(":") if part),
        legacy_run_path="DT_RPATH" in names and "DT_RUNPATH" not in names,
        version_needs=tuple(_version_needs(elf, dynamic, data)) if dynamic else (),
        interpreter=interpreter.rstrip(b"\0").decode() if interpreter else None,
        executable_stack=kind in ("shared", "program") and bool(stack & _EXECUTABLE),
        symbols=any(section.name == ".symtab" for section in sections),
        sections=tuple(
            Part(name=section.name, size=section["sh_size"])
            for section in sections
            if section["sh_type"] not in ("SHT_NULL", "SHT_NOBITS")
        ),
        cuda=_cuda(elf, data, path),
    )


def _check_tables(elf: ELFFile, size: int, path: str) -> None:
    """Refuse header tables that lie outside the file: their readers would run for ever."""
    wide = elf.elfclass == 64
    tables = (
        ("e_phoff", elf.num_segments(), elf["e_phentsize"], 56 if wide else 32),
        ("e_shoff", elf.num_sections(), elf["e_shentsize"], 64 if wide else 40),
    )
    for offset, count, entry, least in tables:
        if count and (entry < least or elf[offset] + count * entry > size):
            raise CheckError(f"{path}: a damaged ELF file (its tables lie outside it)")


def _names(elf: ELFFile, dynamic: DynamicSegment, data: bytes) -> dict[str, list[str]]:
    """The dynamic section's names by tag, in order."""
    tags = [(tag.entry.d_tag, tag.entry.d_val) for tag in dynamic.iter_tags()]
    wanted = ("DT_NEEDED", "DT_SONAME", "DT_RPATH", "DT_RUNPATH")
    found: dict[str, list[str]] = {}
    for tag, value in tags:
        if tag in wanted:
            strings = _offset(elf, dict(tags)["DT_STRTAB"])
            found.setdefault(tag, []).append(_string(data, strings + value))
    return found


def _version_needs(elf: ELFFile, dynamic: DynamicSegment, data: bytes) -> Iterator[VersionNeed]:
    """The versions needed from each library, found as the loader finds them (DT_VERNEED)."""
    tags = {tag.entry.d_tag: tag.entry.d_val for tag in dynamic.iter_tags()}
    if "DT_VERNEED" not in tags:
        return
    order = "<" if elf.little_endian else ">"
    need, aux = struct.Struct(order + "HHIII"), struct.Struct(order + "IHHII")
    strings = _offset(elf, tags["DT_STRTAB"])
    position = _offset(elf, tags["DT_VERNEED"])
    left = MAX_VERSIONS
    for _ in range(min(tags["DT_VERNEEDNUM"], MAX_VERSIONS)):
        _, count, file, first, following = need.unpack_from(data, position)
        versions = []
        place = position + first
        for _ in range(count):
            _, _, _, name, step = aux.unpack_from(data, place)
            left -= 1
            if left < 0:
                raise ValueError("more symbol versions than any file needs")
            versions.append(_string(data, strings + name))
            if not step:
                break
            place += step
        yield VersionNeed(library=_string(data, strings + file), versions=tuple(versions))
        if not following:
            break
        position += following


def _offset(elf: ELFFile, address: int) -> int:
    offset = next(elf.address_offsets(address), None)
    if offset is None:
        raise ValueError(f"address {address:#x} is in no segment")
    return int(offset)


def _string(data: bytes, start: int) -> str:
    end = data.index(b"\0", start)
    return data[start:end].decode()


def _cuda(elf: ELFFile, data: bytes, path: str) -> CudaCode | None:
    modules: list[tuple[cuda_code.Entry, ...]] = []
    for section in elf.iter_sections():
        if section.name in cuda_code.SECTIONS and section["sh_type"] != "SHT_NOBITS":
            start, size = section["sh_offset"], section["sh_size"]
            if start + size > len(data):
                raise CheckError(f"{path}: section {section.name} lies outside the file")
            label = f"{path}, section {section.name}"
            modules.extend(cuda_code.containers(data[start : start + size], label=label))
    return cuda_code.summarise(modules)
