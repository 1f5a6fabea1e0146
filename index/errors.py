"""Every error the index raises on purpose, each kind with its own exit code."""

from __future__ import annotations


class SiteError(Exception):
    """Root of the index's expected errors.

    Args:
        message: What went wrong and where (file name, line of the ledger, URL).
        remedy: What the user can do about it; shown on its own line.
    """

    exit_code = 20

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message}\n  try: {self.remedy}"


class EntryError(SiteError):
    """A wheel or its record is not what it says it is, or two of them cannot stand side by side."""

    exit_code = 21


class LedgerError(SiteError):
    """The ledger is broken or shortened, or an event does not fit what came before."""

    exit_code = 22


class CheckError(SiteError):
    """A site does not keep what it promises (`builder index check`)."""

    exit_code = 23


class PublishError(SiteError):
    """What should be published cannot be put where users fetch it, or did not arrive there."""

    exit_code = 24
