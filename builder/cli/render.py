"""``builder render``: the very project folders that would be built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from builder.cli.common import Settings
from builder.cli.selection import Selection, plan_for, selection_options

if TYPE_CHECKING:
    from builder.plan.plan import Row

EPILOG = """\b
Examples:
  builder render cu118 --profile quick --output projects
  builder render cu124-py310 --recipe darknet-python --output projects

\b
Each folder is named NAME-CUDA-PROFILE (NAME-CUDA-PROFILE-py313 where each Python has a wheel of its
own). With compilers named by CMAKE_TOOLCHAIN_FILE (or found on PATH), and the folder of Python's
headers by WHEELHOUSE_PYTHON_INCLUDE, `python -m build --wheel` in it makes the raw wheel, with no
builder.
"""


@click.command(name="render", epilog=EPILOG)
@selection_options
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Where the folders go; those already there must be empty.",
)
@click.pass_obj
def command(
    settings: Settings,
    *,
    output: Path,
    **asked: Unpack[Selection],
) -> None:
    """Write the project folders of the targets that the SELECTORs name, ready to build."""
    from builder.build.render import render, require_empty
    from builder.errors import PlanError
    from builder.fetch import fetch_all
    from index.files import atomic_folder

    reporter = settings.reporter
    plan = plan_for(settings, asked)
    rows = [
        (row, row.spec, output.absolute() / folder_name(row))
        for row in plan.rows
        if row.spec is not None
    ]
    if not rows:
        raise PlanError("\n".join(f"{row.label}: {row.state}: {row.why}" for row in plan.rows))
    for row in plan.rows:
        if row.spec is None:
            reporter.warn(f"{row.label}: {row.state}: {row.why}")
    for _, _, into in rows:
        require_empty(into)
    for row, spec, into in rows:
        wanted = {name: source.artifact() for name, source in spec.archives.items()}
        paths = fetch_all(wanted.values(), cache=settings.cache, reporter=reporter)
        sources = {name: paths[artifact] for name, artifact in wanted.items()}
        with atomic_folder(into) as temporary:  # a project cut short is none
            render(spec, row.folder, temporary, sources=sources, reporter=reporter)
        click.echo(str(into))
    reporter.say("build one, in its folder: python -m build --wheel")


def folder_name(row: Row) -> str:
    """The name of a wheel's project folder."""
    from builder.targets import python_tag

    name = f"{row.recipe.name}-{row.cuda}-{row.profile}"
    if row.spec is None or row.spec.python is None:
        return name
    return f"{name}-{python_tag(row.spec.python)}"
