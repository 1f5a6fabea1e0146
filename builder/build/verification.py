"""Verifying what was built: which Pythons still need it, and what is known from before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.build.pipeline import Finished, Workshop
from builder.recipe.schema import Recipe
from builder.store import Store
from index.files import copy_file

if TYPE_CHECKING:
    from builder.verify import VerifyReport

GPU_DEVICE = Path("/dev/nvidia0")
PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What is known of one wheel under one Python.

    Attributes:
        python: ``3.10``.
        status: ``passed``, ``failed`` or ``not run``.
        note: Counts, or why it was not run.
        before: Whether it is known from an earlier command.
    """

    python: str
    status: str
    note: str
    before: bool = False


def known_before(finished: Finished, pythons: Sequence[str]) -> dict[str, Verified]:
    """The Pythons under which this very wheel passed already, with these very tests."""
    tests = finished.order.recipe / "tests"
    changed = max((path.stat().st_mtime for path in tests.rglob("*")), default=0.0)
    found = {}
    for python in pythons:
        path = report_path(finished.wheel, python)
        try:
            report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            written = path.stat().st_mtime
        except (OSError, ValueError):
            continue
        statuses = [check["outcome"] for check in report.get("checks", ())]
        if report.get("sha256") != finished.sha256 or written < changed:
            continue
        if FAILED in statuses or PASSED not in statuses:
            continue
        if report.get("gpu") is None and GPU_DEVICE.exists():
            continue  # there was no GPU then, and there is one now
        note = counts(statuses)
        found[python] = Verified(python=python, status=PASSED, note=note, before=True)
    return found


def report_path(wheel: Path, python: str) -> Path:
    """Where the report of a Python lies: ``X.whl.verify.cp310.json``."""
    return wheel.with_name(f"{wheel.name}.verify.cp{python.replace('.', '')}.json")


def counts(statuses: Sequence[str]) -> str:
    """``12 passed, 1 not run``."""
    words = [f"{statuses.count(one)} {one}" for one in (PASSED, FAILED, NOT_RUN) if one in statuses]
    return ", ".join(words)


def verify_finished(
    finished: Finished,
    recipe: Recipe,
    pythons: Sequence[str],
    shop: Workshop,
    *,
    overrides: Sequence[Path] = (),
) -> list[VerifyReport]:
    """Verify a wheel under each Python; the reports go beside it in ``dist`` and in the store.

    Raises:
        VerifyError: the wheel is not what its record says. Failed checks raise nothing.
    """
    from builder import toolchain
    from builder.verify import Means, Trial, verify_all

    spec = finished.order.spec
    tools = toolchain.install(spec.cuda, cache=shop.cache, reporter=shop.reporter)
    means = Means(
        uv=tools.host / "bin" / "uv",
        cache=shop.cache,
        reporter=shop.reporter,
        overrides=tuple(overrides),
    )
    trial = Trial.of(recipe, finished.order.recipe)
    with shop.timings.stage("verify", of=spec.key):
        reports = verify_all(finished.wheel, trial, pythons, means)
    keep_reports(finished, pythons, shop)
    return reports


def keep_reports(finished: Finished, pythons: Sequence[str], shop: Workshop) -> None:
    """Copy the reports beside the wheel in ``dist`` into the store's entry."""
    stored = Store(shop.cache.store, reporter=shop.reporter).get(finished.order.spec.key)
    if stored is None or stored.record.sha256 != finished.sha256:
        return
    for python in pythons:
        report = report_path(finished.wheel, python)
        if report.is_file():
            copy_file(report, report_path(stored.wheel, python))


def outcome(report: VerifyReport) -> Verified:
    """A report in short."""
    statuses = [check.outcome for check in report.checks]
    if not report.ran:
        reasons = dict.fromkeys(check.reason or "" for check in report.not_run)
        return Verified(python=report.python, status=NOT_RUN, note="; ".join(reasons))
    return Verified(
        python=report.python,
        status=PASSED if report.ok else FAILED,
        note=counts(statuses),
    )
