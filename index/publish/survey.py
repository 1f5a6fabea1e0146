"""A site and the folder it is published to, as they are: what there is, and whose it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from index.errors import LedgerError, PublishError
from index.files import PART
from index.ledger import (
    EMPTY,
    HEAD_NAME,
    LEDGER_NAME,
    AnyEvent,
    Head,
    read_lines,
)
from index.ledger.seal import check_seal, check_seals
from index.model import FILES
from index.pages import hosting
from index.publish.copying import Item, Seen, Stage
from index.site.disk import head_on_disk
from index.site.intake import METADATA_SUFFIX, PROVENANCE_SUFFIX
from index.site.site import Site
from index.site.sweep import ARRIVING
from index.state.state import Known
from index.wheels import sha256_file

_SHOWN = 5


def head_there(folder: Path) -> Head:
    """How far the ledger in a folder goes, each seal checked; `EMPTY` where there is none.

    Raises:
        LedgerError: it is broken or shortened.
    """
    path, reach = folder / LEDGER_NAME, head_on_disk(folder)
    head = EMPTY
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                torn = reach is not None and head.count >= reach.count and line[-1:] != b"\n"
                if torn:
                    break
                _, head = check_seal(line, head)
    if reach is not None and head.count < reach.count:
        raise LedgerError(
            f"the ledger in '{folder}' has {head.count} events and once had {reach.count}",
            remedy="the site's own is whole: move the two ledger files there away, and publish",
        )
    return head


def check_follows(site: Site, folder: Path, there: Head) -> None:
    """Refuse to publish over events that the site does not have.

    Raises:
        PublishError: the folder's ledger is no earlier state of the site's.
    """
    if there == EMPTY:
        return
    ours = site.folder / LEDGER_NAME
    if ours.is_file():
        with ours.open("rb") as file:
            if check_seals(file, there):
                return
    common = _common(ours, folder / LEDGER_NAME)
    with (folder / LEDGER_NAME).open("rb") as file:
        theirs = [_told(line.event) for line in islice(read_lines(file), common, common + _SHOWN)]
    more = there.count - common - len(theirs)
    listed = ", ".join([*theirs, *([f"and {more} more"] if more > 0 else [])])
    behind = common == site.state.head.count
    if behind:
        remedy = (
            f"take them over first: `builder publish folder {site.folder} --site {folder}`, "
            "then publish again"
        )
    else:
        remedy = (
            f"take over what is there into a new folder, `builder publish folder NEW --site "
            f"{folder}`, make your own changes there again, and publish that"
        )
    raise PublishError(
        f"somebody else published to '{folder}': its ledger has {there.count - common} events "
        f"that '{site.folder}' lacks (from number {common + 1} on: {listed})",
        remedy=remedy,
    )


def items_of(site: Site, there: Head) -> Iterator[Item]:
    """Every file of a site: what its ledger names, the ledger, and its pages.

    Args:
        site: The site.
        there: How far the ledger goes in the folder it is published to.

    Raises:
        PublishError: the site lacks what its ledger names, or its wheels lie beside it.
    """
    for known in site.state.all_files():
        if "://" not in known.url:
            yield from _file_items(site, known, there)
    for name, stage in ((LEDGER_NAME, Stage.LEDGER), (HEAD_NAME, Stage.HEAD)):
        if (site.folder / name).is_file():
            yield _item(site.folder, name, stage)
    for path in sorted(_walk(site)):
        yield _item(site.folder, path, Stage.PAGE)


def seen_in(folder: Path, items: Iterable[Item]) -> dict[str, Seen]:
    """Those files as the folder has them; a wheel its own ledger names is not read again."""
    found: dict[str, Seen] = {}
    for item in items:
        path = folder / item.path
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise PublishError(f"'{path}' is no plain file", remedy="move it away")
        if not path.is_file():
            continue
        size = path.stat().st_size
        trusted = item.stage == Stage.WHEEL and item.named
        read = size == item.size and not trusted
        found[item.path] = Seen(size=size, sha256=sha256_file(path) if read else None)
    return found


def _file_items(site: Site, known: Known, there: Head) -> Iterator[Item]:
    if known.url.startswith("../"):
        raise PublishError(
            f"{known.filename}: it lies beside the site ('{known.url}')",
            remedy="`builder publish folder` copies sites whose wheels lie inside them; "
            "make one with `builder index build` and no --files-dir",
        )
    path = site.folder / known.url
    if not path.is_file() or path.stat().st_size != known.size:
        raise PublishError(
            f"'{path}' is not there as the ledger has it",
            remedy="`builder index check` lists all that is wrong; put its bytes back",
        )
    named = known.start < there.size
    yield Item(
        path=known.url,
        stage=Stage.WHEEL,
        source=path,
        size=known.size,
        sha256=known.sha256,
        named=named,
    )
    for suffix in (METADATA_SUFFIX, PROVENANCE_SUFFIX):
        if (site.folder / f"{known.url}{suffix}").is_file():
            yield _item(site.folder, known.url + suffix, Stage.BESIDE, named=named)
        elif known.kind == "wheel" and suffix == METADATA_SUFFIX:
            raise PublishError(
                f"'{path}{suffix}' is not there, and the pages name it",
                remedy="`builder index check` lists all that is wrong",
            )


def _item(folder: Path, path: str, stage: Stage, *, named: bool = False) -> Item:
    source = folder / path
    return Item(
        path=path,
        stage=stage,
        source=source,
        size=source.stat().st_size,
        sha256=sha256_file(source),
        named=named,
    )


def _walk(site: Site) -> Iterator[str]:
    """The site's pages, and what its maintainer put beside them; no wheels, nothing hidden."""
    notes = set(hosting.files(site.settings))
    for where, folders, files in os.walk(site.folder):
        place = Path(where)
        if place == site.folder:
            folders[:] = [name for name in folders if name != FILES]
        folders[:] = [name for name in folders if not name.startswith((".", ARRIVING))]
        for name in files:
            path = (place / name).relative_to(site.folder).as_posix()
            if (place / name).is_symlink():
                raise PublishError(
                    f"'{place / name}' is a link", remedy="put the file itself there"
                )
            hidden = name.startswith(".") and path not in notes
            if not hidden and not name.endswith(PART) and path not in (LEDGER_NAME, HEAD_NAME):
                yield path


def _common(ours: Path, theirs: Path) -> int:
    """How many events two ledgers share from their beginning."""
    if not ours.is_file():
        return 0
    with ours.open("rb") as one, theirs.open("rb") as other:
        return next(
            (
                number
                for number, pair in enumerate(zip(one, other, strict=False))
                if len(set(pair)) > 1
            ),
            min(_count(ours), _count(theirs)),
        )


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _told(event: AnyEvent) -> str:
    if event.event == "add":
        return f"add {event.record.filename}"
    name = getattr(event, "filename", "")
    return f"{event.event} {name}".strip()
