"""Pytest's junit file as checks: one per test."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from builder.verify.report import Check

XFAIL = "pytest.xfail"
NOT_RUN = re.compile(r"not run \((.*)\)")
"""How a recipe's own conftest may put it; the outcome says *not run* already."""


def read_junit(path: Path) -> tuple[Check, ...] | None:
    """The checks in a junit file; None where there is no whole file (the tests crashed)."""
    try:
        # Written by the pytest we started a moment ago, about tests of our own.
        root = ElementTree.parse(path).getroot()  # noqa: S314 -- pytest wrote it
    except (OSError, ElementTree.ParseError):
        return None
    return tuple(_check(case) for case in root.iter("testcase"))


def _check(case: ElementTree.Element) -> Check:
    place = case.get("classname", "").replace(".", "/")
    name = f"test {place}::{case.get('name', '?')}" if place else f"test {case.get('name', '?')}"
    seconds = float(case.get("time") or 0)
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            reason = _first_line(found.get("message") or found.text or kind)
            return Check(
                name=name,
                outcome="failed",
                reason=reason,
                detail="\n".join((found.text or "").splitlines()[-20:]),
                seconds=seconds,
            )
    skipped = case.find("skipped")
    if skipped is not None:
        reason = _first_line(skipped.get("message") or "skipped")
        said = NOT_RUN.fullmatch(reason)
        if said:
            reason = said[1]
        if skipped.get("type") == XFAIL:
            reason = f"expected to fail: {reason}"
        return Check(name=name, outcome="not run", reason=reason, seconds=seconds)
    return Check(name=name, outcome="passed", seconds=seconds)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")[:300]
