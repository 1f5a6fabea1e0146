"""``builder publish fetch``: what an index offers, back into a folder of wheels."""

from __future__ import annotations

import re
from pathlib import Path

import click

from builder.cli.publish.common import nothing_published

EPILOG = """\b
Examples:
  builder publish fetch https://OWNER.github.io/REPO --dist dist
  builder publish fetch https://OWNER.github.io/REPO --dist dist --untried-under 3.15
  builder verify dist --python 3.15
"""


def _a_python(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"3\.[0-9]{1,3}", value):
        raise click.BadParameter(f"'{value}' is not a Python such as 3.12")
    return value


@click.command(epilog=EPILOG)
@click.argument("where", metavar="URL|SITE")
@click.option(
    "--dist",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder they go to, each with its record; made where it is missing.",
)
@click.option(
    "--untried-under",
    "python",
    metavar="3.X",
    callback=_a_python,
    help="Only what serves this Python, and nothing where the index advertises it already.",
)
@click.option("--new-is-fine", is_flag=True, help="Where nothing is published yet, fetch nothing.")
def command(where: str, dist: Path, python: str | None, new_is_fine: bool) -> None:
    """Fetch the newest version of each package and CUDA that an index offers.

    With --untried-under these are the wheels that must be tried before the index may advertise a
    Python: they were compiled and published before it came. One that DIST has in a build of its
    own, of the same package and CUDA, is left out. What a wheel pins comes along.
    """
    from index.publish.offered import best_for, fetch_wheels, offered, reading

    with reading(where) as at:
        if at is None:
            if not new_is_fine:
                raise nothing_published(where)
            dist.mkdir(parents=True, exist_ok=True)
            click.echo(f"nothing is published at {where}")
            return
        files = offered(at.site)
        if python is not None:
            known = python in at.site.settings.pythons
            files = () if known else best_for(files, python)
        built = _built(dist, python)
        files = tuple(one for one in files if (one.name, one.cuda) not in built)
        names = fetch_wheels(at, files, dist)
    for name in names:
        click.echo(f"fetched {name}")
    under = "" if python is None else f" that were not tried under Python {python}"
    click.echo(f"{len(names)} published wheels{under} are in '{dist}'")


def _built(dist: Path, python: str | None) -> set[tuple[str, str | None]]:
    """Package and CUDA of what lies in a folder, of the wheels for a Python where one is named."""
    from index.guard.served import serves
    from index.site.intake import read_candidate

    wheels = sorted(dist.glob("*.whl")) if dist.is_dir() else []
    found = [read_candidate(wheel).record for wheel in wheels]
    return {
        (record.name, record.cuda)
        for record in found
        if not record.companion_of and (python is None or serves(record, python))
    }
