"""What `check` found, as lines for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

from darknet._data.problem import Problem, Report

SCHEMA = 1
_MOST_KINDS_SHOWN = 12


def as_json(report: Report) -> str:
    """Everything, always: `schema_version` is raised when a reader would have to change."""
    content = {
        "schema_version": SCHEMA,
        "data": report.data,
        "ok": report.ok,
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "decoded": report.decoded,
        "pictures": report.pictures,
        "names": list(report.names),
        "boxes": {str(number): count for number, count in report.boxes.items()},
        "problems": [asdict(problem) for problem in report.problems],
    }
    return json.dumps(content, indent=2) + "\n"


def as_text(report: Report, limit: int | None) -> str:
    """Problems, then a summary; `limit` lines at most, None for all.

    Where not all fit, every kind is shown in turn, errors first, and how many more there are.
    """
    summary = _summary(report)
    problems = sorted(report.problems, key=lambda problem: problem.severity)
    if limit is None or len(problems) + len(summary) <= limit:
        lines = [str(problem) for problem in problems]
    else:
        lines = _some(problems, max(limit - len(summary), 0))
    return "".join(f"{line}\n" for line in [*lines, *summary])


def _some(problems: list[Problem], room: int) -> list[str]:
    """Problems of every kind in turn, and a last line that counts the others."""
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem)
    chosen: Counter[str] = Counter()
    left = room - 1
    while left > 0:
        for kind, found in kinds.items():
            if left > 0 and chosen[kind] < len(found):
                chosen[kind] += 1
                left -= 1
    lines = [str(problem) for kind, found in kinds.items() for problem in found[: chosen[kind]]]
    rest = {kind: len(found) - chosen[kind] for kind, found in kinds.items()}
    more = [f"{count:,} {kind}" for kind, count in rest.items() if count]
    if len(more) > _MOST_KINDS_SHOWN:
        more = [*more[:_MOST_KINDS_SHOWN], "..."]
    return [*lines, f"... and {', '.join(more)} more: --all shows them"] if room else []


def _summary(report: Report) -> list[str]:
    pictures = ", ".join(
        f"{_number(count, 'picture')} to {'train' if key == 'train' else 'validate'} with"
        for key, count in report.pictures.items()
    )
    boxes = _number(sum(report.boxes.values()), "box", "boxes")
    errors, warnings = report.count("error"), report.count("warning")
    verdict = f"{_number(errors, 'error')}, {_number(warnings, 'warning')}"
    lines = [f"{pictures or 'no picture'}; {boxes} of {_number(len(report.boxes), 'class')}"]
    if report.ok and not report.decoded:
        verdict += "; --decode decodes every picture as well"
    return [*lines, f"{report.data}: {'ready' if report.ok else 'not ready'}: {verdict}"]


def _number(count: int, one: str, several: str = "") -> str:
    plural = several or (f"{one}es" if one.endswith("s") else f"{one}s")
    return f"{count:,} {one if count == 1 else plural}"
