"""What lies in a site's folder and is none of the ledger's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from index.check.expected import METADATA_SUFFIX, PROVENANCE_SUFFIX
from index.check.findings import Finding, finding
from index.site.deleting import noted
from index.state.state import State


@dataclass(slots=True)
class Leftovers:
    """What was found.

    Attributes:
        findings: Files and pages the ledger does not name.
        removed: Files that were removed from the index and whose bytes are kept.
        doomed: Such files whose bytes were to go when a run was killed.
        odd: Dot files, and files of the maintainer's own at the top.
    """

    findings: list[Finding] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    doomed: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


def find_leftovers(folder: Path, named: frozenset[str], state: State) -> Leftovers:
    """Walk a site's folder for what is not ``named`` (paths relative to it)."""
    gone = {known.url for known in state.all_files(gone=True) if known.gone is not None}
    going = frozenset(noted(folder))
    found = Leftovers()
    for path in sorted(_walk(folder)):
        if path in named:
            continue
        parts = path.split("/")
        bytes_of = path.removesuffix(METADATA_SUFFIX).removesuffix(PROVENANCE_SUFFIX)
        if any(part.startswith(".") for part in parts) or len(parts) == 1:
            found.odd.append(path)
        elif bytes_of in gone:
            kept = bytes_of.rsplit("/", 1)[-1] not in going
            (found.removed if kept else found.doomed).append(path)
        else:
            place = str(folder / path)
            found.findings.append(finding("leftover", place, "nothing", "not in the ledger"))
    return found


def _walk(folder: Path) -> Iterator[str]:
    """Every file, relative to the folder; links to folders are not followed."""
    for where, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(where) / name).is_symlink()]
        for name in (*files, *links):
            yield (Path(where) / name).relative_to(folder).as_posix()
