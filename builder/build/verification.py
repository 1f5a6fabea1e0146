"""Verifying what was built: which Pythons still need it, and what is known from before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.build.pipeline import Finished, Workshop
from builder.paths import report_path
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
            statuses = [check["outcome"] for check in report["checks"]]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # missing, torn or no report
        if report.get("sha256") != finished.sha256 or written < changed:
            continue
        if FAILED in statuses or PASSED not in statuses:
            continue
        if report.get("gpu") is None and GPU_DEVICE.exists():
            continue  # there was no GPU then, and there is one now
        note = counts(statuses)
        found[python] = Verified(python=python, status=PASSED, note=note, before=True)
    return found


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
        FetchError: the network failed while dependencies were fetched.
        VerifyError: the wheel is not what its record says. Failed checks raise nothing.
    """
    from builder.verify import Means, Trial, verify_all
    from builder.verify.uv import find_uv

    # Not the whole toolchain: a wheel from the store needs none of it.
    means = Means(
        uv=find_uv(shop.cache, shop.reporter),
        cache=shop.cache,
        reporter=shop.reporter,
        overrides=tuple(overrides),
    )
    trial = Trial.of(recipe, finished.order.recipe)
    try:
        with shop.timings.stage("verify", of=finished.order.spec.key):
            beside = finished.companions
            return verify_all(finished.wheel, trial, pythons, means, beside=beside)
    finally:
        keep_reports(finished, pythons, shop)  # what was found before an error too


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
