"""A site copied to a folder that may break off at any moment: a mounted drive, a web root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from index.check.jobs import Progress
from index.errors import PublishError, SiteError
from index.files import atomic_file, sync_folder
from index.ledger import EMPTY, HEAD_NAME
from index.publish.copying import FolderPlan, Item, Stage, make_folder_plan
from index.publish.former import vanished
from index.publish.survey import check_follows, head_there, items_of, seen_in
from index.site.lock import locked
from index.site.site import LOCK_NAME, Site
from index.site.sweep import sweep
from index.wheels import sha256_file

CHUNK = 1024 * 1024
FLUSH_EACH = 64
"""Pages flushed to disk one by one; more of them are flushed together."""


def plan_folder(site: Site, folder: Path) -> FolderPlan:
    """What publishing a site to a folder would do; nothing is changed.

    Raises:
        PublishError: the folder is the site's own, has events the site lacks, or cannot be.
        LedgerError: the ledger there is broken.
    """
    _check_place(site.folder, folder)
    there = head_there(folder)
    check_follows(site, folder, there)
    ours = there != EMPTY or (folder / HEAD_NAME).is_file()
    items = list(items_of(site, there))
    return make_folder_plan(
        items,
        seen_in(folder, items),
        ours=ours,
        vanished=list(vanished(site.state, site.folder, folder)) if ours else (),
    )


@contextlib.contextmanager
def folder_held(site: Path, folder: Path, said: Callable[[str], None]) -> Iterator[None]:
    """Hold the folder a site is published to: one publisher at a time. Clears up after a kill.

    Raises:
        PublishError: the folder is the site's own, or cannot be.
    """
    _check_place(site, folder)  # a site's own lock is held already: it would be waited for
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / LOCK_NAME, said))
        except SiteError:
            said(f"'{folder}' knows no locks: let nobody else publish there meanwhile")
        sweep(folder)
        yield


def carry_out(plan: FolderPlan, folder: Path, watch: Progress) -> None:
    """Copy what the plan says, each file under a temporary name until it was read back.

    Raises:
        PublishError: something was refused, did not arrive as it was sent, or the folder is full
            or went away; run again, it goes on.
    """
    plan.raise_if_refused()
    try:
        _carry_out(plan, folder, watch)
    except OSError as error:
        raise PublishError(
            f"'{error.filename or folder}': {error.strerror or error}",
            remedy="is the drive there, with room on it? the same command goes on where it stopped",
        ) from error


def _carry_out(plan: FolderPlan, folder: Path, watch: Progress) -> None:
    pages = sum(copy.item.stage == Stage.PAGE for copy in plan.copies)
    done, total = 0, plan.copy_bytes
    for copy in plan.copies:
        item = copy.item
        flush = item.stage != Stage.PAGE or pages <= FLUSH_EACH
        for size in _copy(item, folder / item.path, flush=flush):
            done += size
            watch.update(done, total, item.path)
    if pages > FLUSH_EACH:
        os.sync()
    _delete(folder, plan.delete)


def _copy(item: Item, target: Path, *, flush: bool) -> Iterator[int]:
    """Copy one file; yields how many bytes went over each time."""

    def read_back(arrived: Path) -> None:
        if sha256_file(arrived) != item.sha256:
            raise PublishError(
                f"{item.path}: what arrived is not what was sent; it was not put in place",
                remedy="is the drive full or failing? run the same command again",
            )

    with (
        item.source.open("rb") as reader,
        atomic_file(target, flush=flush, check=read_back) as writer,
    ):
        while block := reader.read(CHUNK):
            writer.write(block)
            yield len(block)


def _delete(folder: Path, paths: Sequence[str]) -> None:
    for path in paths:
        target = folder / path
        target.unlink(missing_ok=True)
        place = target.parent
        while place != folder and not any(place.iterdir()):
            place.rmdir()
            place = place.parent
        sync_folder(place)


def _check_place(site: Path, folder: Path) -> None:
    _check_mounted(folder)
    here, there = site.resolve(), folder.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise PublishError(
            f"'{folder}' and '{site}' lie in each other", remedy="name another folder"
        )


def _check_mounted(folder: Path) -> None:
    if not folder.parent.is_dir():
        raise PublishError(
            f"there is no folder '{folder.parent}'", remedy="is the drive mounted there?"
        )
    if folder.exists() and not folder.is_dir():
        raise PublishError(f"'{folder}' is no folder", remedy="name another one")
