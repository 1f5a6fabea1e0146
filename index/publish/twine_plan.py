"""What must be uploaded so that a package index serves what is wanted: nothing here does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from index.errors import EntryError
from index.publish.plan import Refused, raise_refused
from index.site.intake import PUBLISHED_PROFILE, Candidate, read_candidate

Action = Literal["upload", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A wheel that the index should serve.

    Attributes:
        filename: Its name.
        path: Where it lies.
        project: Its project, normalised.
        version: Its version, the local part with it.
        sha256: Of its bytes.
        size: Bytes.
        companion: Whether it is an empty wheel that stands beside another.
    """

    filename: str
    path: Path
    project: str
    version: str
    sha256: str
    size: int
    companion: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A file that the index serves.

    Attributes:
        filename: Its name.
        url: Where it is fetched.
        sha256: Of its bytes: what the index says, or what was fetched and hashed.
    """

    filename: str
    url: str
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What becomes of one wheel."""

    item: Item
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """All of it, in the order it will be done.

    Attributes:
        steps: Companions first: whoever finds a wheel finds what it requires.
        refused: What is in the way; with any of it, nothing is done.
    """

    steps: tuple[Step, ...]
    refused: tuple[Refused, ...]

    def of(self, action: Action) -> tuple[Item, ...]:
        """The wheels of these steps."""
        return tuple(step.item for step in self.steps if step.action == action)

    @property
    def upload_bytes(self) -> int:
        """Bytes to send."""
        return sum(item.size for item in self.of("upload"))

    def raise_if_refused(self) -> None:
        """Refuse to begin where something is in the way.

        Raises:
            PublishError: something is; every name and reason is in it.
        """
        raise_refused(self.refused)


def read_items(dist: Path, *, force: bool) -> tuple[Item, ...]:
    """The wheels of a folder, each held against its record, in the order they are uploaded.

    Args:
        dist: The folder: wheels, each with the record beside it or none.
        force: Take wheels of any profile.

    Raises:
        EntryError: there is none.
        PublishError: some cannot be published; each is named.
    """
    wheels = sorted(dist.glob("*.whl"))
    if not wheels:
        raise EntryError(f"there is no wheel in '{dist}'")
    items: list[Item] = []
    refused: list[Refused] = []
    for wheel in wheels:
        try:
            items.append(_item(read_candidate(wheel), wheel, force=force))
        except EntryError as error:
            remedy = error.remedy or "make the wheel again"
            refused.append(Refused(name=wheel.name, why=error.message, remedy=remedy))
    raise_refused(refused)
    return tuple(sorted(items, key=lambda item: (not item.companion, item.filename)))


def _item(candidate: Candidate, wheel: Path, *, force: bool) -> Item:
    record = candidate.record
    if record.profile not in (None, PUBLISHED_PROFILE) and not force:
        raise EntryError(
            f"it was built with the profile '{record.profile}'",
            remedy=f"build the profile '{PUBLISHED_PROFILE}', or take it all the same with --force",
        )
    return Item(
        filename=record.filename,
        path=wheel,
        project=canonicalize_name(record.name),
        version=record.version,
        sha256=record.sha256,
        size=record.size,
        companion=record.companion_of is not None,
    )


def make_upload_plan(
    items: Sequence[Item], served: Mapping[str, Mapping[str, Served]]
) -> UploadPlan:
    """The plan for these wheels.

    Args:
        items: Every wheel that should be served, in their order.
        served: By project, what the index serves by file name, each with its sha256.
    """
    steps: list[Step] = []
    for item in items:
        there = served[item.project].get(item.filename)
        if there is None or there.sha256 == item.sha256:
            steps.append(Step(item=item, action="upload" if there is None else "skip"))
    return UploadPlan(steps=tuple(steps), refused=tuple(_refused(items, served)))


def _refused(
    items: Sequence[Item], served: Mapping[str, Mapping[str, Served]]
) -> Iterator[Refused]:
    for item in items:
        why = difference(item, served[item.project].get(item.filename))
        if why is not None:
            yield Refused(
                name=item.filename,
                why=f"the index serves another file under that name: {why}",
                remedy="raise the recipe's revision: a published name never changes",
            )


def difference(item: Item, there: Served | None) -> str | None:
    """How a file that is served differs from the one wanted; None: not, or it is not served."""
    if there is None or there.sha256 == item.sha256:
        return None
    return f"it has sha256 {there.sha256} there, and {item.sha256} here"
