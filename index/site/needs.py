"""What wheels need that no other index can have: pins of local versions (``==1.0+cu124``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from index.naming import parse_version
from index.site.intake import Pin
from index.site.site import Site

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def unmet_needs(site: Site, pins: Iterable[Pin]) -> Iterator[Pin]:
    """Those of the pins that the index does not hold.

    No installer can take such a file: a public registry accepts no local version.
    """
    for pin in pins:
        from packaging.requirements import Requirement  # few wheels have any

        if not _is_there(site, Requirement(pin.wanted), pin.cuda):
            yield pin


def _is_there(site: Site, wanted: Requirement, cuda: str | None) -> bool:
    return any(
        one.kind == "wheel"
        and one.yanked is None
        and one.cuda in ("", cuda or "")
        and wanted.specifier.contains(parse_version(one.version), prereleases=True)
        for one in site.state.files_of(wanted.name)
    )
