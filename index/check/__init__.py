"""Proof that a site keeps its promises, read as installers and people would read it."""

from __future__ import annotations

from index.check.findings import Finding, Report
from index.check.jobs import Progress
from index.check.run import check_site

__all__ = ["Finding", "Progress", "Report", "check_site"]
