"""``--summary FILE``: what a verb did, as a Markdown table at the end of a file.

GitHub shows the file named by ``$GITHUB_STEP_SUMMARY`` on a run's page; anybody else can read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from index.files import write_text

summary_option = click.option(
    "--summary",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append a Markdown table to this file ($GITHUB_STEP_SUMMARY).",
)


def add_summary(
    path: Path | None,
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    notes: Iterable[str] = (),
) -> None:
    """Append a table under a heading; nothing where no file was named.

    Args:
        path: The file, or None.
        title: Its heading.
        headings: Of the columns.
        rows: The cells, as many as there are columns.
        notes: Lines below the table.
    """
    if path is None:
        return
    told = table(title, headings, rows, notes=notes)
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe
        with path.open("a", encoding="utf-8") as stream:
            stream.write(told)
        return
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_text(path, before + told)


def table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    notes: Iterable[str] = (),
) -> str:
    """The same as text."""
    lines = [f"### {_cell(title)}", ""]
    body = [" | ".join(_cell(cell) for cell in row) for row in rows]
    if body:
        lines += [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
        lines += [f"| {line} |" for line in body]
        lines.append("")
    lines += [f"- {_cell(note)}" for note in notes]
    return "\n".join(lines).rstrip() + "\n\n"


def _cell(value: object) -> str:
    """Text that ends no cell, no row, and is no HTML."""
    text = " ".join(str(value).split())
    for character, harmless in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|")):
        text = text.replace(character, harmless)
    return text
