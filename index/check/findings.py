"""What a check comes to: every promise that is not kept, with its place and what mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from index.errors import CheckError

REPORT_SCHEMA: Literal[1] = 1
LONGEST_TEXT = 500
"""Characters shown of what was found."""

Kind = Literal[
    "ledger",  # the memory itself is broken, shortened or not there
    "missing",  # something that is promised is not there
    "unreachable",  # nobody could say whether it is there
    "page",  # an installer cannot read a page, or two read it differently
    "content",  # a page says something else than the ledger
    "type",  # a page comes with a type or from an address that installers do not take
    "size",  # a file has another size than advertised
    "sha256",  # a file has other bytes than advertised
    "metadata",  # X.whl.metadata is not what was recorded, or not what the wheel holds
    "papers",  # a recipe's wheel has no bill of materials or no build spec in it
    "provenance",  # X.whl.provenance is no provenance object
    "link",  # a page leads out of the site, or nowhere
    "leftover",  # something is in the site that the ledger does not name
    "changed",  # the site changed while it was checked
]

# A touched ledger is one that somebody else changed: all its pages are looked at again.
_ANEW = "have every page written anew (`builder index render SITE`)"

MEND: dict[Kind, str] = {
    "ledger": "take the ledger from a backup or from the published site; do not edit it by hand",
    "missing": "put a wheel back and publish it; pages, guards and metadata are made anew by "
    "`builder index render SITE`",
    "unreachable": "try again; if it stays so, publish it where it can be fetched from",
    "page": f"{_ANEW}, and publish it",
    "content": f"{_ANEW}, and publish it",
    "type": "have the host serve it as itself and as text/html; charset=utf-8",
    "size": "put back the file that was published; other bytes need another name (a build tag)",
    "sha256": "put back the file that was published; other bytes need another name (a build tag)",
    "metadata": "have `builder index render SITE` put back the METADATA that was published, byte "
    "for byte as in the wheel",
    "papers": "raise the recipe's revision, build and publish it again, then yank this one",
    "provenance": "put back the attestations that were published with the wheel",
    "link": "pages lead only to the site itself and to the files' hosts: mend or drop the link",
    "leftover": "delete it, or add it with `builder index add`",
    "changed": "check again when nobody is changing the site",
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One promise that is not kept.

    Attributes:
        place: File or address.
        kind: What sort of promise.
        expected: What should be there.
        found: What is there.
    """

    place: str
    kind: Kind
    expected: str
    found: str

    @property
    def remedy(self) -> str:
        """What mends it."""
        return MEND[self.kind]


def finding(kind: Kind, place: str, expected: str, found: str) -> Finding:
    """A finding whose text is safe to show: what a page says may be anything."""
    return Finding(kind=kind, place=_plain(place), expected=_plain(expected), found=_plain(found))


def _plain(text: str) -> str:
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text[:LONGEST_TEXT]
    )
    return shown if len(text) <= LONGEST_TEXT else f"{shown}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole check.

    Attributes:
        site: What was checked: a folder or an address.
        fast: Whether the files' bytes were left unread.
        events: How many the ledger has.
        files: How many files it advertises.
        pages: How many pages were read.
        findings: What does not hold, by place.
        notes: What was not checked and why, and what is odd but harmless.
    """

    site: str
    fast: bool
    events: int
    files: int
    pages: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """For machines: plain values, with a schema version."""
        findings = [{**asdict(finding), "remedy": finding.remedy} for finding in self.findings]
        return {
            "schema_version": REPORT_SCHEMA,
            "ok": not self.findings,
            "site": self.site,
            "fast": self.fast,
            "events": self.events,
            "files": self.files,
            "pages": self.pages,
            "findings": findings,
            "notes": list(self.notes),
        }

    def raise_if_broken(self) -> None:
        """Refuse a site with findings.

        Raises:
            CheckError: there is at least one.
        """
        if self.findings:
            many = len(self.findings)
            what = "promise is" if many == 1 else "promises are"
            raise CheckError(f"{self.site}: {many} {what} not kept")
