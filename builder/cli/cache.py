"""`builder cache`: what the cache holds, and making it smaller."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json

if TYPE_CHECKING:
    from builder.cache import Removal

EPILOG = """\b
Examples:
  builder cache info
  builder cache prune                      leftovers and toolchains of other pins
  builder cache prune --downloads          and the downloaded packages
  builder cache prune --all --dry-run      show what emptying it would free
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Show what the cache holds, and make it smaller."""


@command.command(epilog="\b\nExample:\n  builder cache info --json\n")
@json_option
@click.pass_obj
def info(settings: Settings, as_json: bool) -> None:
    """Show each part of the cache and its size on disk."""
    from builder.cache import PARTS, contents

    with settings.reporter.task("measure the cache", total=len(PARTS), unit="parts") as task:
        parts = contents(settings.cache, task=task)
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "root": str(settings.cache.root),
                "parts": [
                    {
                        "name": part.name,
                        "path": str(part.path),
                        "bytes": part.size,
                        "files": part.files,
                    }
                    for part in parts
                ],
            }
        )
        return
    click.echo(settings.cache.root)
    for part in parts:
        click.echo(f"  {part.name:<13} {_size(part.size):>10}  {part.files:>7} files  {part.what}")
    click.echo(f"  {'':<13} {_size(sum(part.size for part in parts)):>10}")


def _part_option(name: str, what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(f"--{name}", is_flag=True, help=f"Also remove {what}.")


@command.command(
    epilog="\b\nExamples:\n  builder cache prune\n  builder cache prune --downloads --dry-run\n"
)
@_part_option("downloads", "downloaded packages (a new toolchain fetches them again)")
@_part_option("toolchains", "every toolchain")
@_part_option("compile", "the compile cache (the next build compiles everything)")
@_part_option("store", "finished wheels")
@_part_option("environments", "the installer cache for verification")
@_part_option("logs", "build logs")
@click.option("--all", "everything", is_flag=True, help="Remove everything above.")
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would go.")
@click.pass_obj
def prune(settings: Settings, /, everything: bool, dry_run: bool, **parts: bool) -> None:
    """Remove what no build can use again, and whatever else is named.

    Refuses while a builder is at work on the same cache, or on the same toolchains through a link.
    """
    from builder.cache import exclusive, leftovers, remove, whole
    from builder.toolchain import current_names

    names = tuple(name for name, wanted in parts.items() if wanted or everything)
    with exclusive(settings.cache):
        found: dict[Path, Removal] = {}
        for removal in chain(
            leftovers(settings.cache, current_toolchains=current_names()),
            whole(settings.cache, names),
        ):
            if removal.path not in found:  # measuring takes a while: each is said at once
                found[removal.path] = removal
                click.echo(
                    f"{_size(removal.size):>10}  {_below(removal.path, settings)}  ({removal.why})"
                )
        verb = "would be freed" if dry_run else "freed"
        if not dry_run:
            with settings.reporter.task("remove", total=len(found), unit="entries") as task:
                remove(tuple(found.values()), task=task)
        click.echo(f"{_size(sum(removal.size for removal in found.values())):>10}  {verb}")


def _below(path: Path, settings: Settings) -> str:
    return path.relative_to(settings.cache.root).as_posix()


def _size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
