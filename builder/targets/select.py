"""Selectors: ``cu118-py310``, ``cu118``, ``cu1*-py31[01]``, ``all``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from builder.errors import UsageError
from builder.targets.model import Target, Targets

EVERYTHING = "all"


def select(selectors: Sequence[str], targets: Targets) -> tuple[Target, ...]:
    """The targets that any selector names, each once, in the table's order.

    A selector is a shell pattern over a target (``cu118-py310``) or over a CUDA label (``cu118``).

    Raises:
        UsageError: nothing is named, or one of the selectors names nothing.
    """
    if not selectors:
        raise UsageError("no target named", remedy=f"one of {_examples(targets)}")
    for selector in selectors:
        if not any(matches(selector, target) for target in targets.all()):
            raise _nothing(selector, targets)
    return tuple(
        target
        for target in targets.all()
        if any(matches(selector, target) for selector in selectors)
    )


def matches(selector: str, target: Target) -> bool:
    """Whether one selector names this target."""
    return (
        selector == EVERYTHING
        or fnmatchcase(str(target), selector)
        or fnmatchcase(target.cuda, selector)
    )


def _nothing(selector: str, targets: Targets) -> UsageError:
    names = [EVERYTHING, *targets.labels, *(str(target) for target in targets.all())]
    near = difflib.get_close_matches(selector, names, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"one of {_examples(targets)}"
    return UsageError(f"no target matches '{selector}'", remedy=remedy)


def _examples(targets: Targets) -> str:
    first = next(iter(targets.all()))
    return f"{', '.join(targets.labels)}, one such as {first}, a pattern, or {EVERYTHING}"
