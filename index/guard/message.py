"""What a guard says after it has described the machine it failed on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from index.guard.served import platforms, served_pythons
from index.ledger.settings import Settings
from index.lines import lines_for, quote_url, root_url
from index.model import DEFAULT_ROOT, File
from index.naming import parse_version

NO_BASE = "ADDRESS"
"""Stands for the site's address where the settings have none."""


def guard_message(
    name: str, version: str, cuda: str | None, files: Iterable[File], settings: Settings
) -> str:
    """What is supported, and the line to use instead.

    Args:
        name: Project name.
        version: Whole version, with the local part.
        cuda: CUDA label of the version's wheels, or None.
        files: The project's files; only unyanked wheels of that version count.
        settings: The site's settings.
    """
    wheels = [
        file.record
        for file in files
        if file.record is not None
        and file.yanked is None
        and parse_version(file.version) == parse_version(version)
    ]
    base = settings.base_url
    root = root_url(base, cuda) if base else f"{NO_BASE}/{cuda or DEFAULT_ROOT}"
    pythons = served_pythons(wheels, settings.pythons)
    lines = [
        *_listed("Supported: ", _supported(pythons, platforms(wheels), cuda, base)),
        "",
        "Use this line, under one of these Pythons:",
        f"  {lines_for(root, name, version).pip}",
    ]
    if not base:
        lines.append(f"({NO_BASE}: where the index is, as in the line you used)")
    lines += [
        "",
        "If all of this is so already, the installer was told to take no wheel (--no-binary).",
    ]
    return "\n".join(lines)


def _supported(
    pythons: Sequence[str], systems: Sequence[str], cuda: str | None, base: str | None
) -> list[str]:
    named = ", ".join(pythons) or "none of those it was made for"
    found = [f"CPython {named}; no free-threaded Python", *systems]
    if cuda is not None:
        other = f"other CUDAs: {quote_url(base)}" if base else "other CUDAs have their own index"
        found.append(f"CUDA {cuda} ({other})")
    return found


def _listed(title: str, items: Sequence[str]) -> list[str]:
    return [
        f"{title if number == 0 else ' ' * len(title)}{item}" for number, item in enumerate(items)
    ]
