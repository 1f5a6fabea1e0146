"""Carrying out a plan: each wheel built or taken from the store, laid out, verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build.pipeline import Finished, Order, Workshop, build
from builder.build.verification import Verified, known_before, outcome, verify_finished
from builder.disk import free_bytes
from builder.errors import BuilderError, FetchError, MachineError
from builder.plan.cost import NOTHING as NO_COST
from builder.plan.plan import Plan, Row, State

if TYPE_CHECKING:
    from builder.verify import VerifyReport

BUILDABLE = (State.STORED, State.PUBLISHED, State.BUILD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a plan is carried out.

    Attributes:
        verify: Whether wheels are tried after they are built.
        require_verify: A Python that is not on this machine is an error.
        keep_going: Go on with the other wheels after an error.
        pythons: Interpreters the user named, for verification.
    """

    verify: bool = True
    require_verify: bool = False
    keep_going: bool = False
    pythons: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one row of the plan.

    Attributes:
        row: The row.
        finished: The wheel, or None where it could not be made.
        verified: One entry per Python asked for.
        error: What went wrong, or None.
    """

    row: Row
    finished: Finished | None
    verified: tuple[Verified, ...] = ()
    error: BuilderError | None = None


def carry_out(plan: Plan, shop: Workshop, wishes: Wishes) -> list[Outcome]:
    """Build, lay out and verify every row of a plan, in order.

    Raises:
        BuilderError: the first error, unless ``wishes.keep_going``, which puts errors into the
            outcomes instead.
    """
    if not wishes.keep_going:
        plan.must_be_possible()
    require_disk(plan, shop.cache.root)
    outcomes = []
    for row in plan.rows:
        try:
            outcomes.append(one(row, shop, wishes))
        except BuilderError as error:
            if not wishes.keep_going:
                raise
            shop.reporter.warn(f"{row.label}: {error}")
            outcomes.append(Outcome(row=row, finished=None, error=error))
    return outcomes


def one(row: Row, shop: Workshop, wishes: Wishes) -> Outcome:
    """One row, from its spec to a verified wheel."""
    if row.state not in BUILDABLE or row.spec is None:
        Plan(rows=(row,), cost=NO_COST).must_be_possible()
    assert row.spec is not None
    order = Order(spec=row.spec, recipe=row.folder, max_size=row.recipe.wheel.max_bytes)
    finished = build(order, shop)
    pythons = tuple(dict.fromkeys(target.python for target in row.targets))
    if not wishes.verify:
        return Outcome(row=row, finished=finished)
    known = known_before(finished, pythons)
    missing = [python for python in pythons if python not in known]
    error: BuilderError | None = None
    if missing:
        try:
            reports = verify_finished(finished, row.recipe, missing, shop, overrides=wishes.pythons)
            known |= {report.python: outcome(report) for report in reports}
            error = fault(reports, require=wishes.require_verify)
        except FetchError as unreachable:  # the wheel is finished all the same
            error = unreachable
        if error is not None and not wishes.keep_going:
            raise error
    verified = tuple(known[python] for python in pythons if python in known)
    return Outcome(row=row, finished=finished, verified=verified, error=error)


def fault(reports: Sequence[VerifyReport], *, require: bool) -> BuilderError | None:
    """The error failed reports amount to, or None."""
    from builder.verify import raise_if_failed

    try:
        raise_if_failed(reports, require=require)
    except BuilderError as error:
        return error
    return None


def require_disk(plan: Plan, folder: Path) -> None:
    """Stop before anything starts if the disk has not what the builds need.

    Raises:
        MachineError: too little is free.
    """
    free = free_bytes(folder)
    if plan.cost.disk > free:
        raise MachineError(
            f"these builds need about {plan.cost.disk / 1e9:.1f} GB in '{folder}', "
            f"and {free / 1e9:.1f} GB are free",
            remedy="free some, run `builder cache prune`, or name another disk with --cache-dir",
        )
