"""What must be copied for a folder to become the published site: nothing here copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Literal

from index.publish.plan import Refused, raise_refused


class Stage(IntEnum):
    """The order: what a page or the ledger names is there before it."""

    WHEEL = 1
    BESIDE = 2
    LEDGER = 3
    HEAD = 4
    PAGE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file of the site.

    Attributes:
        path: Relative to the site.
        stage: When its turn is.
        source: Where its bytes are.
        size: Bytes.
        sha256: Of its bytes.
        named: Whether the folder's own ledger names it, so that it was read back there once.
    """

    path: str
    stage: Stage
    source: Path
    size: int
    sha256: str
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file as the folder has it.

    Attributes:
        size: Bytes.
        sha256: Of its bytes; None where they were not read, because the ledger's word is enough.
    """

    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file to copy.

    Attributes:
        item: The file.
        why: ``new``; ``changed`` (a page, the ledger); ``mend`` (a damaged copy).
    """

    item: Item
    why: Literal["new", "changed", "mend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlan:
    """All of it, in the order it will be done.

    Attributes:
        copies: What is copied.
        same: How many files are there already.
        delete: Paths that go, last of all.
        refused: What is in the way; with any of it, nothing is done.
    """

    copies: tuple[Copy, ...]
    same: int
    delete: tuple[str, ...]
    refused: tuple[Refused, ...]

    @property
    def copy_bytes(self) -> int:
        """Bytes to copy."""
        return sum(copy.item.size for copy in self.copies)

    def raise_if_refused(self) -> None:
        """Refuse to begin where something is in the way.

        Raises:
            PublishError: something is; every path and reason is in it.
        """
        raise_refused(self.refused)


def make_folder_plan(
    items: Iterable[Item],
    seen: Mapping[str, Seen],
    *,
    ours: bool,
    vanished: Sequence[str] = (),
) -> FolderPlan:
    """The plan for these files.

    Args:
        items: Every file the folder should have.
        seen: Those that the folder has.
        ours: Whether the folder has the site's ledger, or an earlier state of it: then its pages
            are ours to replace.
        vanished: Paths the folder has and the site no longer.
    """
    # Pages of projects before those of roots, and the landing page last: links hold at any moment.
    ordered = sorted(items, key=lambda item: (item.stage, -item.path.count("/"), item.path))
    wanted = {item.path for item in ordered}
    copies: list[Copy] = []
    refused: list[Refused] = []
    same = 0
    for item in ordered:
        there = seen.get(item.path)
        if there is None:
            copies.append(Copy(item=item, why="new"))
        elif there.size == item.size and there.sha256 in (None, item.sha256):
            same += 1
        elif item.stage > Stage.BESIDE and ours:
            copies.append(Copy(item=item, why="changed"))
        elif item.named:
            copies.append(Copy(item=item, why="mend"))
        else:
            refused.append(
                Refused(
                    name=item.path,
                    why="other bytes are there, and no ledger there names them",
                    remedy="look at what is there; nothing advertises it, so it can be moved away",
                )
            )
    return FolderPlan(
        copies=tuple(copies),
        same=same,
        delete=tuple(path for path in vanished if path not in wanted),
        refused=tuple(refused),
    )
