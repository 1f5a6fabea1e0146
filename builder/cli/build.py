"""``builder build``: wheels in ``dist/``, each beside its record, tested."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.selection import Selection, plan_for, selection_options
from builder.cli.summary import add_summary, summary_option
from builder.engine import CIBUILDWHEEL, ENGINES, HERMETIC

EPILOG = """\b
Examples:
  builder build cu118-py310 --profile quick     two GPU wheels in dist/, tested under Python 3.10
  builder build cu124 --recipe darknet-python   one wheel, tested under every Python found
  builder build cu130 --archs 8.9+PTX           for one kind of GPU
  builder build all --keep-going                whatever can be built here
  builder build cu118 --engine cibuildwheel     in a container (Podman or Docker)
"""


@click.command(name="build", epilog=EPILOG)
@selection_options
@click.option(
    "--dist",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Where wheels and records go.",
)
@click.option("--no-verify", is_flag=True, help="Build only; try nothing.")
@click.option("--require-verify", is_flag=True, help="A Python that is not here is an error.")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="An interpreter to verify with (default: those found on this machine).",
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Compilations at once (default: cores, memory)."
)
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "require", "off"]),
    default="auto",
    show_default=True,
    help="Fixed path and no network while compiling: where possible, or else fail, or never.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=HERMETIC,
    show_default=True,
    help="Compile on this machine, or with cibuildwheel in a container (whose keys differ).",
)
@click.option("--keep-going", is_flag=True, help="Go on with other wheels after an error.")
@click.option("--keep-work", is_flag=True, help="Leave a failed build's folder in the cache.")
@click.option(
    "--timings",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write where the time went to this file, as JSON.",
)
@summary_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    *,
    dist: Path,
    no_verify: bool,
    require_verify: bool,
    pythons: tuple[Path, ...],
    jobs: int | None,
    sandbox: str,
    engine: str,
    keep_going: bool,
    keep_work: bool,
    timings: Path | None,
    summary: Path | None,
    as_json: bool,
    **asked: Unpack[Selection],
) -> int:
    """Build, repair and verify the wheels of the targets that the SELECTORs name."""
    # Imported here: `builder build --help` needs none of it.
    from builder.build.pipeline import Workshop
    from builder.build.run import Wishes, carry_out
    from builder.cli.build_report import HEADINGS, as_data, cells, one_line, table
    from builder.engine.container import require_container
    from builder.plan.plan import State
    from builder.sandbox import NOTHING, choose

    if no_verify and require_verify:
        raise click.UsageError("--no-verify and --require-verify exclude each other")
    reporter = settings.reporter
    if engine != HERMETIC and sandbox != "auto":
        raise click.UsageError("--sandbox is for the hermetic engine; a container is one by itself")
    plan = plan_for(settings, asked, engine=engine)
    building = bool(plan.of(State.BUILD))
    if building and engine == CIBUILDWHEEL:
        require_container()  # now, not after everything was downloaded
    reporter.say(one_line(plan))
    shop = Workshop(
        cache=settings.cache,
        dist=dist.absolute(),
        capability=choose(sandbox, reporter) if building and engine == HERMETIC else NOTHING,
        reporter=reporter,
        jobs=jobs,
        keep_work=keep_work,
    )
    wishes = Wishes(
        verify=not no_verify,
        require_verify=require_verify,
        keep_going=keep_going,
        pythons=pythons,
    )
    try:
        outcomes = carry_out(plan, shop, wishes)
    finally:
        if timings is not None:
            shop.timings.write(timings)
    add_summary(summary, "Build", HEADINGS, map(cells, outcomes))
    print_json(as_data(outcomes)) if as_json else click.echo(table(outcomes))
    return next((one.error.exit_code for one in outcomes if one.error is not None), 0)
