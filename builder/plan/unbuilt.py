"""What a plan promised and no job made: read from `builder plan --json`, after the builds. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from builder.errors import UsageError
from builder.plan.plan import State
from builder.plan.show import MATRIX, PLAN_SCHEMA


def read_plan(text: str, where: str) -> tuple[Mapping[str, Any], ...]:
    """The wheels of a plan.

    Args:
        text: What `builder plan --json` printed.
        where: The file it comes from.

    Raises:
        UsageError: it is no plan.
    """
    try:
        told = json.loads(text)
        if told["schema_version"] != PLAN_SCHEMA:
            raise ValueError(f"its schema_version is {told['schema_version']!r}")
        wheels = tuple(told["wheels"])
        for one in wheels:
            if not all(type(one[field]) is str for field in ("recipe", "version", "state")):
                raise TypeError
            " ".join(one["targets"])
            one["key"], one["why"]
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"--plan: '{where}' is no plan{f': {error}' if type(error) is ValueError else ''}",
            remedy="it is what `builder plan … --json` prints: `builder plan … --json > plan.json`",
        ) from error
    return wheels


def unbuilt(wheels: Collection[Mapping[str, Any]], keys: Collection[str]) -> dict[str, str]:
    """Wheels that were to be built and are not there, or were refused, each with the reason.

    Builds beyond one matrix wait for the next run, and are left out.

    Args:
        wheels: Those of the plan, from `read_plan`.
        keys: Build keys of what is there.
    """
    building = [one for one in wheels if one["state"] == State.BUILD][:MATRIX]
    refused = [one for one in wheels if one["state"] == State.REFUSED]
    names = Counter(_name(one) for one in wheels)
    found = {
        _label(one, names): "it was not built; the log of its job says why"
        for one in building
        if one["key"] not in keys
    }
    return found | {_label(one, names): f"refused: {one['why']}" for one in refused}


def _name(one: Mapping[str, Any]) -> str:
    return f"{one['recipe']} {one['version']}"


def _label(one: Mapping[str, Any], names: Counter[str]) -> str:
    """A wheel's name, and its targets where another has the same (a wheel for each Python)."""
    name = _name(one)
    return name if names[name] == 1 else f"{name} for {' '.join(one['targets'])}"
