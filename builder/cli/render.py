"""``builder render``: the very project folders that would be built."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings

EPILOG = """\b
Examples:
  builder render cu118 --profile quick --output projects
  builder render cu124-py310 --recipe darknet-python --output projects

\b
Each folder is named NAME-CUDA-PROFILE. With compilers named by CMAKE_TOOLCHAIN_FILE (or found on
PATH), `python -m build --wheel` in it makes the raw wheel, with no builder.
"""


@click.command(name="render", epilog=EPILOG)
@click.argument("selectors", nargs=-1, required=True, metavar="SELECTOR...")
@click.option("--recipe", "recipes", multiple=True, metavar="NAME", help="Only this recipe.")
@click.option("--profile", default="full", show_default=True, help="full, quick or smoke.")
@click.option("--archs", metavar="LIST", help="Instead of the profile's GPUs: 7.5,8.0+PTX.")
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
    selectors: tuple[str, ...],
    recipes: tuple[str, ...],
    profile: str,
    archs: str | None,
    output: Path,
) -> None:
    """Write the project folders of the targets that the SELECTORs name, ready to build."""
    from builder.build.render import render
    from builder.errors import PlanError
    from builder.fetch import fetch_all
    from builder.plan.gather import Request, gather, parse_architecture_option

    request = Request(
        selectors=selectors,
        recipes=recipes,
        profile=profile,
        architectures=parse_architecture_option(archs),
    )
    folders = settings.recipe_folders()
    reporter = settings.reporter
    plan = gather(request, recipe_folders=folders, cache=settings.cache, reporter=reporter)
    rows = [(row, row.spec) for row in plan.rows if row.spec is not None]
    if not rows:
        raise PlanError("\n".join(f"{row.wheel}: {row.state}: {row.why}" for row in plan.rows))
    for row, spec in rows:
        wanted = {source.name: source.artifact() for source in spec.sources}
        paths = fetch_all(wanted.values(), cache=settings.cache, reporter=reporter)
        into = output.absolute() / f"{spec.recipe}-{spec.cuda}-{spec.profile}"
        sources = {name: paths[artifact] for name, artifact in wanted.items()}
        render(spec, row.folder, into, sources=sources, reporter=reporter)
        click.echo(str(into))
    reporter.say("build one, in its folder: python -m build --wheel")
