"""Which of the wheels of a folder may be published, and which Pythons the index may speak of. Pure.

A wheel that failed keeps back itself and whatever pins it, and nothing else. A Python that the
index does not advertise yet keeps no wheel back: it is advertised once everything that an installer
would take under it was tried there and passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from index.guard.served import serves
from index.lines import only_here
from index.publish.offered import best_for

if TYPE_CHECKING:
    from builder.verify.report import VerifyReport
    from index.facts import AnyRecord
    from index.model import File
    from index.records import Record

Reports = Mapping[tuple[str, str], "VerifyReport"]
"""What verification found, by file name and Python (``3.12``)."""
Held = Callable[[str, str, str | None], bool]
"""Whether the index has a project (normalised) in a version, for a CUDA or for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the published index has.

    Attributes:
        pythons: The Pythons it advertises; none where there is no index yet.
        offered: The newest version of each package and CUDA (`index.publish.offered.offered`).
        held: Whether it has what a wheel pins.
    """

    pythons: tuple[str, ...] = ()
    offered: tuple[File, ...] = ()
    held: Held = lambda name, version, cuda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What may be published.

    Attributes:
        chosen: File names, in order.
        kept_back: File names, each with the reason.
        pythons: What the index may advertise from now on, oldest first.
        waiting: Pythons that it may not advertise yet, each with the reason.
    """

    chosen: tuple[str, ...]
    kept_back: Mapping[str, str]
    pythons: tuple[str, ...]
    waiting: Mapping[str, str]


def choose(
    records: Sequence[Record],
    reports: Reports,
    *,
    pythons: Sequence[str],
    targets: Sequence[str],
    live: Live,
) -> Choice:
    """Choose among wheels.

    Args:
        records: Of all of them, companions too.
        reports: What was found of them, and of published wheels.
        pythons: The Pythons that were asked for.
        targets: Those of the target table: nothing new is tried under others, so the index
            advertises them no more.
        live: What is published.
    """
    kept_back = _kept_back(records, reports, pythons, live)
    chosen = [record for record in records if record.filename not in kept_back]
    new = [python for python in pythons if python not in live.pythons]
    waiting: dict[str, str] = {}
    served: list[str] = []
    for python in new:
        asked = _asked_under(python, chosen, live.offered)
        why = next(filter(None, (_verdict(one, python, reports) for one in asked)), None)
        if why is not None:
            waiting[python] = why
        elif asked:
            served.append(python)
    advertised = {python for python in live.pythons if python in targets}
    return Choice(
        chosen=tuple(sorted(record.filename for record in chosen)),
        kept_back=kept_back,
        pythons=tuple(sorted({*advertised, *served}, key=Version)),
        waiting=waiting,
    )


def _kept_back(
    records: Sequence[Record], reports: Reports, pythons: Sequence[str], live: Live
) -> dict[str, str]:
    """The wheels that stay here: those that did not pass, and what nobody could install then."""
    found: dict[str, str] = {}
    for record in records:
        if record.companion_of is None:
            why = _unfit(record, reports, pythons, live.pythons)
            if why is not None:
                found[record.filename] = why
    again = True
    while again:  # what pins something that stays, stays too
        there = [record for record in records if record.filename not in found]
        unmet = {one.filename: why for one in there if (why := _unmet(one, there, live.held))}
        found |= unmet
        again = bool(unmet)
    return dict(sorted(found.items()))


def _unfit(
    record: Record, reports: Reports, pythons: Sequence[str], advertised: Sequence[str]
) -> str | None:
    """Why a wheel may not be published, or None."""
    mine = [python for python in pythons if serves(record, python)]
    if not mine:
        return f"it is for none of the Pythons asked for ({', '.join(pythons)})"
    # A wheel for nothing but new Pythons must pass under those.
    needed = [python for python in mine if python in advertised] or mine
    return next(filter(None, (_verdict(record, python, reports) for python in needed)), None)


def _verdict(record: AnyRecord, python: str, reports: Reports) -> str | None:
    """Why a wheel did not pass under a Python, or None."""
    report = reports.get((record.filename, python))
    if report is None or not (report.ran or report.failed):
        return f"{record.filename} was not tried under Python {python}"
    if report.sha256 != record.sha256:
        return f"the report of {record.filename} under Python {python} is of other bytes"
    if report.failed:
        first = report.failed[0]
        more = f" and {len(report.failed) - 1} more" if len(report.failed) > 1 else ""
        reason = f" ({first.reason})" if first.reason else ""
        return f"{record.filename} failed under Python {python}: {first.name}{reason}{more}"
    return None


def _unmet(record: Record, there: Sequence[Record], held: Held) -> str | None:
    """What a wheel pins that neither goes with it nor is in the index, or None."""
    for pin in only_here(record.metadata):
        name, _, version = pin.partition("==")
        with_it = any(
            canonicalize_name(other.name) == name
            and Version(other.version) == Version(version)
            and other.cuda in (None, record.cuda)
            for other in there
        )
        if not with_it and not held(name, version, record.cuda):
            return f"it needs {pin}, which is kept back or was not built"
    return None


def _asked_under(python: str, chosen: Sequence[Record], offered: Sequence[File]) -> list[AnyRecord]:
    """What an installer would take under a Python once these are published."""
    mine = [one for one in chosen if one.companion_of is None and serves(one, python)]
    replaced = {(one.name, one.cuda) for one in mine}
    old = [
        one.record
        for one in best_for(offered, python)
        if one.record is not None and (one.name, one.cuda) not in replaced
    ]
    return [*mine, *old]
