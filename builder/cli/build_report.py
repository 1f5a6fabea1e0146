"""What `builder build` prints: the line before, the table after, and both as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builder.build.run import Outcome
from builder.plan.plan import Plan, State

SCHEMA = 1


HEADINGS = ("wheel", "size", "sha256", "key", "compiled", "verified")


def one_line(plan: Plan) -> str:
    """One line before anything starts: what is built, what is there, what it costs."""
    build, stored = plan.of(State.BUILD), plan.of(State.STORED)
    parts = [f"{len(build)} to build" if build else "nothing to build"]
    if stored:
        parts.append(f"{len(stored)} in the store")
    others = len(plan.rows) - len(build) - len(stored)
    if others:
        parts.append(f"{others} not possible here")
    cost = plan.cost
    if build:
        files = "file" if len(cost.unknown) == 1 else "files"
        unknown = f" and {len(cost.unknown)} {files} of unknown size" if cost.unknown else ""
        parts.append(f"{size(cost.download)}{unknown} to download")
        parts.append(f"about {size(cost.disk)} of disk")
    noun = "wheel" if len(plan.rows) == 1 else "wheels"
    return f"{len(plan.rows)} {noun}: {', '.join(parts)}"


def table(outcomes: Sequence[Outcome]) -> str:
    """The last table: wheel, size, sha256, key and what was verified, two lines and more each."""
    lines: list[str] = []
    for outcome in outcomes:
        done = outcome.finished
        if done is None:
            lines += [outcome.row.label, f"  failed: {first_line(outcome.error)}"]
            continue
        how = "built now" if done.fresh else "from the store"
        lines += [
            str(done.wheel),
            f"  {size(done.size)}, sha256 {done.sha256}",
            f"  key {done.order.spec.key}, {outcome.row.profile}, {how}",
        ]
        if done.companions:
            names = ", ".join(one.name for one in done.order.spec.companions)
            lines.append(f"  with {len(done.companions)} companions beside it: {names}")
        for one in outcome.verified:
            before = ", verified before" if one.before else ""
            note = f" ({one.note}{before})" if one.note or before else ""
            lines.append(f"  Python {one.python}: {one.status}{note}")
        if len(outcome.verified) < len({target.python for target in outcome.row.targets}):
            why = f": {first_line(outcome.error)}" if outcome.error is not None else ""
            which = "other Pythons: " if outcome.verified else ""
            lines.append(f"  {which}not verified{why}")
    return "\n".join(lines)


def cells(outcome: Outcome) -> tuple[str, ...]:
    """The same as a row under `HEADINGS`."""
    done = outcome.finished
    if done is None:
        return (outcome.row.label, "", "", outcome.row.key or "", first_line(outcome.error), "")
    facts = done.facts
    how = f"{facts.get('seconds', 0):.0f} s, {facts.get('steps', 0)} steps"
    hits, misses = (sum(facts.get(name, {}).values()) for name in ("hits", "misses"))
    verified = ", ".join(f"{one.python}: {one.status}" for one in outcome.verified)
    return (
        done.wheel.name,
        size(done.size),
        done.sha256,
        done.order.spec.key,
        f"{how}, {hits} of {hits + misses} from the cache" if done.fresh else "from the store",
        verified or "not here",
    )


def first_line(error: Exception | None) -> str:
    """An error's first line; the rest was said when it happened."""
    return str(error).splitlines()[0] if error is not None and str(error) else "unknown"


def size(count: int) -> str:
    """``20.1 MB``, decimal."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} kB"


def as_data(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The same for programs."""
    return {"schema_version": SCHEMA, "wheels": [entry(outcome) for outcome in outcomes]}


def entry(outcome: Outcome) -> dict[str, Any]:
    """One wheel's entry."""
    done, row = outcome.finished, outcome.row
    error = outcome.error
    return {
        "recipe": row.recipe.name,
        "cuda": row.cuda,
        "profile": row.profile,
        "key": row.key,
        "targets": [str(target) for target in row.targets],
        "wheel": None if done is None else str(done.wheel),
        "size": None if done is None else done.size,
        "sha256": None if done is None else done.sha256,
        "built_now": done is not None and done.fresh,
        "companions": [] if done is None else [str(path) for path in done.companions],
        "compile": {} if done is None else done.facts,
        "verified": [
            {"python": v.python, "status": v.status, "note": v.note, "before": v.before}
            for v in outcome.verified
        ],
        "error": None if error is None else {"message": error.message, "exit": error.exit_code},
    }
