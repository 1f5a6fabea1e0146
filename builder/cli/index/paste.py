"""The lines to paste that a change ends with: what a user types to get what was just put in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.lines import Lines
    from index.site.site import Site

SHOWN = 3
"""Packages whose lines are printed; the pages have the rest."""


def paste_lines(site: Site, filenames: tuple[str, ...]) -> Iterator[str]:
    """Lines for the packages among files that were added, each under its heading.

    Args:
        site: The site.
        filenames: Files of it; companions of others and guards are passed over.
    """
    chosen = list(dict.fromkeys(_packages(site, filenames)))
    if not chosen:
        return
    bases = list(_bases(site))
    if not bases:
        yield "no line to paste: where will the site be? say it once with --base-url"
        return
    for name, version, cuda in chosen[:SHOWN]:
        for heading, base in bases:
            yield f"{name} {version}{heading}:"
            for line in _lines(site, base, name, version, cuda):
                yield f"  {line}"
    if len(chosen) > SHOWN:
        yield f"and {len(chosen) - SHOWN} more packages"


def _packages(site: Site, filenames: tuple[str, ...]) -> Iterator[tuple[str, str, str | None]]:
    known = [one for name in filenames[:100] if (one := site.state.file(name)) is not None]
    for file in site.files(known):
        if file.record is not None and not file.record.companion_of:
            yield file.name, file.version, file.cuda


def _bases(site: Site) -> Iterator[tuple[str, str]]:
    """Where users will see the site: what to say of it, and its address."""
    from index.lines import colab_url, file_url

    if site.settings.base_url:
        yield "", site.settings.base_url
    elif site.settings.layout == "drive":
        folder = PurePosixPath(site.folder.resolve())
        colab = colab_url(folder)
        here = file_url(folder)
        if colab is not None and colab != here:
            yield ", in Colab with the Drive mounted", colab
        yield (", on this machine" if colab not in (None, here) else ""), here


def _lines(site: Site, base: str, name: str, version: str, cuda: str | None) -> Iterator[str]:
    from index.lines import lines_for, root_url

    lines: Lines = lines_for(root_url(base, cuda), name, version)
    yield lines.pip
    if site.settings.layout == "drive":
        yield lines.pip_environment
        yield lines.uv
        yield "in a requirements file:"
        yield from (f"  {line}" for line in lines.requirements.splitlines())
