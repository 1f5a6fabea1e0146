"""Where wheels go, and from where they will be fetched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from index.addresses import check_url, folder_url, refuse_account
from index.errors import EntryError, SiteError
from index.model import FILES

if TYPE_CHECKING:
    from index.facts import AnyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where wheels go and from where they will be fetched.

    Attributes:
        folder: Folder they are copied into; None where they are published elsewhere.
        address: Address of that folder, absolute or relative to the site; ``{name}`` and
            ``{version}`` stand for each wheel's own.
        force: Take wheels of any profile.
        attested: Wheels published elsewhere whose attestations lie beside them there.
        uploaded: When they are published (RFC 3339, UTC).
    """

    folder: Path | None
    address: str = FILES
    force: bool = False
    attested: frozenset[str] = frozenset()
    uploaded: str

    def url(self, record: AnyRecord) -> str:
        """A wheel's address.

        Raises:
            EntryError: the pattern makes none.
        """
        return folder_url(_base(self.address, record.name, record.version), record.filename)


def placing(
    site: Path,
    *,
    files_dir: Path | None = None,
    files_url: str | None = None,
    force: bool = False,
    uploaded: str,
) -> Placing:
    """Where a site's wheels go: into it, into a folder beside it, or nowhere (they are elsewhere).

    Raises:
        EntryError: the address has a password in it.
        SiteError: both a folder and an address that are not the site's.
    """
    if files_url is not None:
        refuse_account(files_url, "--files-url")
        if files_dir is not None:
            raise SiteError("--files-dir and --files-url are two places for the same wheels")
        return Placing(folder=None, address=files_url, force=force, uploaded=uploaded)
    folder = files_dir or site / FILES
    # os.path.relpath: pathlib has no walk_up before Python 3.12.
    address = os.path.relpath(folder.resolve(), site.resolve())
    return Placing(folder=folder, address=address, force=force, uploaded=uploaded)


def _base(pattern: str, name: str, version: str) -> str:
    # Most are the same for every wheel.
    return _filled_in(pattern, *((name, version) if "{" in pattern else ("", "")))


@lru_cache(maxsize=1024)
def _filled_in(pattern: str, name: str, version: str) -> str:
    try:
        base = pattern.format(name=name, version=version)
    except (KeyError, IndexError, ValueError) as error:
        raise EntryError(
            f"'{pattern}' is no address: {{name}} and {{version}} are all it may hold"
        ) from error
    check_url(folder_url(base, "X.whl"))
    return base
