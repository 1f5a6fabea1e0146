"""What wheels need that no other index can have: pins of local versions (``==1.0+cu124``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement

from index.lines import only_here
from index.model import parse_version
from index.site.site import Site


def unmet_needs(site: Site, filenames: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Files of the index whose pins of local versions it does not hold.

    No installer can take such a file: a public registry accepts no local version.

    Args:
        site: The site.
        filenames: Files to look at.

    Yields:
        File name and requirement.
    """
    known = [one for name in filenames if (one := site.state.file(name)) is not None]
    for file in site.files(known):
        if file.record is None:
            continue
        for text in only_here(file.record.metadata):
            if not _is_there(site, Requirement(text), file.cuda):
                yield file.filename, text


def _is_there(site: Site, wanted: Requirement, cuda: str | None) -> bool:
    return any(
        one.kind == "wheel"
        and one.yanked is None
        and one.cuda in ("", cuda or "")
        and wanted.specifier.contains(parse_version(one.version), prereleases=True)
        for one in site.state.files_of(wanted.name)
    )
