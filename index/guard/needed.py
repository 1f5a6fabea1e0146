"""Which versions deserve a guard and have none, and which guards have nothing left to stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from index.guard.archive import guard_bytes, guard_filename
from index.guard.message import guard_message
from index.guard.served import serve_all
from index.ledger.plain import LONGEST_MESSAGE, PlainGuard
from index.ledger.settings import Settings
from index.model import FILES, File
from index.naming import normal_version, parse_version

if TYPE_CHECKING:
    from index.ledger import Guard, Unyank, Yank

NOTHING_LEFT = "no wheel of this version is left"
THERE_AGAIN = "wheels of this version are there again"


def missing_guards(
    files: Sequence[File], settings: Settings, *, uploaded: str
) -> tuple[PlainGuard | Guard, ...]:
    """The guards to publish for one project, oldest version first.

    A guard hides the wheels of older versions from everybody whom its own version's wheels do not
    serve. So a version gets its guard only once it serves every Python of the settings, on x86-64
    Linux, with a wheel that is not yanked. Companions get none: they stand for another project.
    Wheels of one version with different CUDA labels get none either: one sdist cannot stand in
    some roots only.

    Args:
        files: The project's files that are there, wheels and guards.
        settings: The site's settings.
        uploaded: When the guards are published (RFC 3339, UTC).

    Returns:
        Events; their bytes are ``guard_bytes(event.name, event.version, event.message)``, and
        they lie in ``files/``. Whether a file of that name was removed before is the caller's to
        know.
    """
    there = {file.filename for file in files if file.record is None}
    found = []
    for version, wheels in _wheels(files).items():
        name, cuda = wheels[0].name, wheels[0].cuda
        if not _deserves(wheels, settings.pythons):
            continue
        if guard_filename(name, version) not in there:
            found.append(_guard(name, version, cuda, wheels, settings, uploaded))
    return tuple(found)


def guards_to_yank(files: Sequence[File]) -> tuple[Yank, ...]:
    """Of one project, the guards whose version has no unyanked wheel left, not yet yanked."""
    guards = [file for file in files if _is_guard(file) and file.yanked is None]
    if not (stray := _stray(guards, files)):
        return ()
    from index.ledger import Yank

    return tuple(Yank(filename=file.filename, reason=NOTHING_LEFT) for file in stray)


def guards_to_unyank(files: Sequence[File]) -> tuple[Unyank, ...]:
    """Of one project, the guards yanked by `guards_to_yank` whose version has wheels again."""
    guards = [file for file in files if _is_guard(file) and file.yanked == NOTHING_LEFT]
    stray = _stray(guards, files)
    back = [file for file in guards if file not in stray]
    if not back:
        return ()
    from index.ledger import Unyank

    return tuple(Unyank(filename=file.filename, reason=THERE_AGAIN) for file in back)


def _stray(guards: Sequence[File], files: Sequence[File]) -> list[File]:
    """Those of a project's guards whose version has no unyanked wheel left."""
    if not guards:
        return []  # most projects have none: they cost nothing
    live = _live(files)
    return [file for file in guards if file.version not in live]


def _guard(
    name: str,
    version: str,
    cuda: str | None,
    wheels: Sequence[File],
    settings: Settings,
    uploaded: str,
) -> PlainGuard | Guard:
    message = guard_message(name, version, cuda, wheels, settings)
    data = guard_bytes(name, version, message)
    filename = guard_filename(name, version)
    guard = PlainGuard(
        url=f"{FILES}/{filename}",
        uploaded=uploaded,
        filename=filename,
        name=name,
        version=version,
        cuda=cuda,
        message=message,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )
    if len(message) <= LONGEST_MESSAGE:
        return guard
    from index.ledger import Guard

    return Guard(**guard._asdict())  # which refuses it


def _deserves(wheels: Sequence[File], pythons: Sequence[str]) -> bool:
    records = [file.record for file in wheels if file.record is not None and file.yanked is None]
    return (
        bool(records)
        and not any(record.companion_of for record in records)
        and len({file.cuda for file in wheels}) == 1
        and serve_all(tuple([(one.tags, one.requires_python) for one in records]), tuple(pythons))
    )


def _wheels(files: Iterable[File]) -> dict[str, list[File]]:
    """The wheels by version as installers write it, oldest first."""
    found: dict[str, list[File]] = {}
    for file in files:
        if not _is_guard(file):
            found.setdefault(normal_version(file.version), []).append(file)
    return dict(sorted(found.items(), key=lambda item: parse_version(item[0])))


def _live(files: Iterable[File]) -> frozenset[str]:
    return frozenset(
        version
        for version, wheels in _wheels(files).items()
        if any(file.yanked is None for file in wheels)
    )


def _is_guard(file: File) -> bool:
    return file.record is None
