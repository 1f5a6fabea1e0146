"""`inspect_wheel`: read one wheel through once and say everything that is in it."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from builder.wheel import policy
from builder.wheel.archive import Wheel, is_elf, problems, record_hash
from builder.wheel.cuda_code import sort_key
from builder.wheel.elf import installed_path, read_elf
from builder.wheel.leaks import GENERIC, find_leaks
from builder.wheel.model import ElfFacts, External, Inspection, Leak, Part, Recorded
from index.records import read_record, record_path

LARGEST = 10


def inspect_wheel(path: Path, *, needles: Iterable[str] = ()) -> Inspection:
    """Everything about one wheel.

    Args:
        path: The wheel; if its record lies beside it, what that says is taken up too.
        needles: Paths of this machine to look for in every file, besides the usual places.

    Raises:
        CheckError: it is not a wheel, is damaged, or has ELF files or GPU code that cannot be read.
    """
    wanted = (*needles, *GENERIC)
    hashes: dict[str, tuple[str, int]] = {}
    elves: list[ElfFacts] = []
    leaks: list[Leak] = []
    with Wheel(path) as wheel:
        digest = _sha256(path)
        for name in wheel:
            data = wheel.read(name)
            hashes[name] = (record_hash(data), len(data))
            leaks.extend(find_leaks(name, data, wanted))
            if is_elf(data):
                elves.append(read_elf(name, data))
        hashes.pop(f"{wheel.info}/RECORD", None)
        needs = [need for elf in elves for need in elf.version_needs]
        oldest, reasons = policy.oldest(needs)
        biggest = max(elves, key=lambda elf: elf.size, default=None)
        return Inspection(
            filename=path.name,
            name=wheel.named.name,
            version=str(wheel.named.version),
            build_tag=wheel.named.build_tag,
            tags=tuple(sorted(str(tag) for tag in wheel.named.tags)),
            requires_python=wheel.fields.get("requires_python"),
            dependencies=tuple(wheel.fields.get("requires_dist", ())),
            size=path.stat().st_size,
            unpacked=wheel.unpacked,
            sha256=digest,
            pure=wheel.pure,
            metadata=wheel.metadata,
            problems=problems(wheel, hashes),
            elves=tuple(elves),
            newest=policy.newest_by_prefix(needs),
            policy=policy.tag(oldest) if oldest else None,
            policy_reasons=reasons,
            vendored=_vendored(wheel),
            external=_external(elves, tuple(wheel)),
            real=_architectures(elves, "elf"),
            ptx=_architectures(elves, "ptx"),
            largest_files=_largest(
                Part(name=name, size=member.file_size) for name, member in wheel.members.items()
            ),
            largest_sections=_largest(biggest.sections) if biggest else (),
            leaks=tuple(leaks),
            recorded=_recorded(path, digest),
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _vendored(wheel: Wheel) -> tuple[str, ...]:
    folders = (name.split("/") for name in wheel)
    return tuple(parts[-1] for parts in folders if parts[0].endswith(".libs") and len(parts) > 1)


def _architectures(elves: list[ElfFacts], kind: str) -> tuple[str, ...]:
    found = {name for elf in elves if elf.cuda for name in elf.cuda.architectures(kind)}
    return tuple(sorted(found, key=sort_key))


def _largest(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: (-part.size, part.name))[:LARGEST])


def run_folder(elf: ElfFacts, run_path: str) -> str | None:
    """A run path as a folder below site-packages (``nvidia/cublas/lib``); None if it is none."""
    for origin in ("$ORIGIN", "${ORIGIN}"):
        if run_path == origin or run_path.startswith(origin + "/"):
            here = posixpath.dirname(elf.installed)
            folder = posixpath.normpath(posixpath.join(here, "." + run_path[len(origin) :]))
            return None if folder.startswith("..") else folder
    return None


def run_folders(elf: ElfFacts) -> tuple[str, ...]:
    """Every folder below site-packages in which the loader looks for what this file needs."""
    found = (run_folder(elf, run_path) for run_path in elf.run_paths)
    return tuple(folder for folder in found if folder is not None)


def _external(elves: list[ElfFacts], names: tuple[str, ...]) -> tuple[External, ...]:
    own = {posixpath.basename(installed_path(name)) for name in names}
    own |= {elf.soname for elf in elves if elf.soname}
    users: dict[str, list[ElfFacts]] = {}
    for elf in elves:
        for soname in elf.needed:
            if soname not in own and soname not in policy.PROMISED:
                users.setdefault(soname, []).append(elf)
    return tuple(
        External(
            soname=soname,
            needed_by=tuple(elf.path for elf in needers),
            searched=tuple(sorted(set.intersection(*(set(run_folders(elf)) for elf in needers)))),
        )
        for soname, needers in sorted(users.items())
    )


def _recorded(path: Path, digest: str) -> Recorded | None:
    beside = record_path(path)
    if not beside.is_file():
        return None
    try:
        record = read_record(beside)
    except (ValidationError, OSError):
        return None
    return Recorded(
        profile=record.profile,
        build_key=record.build_key,
        cuda=record.cuda,
        architectures=record.architectures,
        ptx=record.ptx,
        matches=record.sha256 == digest,
        companion_of=record.companion_of,
    )
