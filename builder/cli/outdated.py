"""``builder outdated``: what is new upstream, and the pins renewed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.summary import add_summary, summary_option

if TYPE_CHECKING:
    from builder.outdated.look import Found
    from builder.outdated.pins import Newer
    from builder.outdated.write import Renewal

OUTDATED = 11
HEADINGS = ("pinned", "in", "is", "newer", "beyond")
EPILOG = """\b
Examples:
  builder outdated                           a table; nothing is changed
  builder outdated --exit-code               ends with 11 where something is new
  builder outdated --write                   renews the pins; look at them, build, commit
  builder outdated --recipe opencv-cuda --json
  builder outdated --colab file:///srv/colab Colab's lists from elsewhere
"""


@click.command(epilog=EPILOG)
@click.option("--recipe", "recipes", multiple=True, metavar="NAME", help="Only this recipe's own.")
@click.option("--colab", metavar="URL", help="The folder of Colab's published lists.")
@click.option("--write", is_flag=True, help="Renew the pins, with the hashes of what was fetched.")
@click.option("--exit-code", is_flag=True, help=f"End with {OUTDATED} where something is new.")
@summary_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    recipes: tuple[str, ...],
    colab: str | None,
    write: bool,
    exit_code: bool,
    summary: Path | None,
    as_json: bool,
) -> int:
    """Hold what is pinned against upstream: sources, toolkits, tools, Pythons, Colab's packages.

    A pin is renewed within its line (a toolkit's parts stay with their CUDA, OpenCV within its
    first number); what lies beyond is only said, and so are newer manifests of NVIDIA's archive.
    What is out of reach is said too, not guessed. A new Python needs no compilation where a wheel's
    tags cover it: it is verified.
    """
    from builder.errors import UsageError
    from builder.fetch import FetchSettings
    from builder.outdated.look import look

    folders = settings.recipe_folders()
    unknown = set(recipes) - {folder.name for folder in folders}
    if unknown:
        raise UsageError(f"no recipe '{min(unknown)}' in '{settings.recipes}'")
    chosen = [folder for folder in folders if not recipes or folder.name in recipes]
    asking = FetchSettings.from_environment()
    with settings.reporter.task("ask upstream"):
        found = look(chosen, settings=asking, colab=colab, own=not recipes)
    renewals: tuple[Renewal, ...] = ()
    if write:
        from builder.outdated.write import write as renew

        renewals = renew(
            found.newer, cache=settings.cache, reporter=settings.reporter, settings=asking
        )
    add_summary(
        summary, "What is new upstream", HEADINGS, map(_cells, found.newer), notes=_notes(found)
    )
    if as_json:
        print_json(_data(found, renewals))
    else:
        _show(found, renewals)
    return OUTDATED if exit_code and found.outdated else 0


def _cells(one: Newer) -> tuple[str, ...]:
    return (
        one.pin.name,
        one.pin.place,
        one.pin.version,
        one.version or "-",
        one.beyond or "-",
    )


def _notes(found: Found) -> list[str]:
    return [*found.news, *(f"not asked: {name}: {why}" for name, why in found.refusals.items())]


def _show(found: Found, renewals: Sequence[Renewal]) -> None:
    rows = [HEADINGS, *map(_cells, found.newer)] if found.newer else []
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS)) if rows]
    for row in rows:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())
    for line in _notes(found):
        click.echo(line)
    for one in renewals:
        done = f"renewed to {one.newer.version}" if one.done else "left as it is"
        note = f" ({one.note})" if one.note else ""
        click.echo(f"{one.newer.pin.place}: {one.newer.pin.name}: {done}{note}")
    unasked = f", {len(found.refusals)} could not be asked" if found.refusals else ""
    click.echo(f"{found.pins} pins, {len(found.newer)} with something newer{unasked}")


def _data(found: Found, renewals: Sequence[Renewal]) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "pins": found.pins,
        "newer": [
            {
                "name": one.pin.name,
                "file": one.pin.place,
                "kind": one.pin.kind,
                "pinned": one.pin.version,
                "newer": one.version,
                "beyond": one.beyond,
                "sha256": one.artifact.sha256 if one.artifact else None,
            }
            for one in found.newer
        ],
        "news": list(found.news),
        "not_asked": dict(found.refusals),
        "renewed": [
            {
                "name": one.newer.pin.name,
                "file": one.newer.pin.place,
                "done": one.done,
                "note": one.note,
            }
            for one in renewals
        ],
    }
