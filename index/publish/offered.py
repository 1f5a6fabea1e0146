"""What an index offers by itself, the newest version of everything, and how to fetch it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from index.addresses import refuse_account
from index.check.source import Missing, Source, Unreadable
from index.check.web import source_at
from index.errors import PublishError
from index.facts import record_path
from index.guard.served import serves
from index.lines import only_here
from index.model import File
from index.naming import parse_version
from index.publish.brought import brought_ledger
from index.site.disk import read_state
from index.site.intake import copy_wheel
from index.site.site import Site
from index.state.state import Known, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A site that is only read.

    Attributes:
        site: What its ledger says.
        source: Where its files come from.
    """

    site: Site
    source: Source


@contextmanager
def reading(where: str) -> Iterator[Reading | None]:
    """The site at an address or in a folder; None where there is no ledger.

    Raises:
        SiteError: it is no address.
        PublishError: nobody can say whether there is one.
        LedgerError: it is broken.
    """
    refuse_account(where, "the site's address")
    with (
        source_at(where) as source,
        brought_ledger(source, f"whether there is an index at {where}") as folder,
    ):
        site = None if folder is None else Site(folder, read_state(folder))
        yield None if site is None else Reading(site=site, source=source)


def offered(site: Site) -> tuple[File, ...]:
    """The wheels of the newest version of each package and CUDA, companions left out.

    Yanked files count for nothing: installers take them only where they are pinned.
    """
    files = site.files(_newest(site.state))
    return tuple(one for one in files if one.record is not None and not one.record.companion_of)


def best_for(files: Sequence[File], python: str) -> tuple[File, ...]:
    """Of what is offered, what an installer takes under a Python (``3.12``): one per CUDA.

    Args:
        files: As `offered` gives them.
        python: A CPython's minor version.
    """
    best: dict[tuple[str, str | None], File] = {}
    for file in files:
        if file.record is None or not serves(file.record, python):
            continue
        key = (file.name, file.cuda)
        if key not in best or _revision(file) > _revision(best[key]):
            best[key] = file
    return tuple(best.values())


def fetch_wheels(at: Reading, files: Sequence[File], into: Path) -> tuple[str, ...]:
    """Fetch wheels into a folder, each with its record, and what they pin of the same index.

    What is in the folder already with the same bytes is left alone.

    Args:
        at: The index.
        files: Wheels of it.
        into: The folder; made where it is missing.

    Returns:
        The names of all of them, in order.

    Raises:
        PublishError: one cannot be fetched, or comes with other bytes.
        EntryError: other bytes lie in the folder under its name.
    """
    wanted = {one.filename: one for file in files for one in _with_needs(at.site, file)}
    into.mkdir(parents=True, exist_ok=True)
    for file in wanted.values():
        _fetch(at.source, file, into / file.filename)
    return tuple(sorted(wanted))


def _fetch(source: Source, file: File, target: Path) -> None:
    from index.facts import Facts
    from index.records import Record, write_record
    from index.wheels import check_wheel

    record = file.record
    assert record is not None  # only wheels are fetched
    if target.is_file():
        check_wheel(record, target)
    else:
        try:
            with source.fetch(file.url, file.size) as fetched:
                if fetched.sha256 != file.sha256:
                    raise PublishError(
                        f"{file.filename}: it is published with other bytes",
                        remedy="`builder index check` of that index lists all that is wrong",
                    )
                copy_wheel(record, fetched.path, target)
        except (Missing, Unreadable) as error:
            raise PublishError(
                f"{file.filename} cannot be fetched: {error}",
                remedy="run the same command again; `builder index check` lists all that is wrong",
            ) from error
    if not record_path(target).is_file():
        write_record(Record(**{name: getattr(record, name) for name in Facts._fields}), target)


def _with_needs(site: Site, file: File) -> Iterator[File]:
    """A wheel, and whatever it and those pin that no other index has."""
    waiting, seen = [file], {file.filename}
    while waiting:
        one = waiting.pop()
        yield one
        assert one.record is not None
        for pin in only_here(one.record.metadata):
            name, _, version = pin.partition("==")
            for known in site.state.files_of(name):
                if _is_pinned(known, version, file.cuda) and known.filename not in seen:
                    seen.add(known.filename)
                    waiting += site.files([known])


def _is_pinned(known: Known, version: str, cuda: str | None) -> bool:
    return (
        known.kind == "wheel"
        and known.yanked is None
        and known.cuda in ("", cuda or "")
        and parse_version(known.version) == parse_version(version)
    )


def _newest(state: State) -> list[Known]:
    groups: dict[tuple[str, str], tuple[Version, list[Known]]] = {}
    for known in state.all_files():
        if known.kind != "wheel" or known.yanked is not None:
            continue
        version = parse_version(known.version)
        group = groups.get((known.name, known.cuda))
        if group is None or version > group[0]:
            groups[known.name, known.cuda] = (version, [known])
        elif version == group[0]:
            group[1].append(known)
    return [known for _, files in groups.values() for known in files]


def _revision(file: File) -> tuple[()] | tuple[int, str]:
    return parse_wheel_filename(file.filename)[2]
