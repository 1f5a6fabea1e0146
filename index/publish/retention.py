"""How long files stay: a rule as data, and what it asks for today. Nothing here does it."""

from __future__ import annotations

import datetime
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from index.errors import PublishError
from index.ledger.seal import describe
from index.naming import parse_version
from index.state.state import Known


class Retired(BaseModel):
    """A CUDA that is given up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cuda: str
    on: datetime.date
    """From this day on its wheels are yanked."""
    notice: str = Field(max_length=300)
    """What installers tell those who pin such a wheel."""

    @field_validator("notice")
    @classmethod
    def _says_something(cls, notice: str) -> str:
        if not notice.strip() or not notice.isprintable():
            raise ValueError("a notice is one line of printable text")
        return notice


class Policy(BaseModel):
    """The rule: how many versions stay, which CUDAs go, and how long a yanked file is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    keep_versions: int = Field(ge=1)
    """Versions of each package and CUDA that stay; those of which every wheel is yanked do not
    count."""
    remove_after_days: int = Field(ge=1)
    """Days for which a yanked file can still be installed by those who pin it."""
    retired: tuple[Retired, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One file that goes.

    Attributes:
        filename: Its name.
        reason: Why; it is published.
    """

    filename: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What the rule asks for today.

    Attributes:
        yank: Files that only those who pin them get from now on.
        remove: Files that have been yanked for long enough.
        waiting: How many are yanked, and go later.
        undated: Yanked files that go only by hand: the ledger does not know since when.
        coming: What will be retired, and when.
    """

    yank: tuple[Decision, ...]
    remove: tuple[Decision, ...]
    waiting: int
    undated: tuple[str, ...]
    coming: tuple[Retired, ...]


def read_policy(path: Path) -> Policy:
    """Read a rule.

    Raises:
        PublishError: the file holds none.
    """
    try:
        return Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise PublishError(f"'{path}': {describe(error)}", remedy=_EXAMPLE) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PublishError(f"'{path}': {error}", remedy=_EXAMPLE) from error


_EXAMPLE = "such a file says: schema_version = 1, keep_versions = 3, remove_after_days = 30"


def plan_retention(
    files: Iterable[Known], yanked_at: Mapping[str, str], policy: Policy, today: datetime.date
) -> Retention:
    """What the rule asks for.

    Args:
        files: Every file that is there.
        yanked_at: When files were yanked (RFC 3339), where known.
        policy: The rule.
        today: The day.
    """
    known = list(files)
    wheels = [file for file in known if file.kind == "wheel"]
    outdated = dict(_retired(wheels, policy, today))
    for group in _groups(wheels):
        for filename, reason in _old(group, policy.keep_versions):
            outdated.setdefault(filename, reason)
    yank: list[Decision] = []
    remove: list[Decision] = []
    undated: list[str] = []
    waiting = 0
    for wheel in wheels:
        if wheel.filename not in outdated:
            continue
        reason = outdated[wheel.filename]
        since = yanked_at.get(wheel.filename)
        if wheel.yanked is None:
            yank.append(Decision(filename=wheel.filename, reason=reason))
        elif since is None:
            undated.append(wheel.filename)
        elif (today - datetime.date.fromisoformat(since[:10])).days >= policy.remove_after_days:
            remove.append(
                Decision(filename=wheel.filename, reason=f"{reason} (yanked {since[:10]})")
            )
        else:
            waiting += 1
    return Retention(
        yank=tuple(yank),
        remove=(*remove, *_guards(known, {one.filename: one.reason for one in remove})),
        waiting=waiting,
        undated=tuple(undated),
        coming=tuple(one for one in policy.retired if one.on > today),
    )


def _retired(
    wheels: Sequence[Known], policy: Policy, today: datetime.date
) -> Iterator[tuple[str, str]]:
    notices = {one.cuda: one.notice for one in policy.retired if one.on <= today}
    for wheel in wheels:
        if wheel.cuda in notices:
            yield wheel.filename, notices[wheel.cuda]


def _groups(wheels: Sequence[Known]) -> Iterator[list[Known]]:
    groups: dict[tuple[str, str], list[Known]] = defaultdict(list)
    for wheel in wheels:
        groups[wheel.name, wheel.cuda].append(wheel)
    yield from groups.values()


def _old(group: Sequence[Known], keep: int) -> Iterator[tuple[str, str]]:
    """The wheels of one package and CUDA that are older than the versions kept."""
    offered = {parse_version(wheel.version) for wheel in group if wheel.yanked is None}
    kept = sorted(offered, reverse=True)[:keep]
    if len(kept) < keep:
        return
    for wheel in group:
        if parse_version(wheel.version) < kept[-1]:
            yield wheel.filename, f"older than the {keep} newest versions; newest: {kept[0]}"


def _guards(files: Sequence[Known], removed: Mapping[str, str]) -> Iterator[Decision]:
    """Guards of versions that lose their last wheel."""
    left = {(file.name, file.version) for file in files if file.kind == "wheel"
            and file.filename not in removed}  # fmt: skip
    gone = {(file.name, file.version): removed[file.filename] for file in files
            if file.filename in removed}  # fmt: skip
    for file in files:
        key = (file.name, file.version)
        if file.kind == "guard" and key in gone and key not in left:
            yield Decision(filename=file.filename, reason=gone[key])
