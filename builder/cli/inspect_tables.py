"""How `builder inspect` shows a wheel to a person."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.console import Console
from rich.table import Table

from builder.wheel.cuda_code import sort_key
from builder.wheel.model import ElfFacts, Inspection, Part

PLAIN_WIDTH = 120
SHOWN = 12


def show(inspection: Inspection) -> None:
    """Print everything about one wheel on stdout."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=PLAIN_WIDTH)
    click.echo(inspection.filename)
    console.print(_summary(inspection))
    # Titles are lines of their own: a table's title is wrapped to the table's width.
    for title, table in _tables(inspection):
        console.print(f"\n{title}", style="bold")
        console.print(table)


def _tables(inspection: Inspection) -> Iterator[tuple[str, Table]]:
    if inspection.elves:
        yield "compiled files", _elves(inspection)
    yield "largest files (unpacked)", _parts(inspection.largest_files)
    if inspection.largest_sections:
        yield "largest sections of the biggest compiled file", _parts(inspection.largest_sections)
    if inspection.leaks:
        yield "paths that may be a machine's", _leaks(inspection)


def _summary(inspection: Inspection) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    build = f", build {inspection.build_tag}" if inspection.build_tag else ""
    symbols = ", ".join(f"{prefix} {version}" for prefix, version in inspection.newest) or "none"
    reasons = f" ({', '.join(inspection.policy_reasons)})" if inspection.policy_reasons else ""
    rows = [
        ("project", f"{inspection.name} {inspection.version}{build}"),
        ("tags", "\n".join(inspection.tags)),
        ("Python", inspection.requires_python or "any"),
        ("needs", "\n".join(inspection.dependencies) or "nothing"),
        ("size", f"{megabytes(inspection.size)} ({megabytes(inspection.unpacked)} unpacked)"),
        ("sha256", inspection.sha256),
        ("record", _record(inspection)),
        ("newest symbols", symbols),
        ("suffices", f"{inspection.policy or 'no manylinux policy'}{reasons}"),
        ("GPU code", _gpu(inspection)),
        ("grafted", "\n".join(inspection.vendored) or "nothing"),
        ("from elsewhere", _external(inspection)),
        ("problems", "\n".join(inspection.problems) or "none"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _record(inspection: Inspection) -> str:
    recorded = inspection.recorded
    if recorded is None:
        return "none beside it"
    fits = "" if recorded.matches else ", OF ANOTHER FILE"
    what = f"companion of {recorded.companion_of}, " if recorded.companion_of else ""
    return f"{what}profile {recorded.profile}, {recorded.cuda}, key {recorded.build_key}{fits}"


def _gpu(inspection: Inspection) -> str:
    sizes: dict[tuple[str, str], int] = {}
    for elf in inspection.elves:
        for code in elf.cuda.codes if elf.cuda else ():
            key = (code.kind, code.architecture)
            sizes[key] = sizes.get(key, 0) + code.size
    names = {"elf": "machine code", "ptx": "PTX", "lto": "link-time IR"}
    return (
        "\n".join(
            f"{names.get(kind, kind)} {name}: {megabytes(size)}"
            for (kind, name), size in sorted(
                sizes.items(), key=lambda item: (item[0][0], sort_key(item[0][1]))
            )
        )
        or "none"
    )


def _external(inspection: Inspection) -> str:
    return (
        "\n".join(
            f"{item.soname}  looked for in {', '.join(item.searched) or 'the usual places only'}"
            for item in inspection.external
        )
        or "nothing"
    )


def _elves(inspection: Inspection) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("file", "size", "soname", "run path", "GPU modules", "notes"):
        table.add_column(name, overflow="fold")
    for elf in inspection.elves:
        modules = str(elf.cuda.modules) if elf.cuda else ""
        soname, kind = elf.soname or "", _run_path_kind(elf)
        table.add_row(elf.path, megabytes(elf.size), soname, kind, modules, _notes(elf))
    return table


def _run_path_kind(elf: ElfFacts) -> str:
    if not elf.run_paths:
        return ""
    return "RPATH" if elf.legacy_run_path else "RUNPATH"


def _notes(elf: ElfFacts) -> str:
    notes = []
    if elf.kind != "shared":
        notes.append(elf.kind)
    if elf.executable_stack:
        notes.append("executable stack")
    if elf.symbols:
        notes.append("not stripped")
    if elf.machine != "x86_64":
        notes.append(elf.machine)
    return ", ".join(notes)


def _parts(parts: tuple[Part, ...]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for part in parts:
        table.add_row(megabytes(part.size), part.name)
    return table


def _leaks(inspection: Inspection) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("path", "in", "times", "text"):
        table.add_column(name, overflow="fold")
    for leak in inspection.leaks[:SHOWN]:
        table.add_row(leak.needle, leak.path, str(leak.count), leak.text.strip()[:200])
    if len(inspection.leaks) > SHOWN:
        table.add_row("", f"and {len(inspection.leaks) - SHOWN} more (--json has all)", "", "")
    return table


def megabytes(size: int) -> str:
    """Bytes as a person reads them."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
