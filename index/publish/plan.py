"""What must be done to releases so that they have what is wanted: nothing here does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from index.errors import PublishError
from index.publish.assets import LIMIT, MOST_ASSETS, UPLOADED, Asset, Release, There, difference

Action = Literal["upload", "resend", "compare", "skip"]
"""``resend``: an upload broke off there before. ``compare``: GitHub knows no digest of it."""
LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What becomes of one asset.

    Attributes:
        asset: The asset.
        action: What is to do.
        there: What the release has under its name.
    """

    asset: Asset
    action: Action
    there: There | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An asset that cannot be published.

    Attributes:
        name: Its name.
        why: What is in the way.
        remedy: What helps.
    """

    name: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it, in the order it will be done.

    Attributes:
        create: Tags of releases that are not there yet.
        steps: Wheels first, then what lies beside them.
        refused: What is in the way; with any of it, nothing is done.
    """

    create: tuple[str, ...]
    steps: tuple[Step, ...]
    refused: tuple[Refused, ...]

    def of(self, *actions: Action) -> tuple[Step, ...]:
        """The steps of these kinds."""
        return tuple(step for step in self.steps if step.action in actions)

    @property
    def upload_bytes(self) -> int:
        """Bytes to send."""
        return sum(step.asset.size for step in self.of("upload", "resend"))

    def raise_if_refused(self) -> None:
        """Refuse to begin where something is in the way.

        Raises:
            PublishError: something is; every name and reason is in it.
        """
        raise_refused(self.refused)


def raise_refused(refused: Sequence[Refused]) -> None:
    """Raise one error for all that was refused, if anything was.

    Raises:
        PublishError: something was.
    """
    if not refused:
        return
    lines = [f"{one.name}: {one.why}" for one in refused[:LISTED]]
    if len(refused) > LISTED:
        lines.append(f"… and {len(refused) - LISTED} more")
    raise PublishError(
        "\n  ".join([f"{len(refused)} files cannot be published; nothing was changed:", *lines]),
        remedy="; ".join(dict.fromkeys(one.remedy for one in refused)),
    )


def make_plan(wanted: Sequence[Asset], releases: Mapping[str, Release | None]) -> Plan:
    """The plan for these assets.

    Args:
        wanted: Every asset that should be there.
        releases: Each of their tags, with its release as it is; None where there is none.
    """
    steps: list[Step] = []
    refused: list[Refused] = []
    for asset in sorted(wanted, key=lambda asset: (asset.kind != "wheel", asset.tag, asset.name)):
        planned = _step(asset, releases[asset.tag])
        if isinstance(planned, Refused):
            refused.append(planned)
        else:
            steps.append(planned)
    refused += _too_many(steps, releases)
    tags = dict.fromkeys(step.asset.tag for step in steps)
    return Plan(
        create=tuple(tag for tag in tags if releases[tag] is None),
        steps=tuple(steps),
        refused=tuple(refused),
    )


def _step(asset: Asset, release: Release | None) -> Step | Refused:
    if asset.size >= LIMIT:
        return Refused(
            name=asset.name,
            why=f"it has {asset.size} bytes, and a release takes files below {LIMIT}",
            remedy="build it for fewer architectures, or keep large wheels on another host "
            "(`builder publish folder`)",
        )
    if not asset.keeps_its_name:
        return Refused(
            name=asset.name,
            why="GitHub replaces characters of that name, and links to it would lead nowhere",
            remedy="publish it elsewhere (`builder publish folder`)",
        )
    listed = () if release is None else release.assets
    there = next((one for one in listed if one.name == asset.name), None)
    if there is not None and there.state == UPLOADED:
        return _whole(asset, there)
    if release is not None and release.immutable:
        return Refused(
            name=asset.name,
            why=f"release '{asset.tag}' is immutable and takes no more files",
            remedy="switch immutable releases off in the repository's settings: wheels of one "
            "version come one by one; what is immutable already needs a new version",
        )
    action: Action = "upload" if there is None else "resend"
    return Step(asset=asset, action=action, there=there)


def _whole(asset: Asset, there: There) -> Step | Refused:
    why = difference(asset, there)
    if why is not None:
        return Refused(
            name=asset.name,
            why=f"the release '{asset.tag}' has another file under that name: {why}",
            remedy="raise the recipe's revision: a published name never changes",
        )
    action: Action = "compare" if there.sha256 is None else "skip"
    return Step(asset=asset, action=action, there=there)


def _too_many(steps: Sequence[Step], releases: Mapping[str, Release | None]) -> Iterator[Refused]:
    for tag, new in Counter(step.asset.tag for step in steps if step.action == "upload").items():
        release = releases[tag]
        total = new + (0 if release is None else len(release.assets))
        if total > MOST_ASSETS:
            yield Refused(
                name=tag,
                why=f"the release would have {total} files, and may have {MOST_ASSETS}",
                remedy="publish fewer wheels under one version",
            )
