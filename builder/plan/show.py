"""A plan as text, as JSON and as a matrix for GitHub Actions. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from packaging.version import Version

from builder.plan.plan import Plan, Row, State
from builder.targets import Architectures, python_tag

PLAN_SCHEMA = 1
KEY_DIGITS = 12
MATRIX = 256
"""Jobs that GitHub Actions takes in one matrix."""
HEADINGS = ("wheel", "profile", "architectures", "for", "key", "state")


def gigabytes(size: int) -> str:
    """``12.3 GB``, ``45 MB``, ``0 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def pythons(row: Row) -> str:
    """``py310 py311``: the Pythons that share a wheel."""
    return " ".join(python_tag(target.python) for target in row.targets)


def cells(row: Row) -> tuple[str, ...]:
    """A row's cells, under `HEADINGS`."""
    architectures = ""
    if row.spec is not None:
        chosen = Architectures(real=row.spec.architectures, ptx=row.spec.ptx)
        architectures = " ".join(chosen.real) + (" +PTX" if chosen.ptx else "")
    state = str(row.state)
    if row.published and row.state is State.STORED:
        state += ", published"
    key = row.key[:KEY_DIGITS] if row.key else "-"
    return (row.wheel, row.profile, architectures or "-", pythons(row), key, state)


def reasons(plan: Plan) -> list[str]:
    """One line for each reason, naming every wheel it holds for."""
    wheels = Counter(row.wheel for row in plan.rows)
    found: dict[str, list[str]] = {}
    for row in plan.rows:
        if row.why is not None:
            name = row.wheel if wheels[row.wheel] == 1 else f"{row.wheel} for {pythons(row)}"
            found.setdefault(f"{row.state}: {row.why}", []).append(name)
    return [f"{', '.join(names)}: {why}" for why, names in found.items()]


def totals(plan: Plan, *, free: int | None = None) -> list[str]:
    """The lines below the table: how many of what, bytes, disk, licence.

    Args:
        plan: The plan.
        free: Bytes free where the cache lies, or None if unknown.
    """
    counts = [(str(state), len(plan.of(state))) for state in State]
    shown = ", ".join(f"{count} {state}" for state, count in counts if count)
    lines = [
        f"{len(plan.rows)} wheel{'' if len(plan.rows) == 1 else 's'}: {shown}",
        *companions(plan),
        *natives(plan),
        *untried(plan),
    ]
    cost = plan.cost
    if not plan.of(State.BUILD):
        return lines
    download = f"to download: {gigabytes(cost.download)}"
    if cost.cached:
        download += f" ({gigabytes(cost.cached)} more are here already)"
    if cost.unknown:
        download += f", and {', '.join(cost.unknown)} (size not pinned)"
    lines.append(download)
    disk = f"disk needed: about {gigabytes(cost.disk)}"
    if free is not None:
        disk += f" ({gigabytes(free)} free)"
    lines += [disk, _verifying(cost.verifying)]
    if cost.licence is not None:
        lines.append(cost.licence)
    return lines


def companions(plan: Plan) -> list[str]:
    """One line for each recipe whose wheels come with companions."""
    lines = []
    for name, recipe in {row.recipe.name: row.recipe for row in plan.rows}.items():
        names = [one.name for one in recipe.companion]
        if names:
            several = f"{len(names)} companions (empty wheels)"
            what = "1 companion (an empty wheel)" if len(names) == 1 else several
            lines.append(f"{name} comes with {what}: {', '.join(names)}")
    return lines


def natives(plan: Plan) -> list[str]:
    """One line for each recipe whose wheels hold native libraries of other recipes."""
    found = {
        row.recipe.name: [f"{one.name} {one.version}" for one in row.spec.natives if one.licenses]
        for row in plan.rows
        if row.spec is not None
    }
    return [f"{name} is built with {', '.join(has)}" for name, has in found.items() if has]


def untried(plan: Plan) -> list[str]:
    """One line for each Python that published wheels must be tried under."""
    return [
        f"Python {python} is new to the index: {', '.join(names)} must be tried under it"
        for python, names in plan.untried.items()
    ]


def _verifying(size: int) -> str:
    """What verification downloads; its installer's cache may hold some of it."""
    much = f" (up to about {gigabytes(size)})" if size else ""
    return f"verifying downloads what the wheels themselves require, besides{much}"


def plain(plan: Plan, *, free: int | None = None) -> str:
    """The whole plan as aligned text, for pipes and logs."""
    table = [HEADINGS, *(cells(row) for row in plan.rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    why = reasons(plan)
    return "\n".join([*lines, "", *([*why, ""] if why else []), *totals(plan, free=free)])


def data(plan: Plan) -> dict[str, Any]:
    """The plan as plain data, with a schema version."""
    return {
        "schema_version": PLAN_SCHEMA,
        "wheels": [_wheel(row) for row in plan.rows],
        "totals": {
            **{state.name.lower(): len(plan.of(state)) for state in State},
            "download_bytes": plan.cost.download,
            "cached_bytes": plan.cost.cached,
            "unknown_sizes": list(plan.cost.unknown),
            "disk_bytes": plan.cost.disk,
            "verify_bytes": plan.cost.verifying,
        },
        "licence": plan.cost.licence,
        "untried": {python: list(names) for python, names in plan.untried.items()},
    }


def _wheel(row: Row) -> dict[str, Any]:
    return {
        "recipe": row.recipe.name,
        "version": f"{row.recipe.version}+{row.cuda}",
        "revision": row.recipe.revision,
        "cuda": row.cuda,
        "profile": row.profile,
        "architectures": list(row.spec.architectures) if row.spec else [],
        "ptx": row.spec.ptx if row.spec else None,
        "targets": [str(target) for target in row.targets],
        "key": row.key,
        "state": str(row.state),
        "why": row.why,
        "published": row.published,
        "companions": [f"{one.name}=={one.version}+{row.cuda}" for one in row.recipe.companion],
        "natives": [
            {"name": one.name, "version": one.version}
            for one in (row.spec.natives if row.spec else ())
        ],
    }


def waiting(plan: Plan) -> list[str]:
    """One line where a plan has more builds than one matrix has jobs."""
    left = len(plan.of(State.BUILD)) - MATRIX
    if left <= 0:
        return []
    return [f"{left} of the builds wait for the next run: a matrix has {MATRIX} jobs at most"]


def github(plan: Plan, *, archs: str | None = None) -> str:
    """Lines for ``$GITHUB_OUTPUT``: a job for each key to build, how many, which Pythons, refusals.

    The Pythons are those to verify under: what is built, and what is published and was not tried.
    What goes beyond `MATRIX` is left out (`waiting`).

    Args:
        plan: The plan.
        archs: The ``--archs`` given, which every job needs again.
    """
    building = plan.of(State.BUILD)[:MATRIX]
    jobs = [
        {
            "key": row.key,
            "recipe": row.recipe.name,
            "cuda": row.cuda,
            "profile": row.profile,
            "targets": [str(target) for target in row.targets],
            "selector": " ".join(str(target) for target in row.targets),
            **({} if archs is None else {"archs": archs}),
        }
        for row in building
    ]
    matrix = json.dumps({"include": jobs}, sort_keys=True, separators=(",", ":"))
    found = {target.python for row in building for target in row.targets}
    found |= plan.untried.keys()
    pythons = json.dumps(sorted(found, key=Version), separators=(",", ":"))
    refused = len(plan.of(State.REFUSED))
    return f"matrix={matrix}\njobs={len(jobs)}\npythons={pythons}\nrefused={refused}"
