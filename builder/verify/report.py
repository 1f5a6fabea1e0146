"""What verification found: every check passed, failed, or not run and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from builder.errors import VerifyError
from builder.paths import report_path
from index.files import write_text

REPORT_SCHEMA: Literal[1] = 1
Outcome = Literal["passed", "failed", "not run"]


class Check(BaseModel):
    """One thing that was tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """``install``, ``import cv2``, ``test test_dnn.py::test_forward`` …"""
    outcome: Outcome
    reason: str | None = None
    """Why it failed or was not run; one line, no path of this machine."""
    detail: str | None = Field(default=None, exclude=True)
    """Last lines of output and where the log is, for the person at this machine."""
    seconds: float | None = Field(default=None, exclude=True)
    """How long it took; not written to the report, which is the same for the same outcome."""


class VerifyReport(BaseModel):
    """One wheel under one Python; ``X.whl.verify.cp313.json`` beside the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = REPORT_SCHEMA
    wheel: str
    """File name."""
    sha256: str
    python: str
    """``3.13``."""
    python_version: str | None = None
    """``3.13.0``; None where there was no such Python."""
    pip: str | None = None
    """pip's version."""
    gpu: str | None = None
    """The GPU's name, where there was one."""
    checks: tuple[Check, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    @property
    def not_run(self) -> tuple[Check, ...]:
        """The checks that were not run."""
        return tuple(check for check in self.checks if check.outcome == "not run")

    @property
    def ran(self) -> bool:
        """Whether anything was tried at all."""
        return any(check.outcome != "not run" for check in self.checks)

    @property
    def ok(self) -> bool:
        """Whether something was tried and nothing failed."""
        return self.ran and not self.failed

    def summary(self) -> str:
        """One line: ``Python 3.10: 12 passed, 1 not run (no GPU on this machine)``."""
        if not self.ran:
            return f"Python {self.python}: not run ({'; '.join(_reasons(self.not_run))})"
        passed = sum(check.outcome == "passed" for check in self.checks)
        parts = [f"{passed} passed"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        if self.not_run:
            parts.append(f"{len(self.not_run)} not run ({'; '.join(_reasons(self.not_run))})")
        return f"Python {self.python}: {', '.join(parts)}"


def dump_report(report: VerifyReport) -> str:
    """The report's text: the same bytes for the same outcome."""
    return json.dumps(report.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"


def write_report(report: VerifyReport, wheel: Path) -> Path | None:
    """Write the report beside its wheel; one that tried nothing is not written.

    A missing Python is a fact of this machine, not of the wheel, and must not replace what another
    machine has found.
    """
    if not report.ran:
        return None
    path = report_path(wheel, report.python)
    write_text(path, dump_report(report))
    return path


def read_report(path: Path) -> VerifyReport:
    """Read one report.

    Raises:
        pydantic.ValidationError: the file is not a report of this schema.
    """
    return VerifyReport.model_validate_json(path.read_bytes())


def raise_if_failed(reports: Sequence[VerifyReport], *, require: bool = False) -> None:
    """Turn failed reports into an error.

    Args:
        reports: What verification found.
        require: Whether a Python that is not there is a failure as well.

    Raises:
        VerifyError: a check failed, or a Python is missing and ``require`` is set.
    """
    bad = [report for report in reports if report.failed or (require and not report.ran)]
    if not bad:
        return
    lines = []
    for report in bad:
        lines.append(f"{report.wheel}: {report.summary()}")
        for check in report.failed:
            lines.append(f"  {check.name}: {check.reason}")
            if check.detail:
                lines += [f"    {line}" for line in check.detail.splitlines()]
    missing = [report.python for report in bad if not report.ran]
    remedy = None
    if missing:
        remedy = (
            f"install Python {', '.join(dict.fromkeys(missing))}, name one with --python PATH, "
            "or leave --require-verify out"
        )
    raise VerifyError("\n".join(lines), remedy=remedy)


def _reasons(checks: Sequence[Check]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check.reason or "no reason given" for check in checks))
