"""The command group: global options, and verbs that are imported only when they are used."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from builder import __version__
from builder.cli.common import CACHE_DIR_VARIABLE, RECIPES_VARIABLE, settings
from builder.cli.lazy import lazy_group

VERBS = {
    "build": "Build, repair and verify the wheels of one or more targets.",
    "plan": "Show every wheel that would be built, and what it costs, before anything starts.",
    "explain": "Say why two build keys differ.",
    "render": "Write the project folders that would be built.",
    "toolchain": "Install, list and remove compilers and CUDA toolkits.",
    "verify": "Try finished wheels in clean environments.",
    "inspect": "Show what is inside a wheel: tags, libraries, machine code, size.",
    "recipe": "List recipes, check them, print their schema.",
    "cache": "Show what the cache holds, and make it smaller.",
    "index": "Put wheels into a static package index, check it, serve it.",
    "publish": "Put wheels and a site where users fetch them, and read them back.",
    "outdated": "Say what is new upstream, and renew the pins.",
    "doctor": "Say what this machine lacks, and how to get it.",
}

WORKERS = frozenset({"build", "render", "verify"})
"""Verbs that use the cache: while one runs, `builder cache prune` keeps away.

`builder toolchain` is none as a whole: what it removes must be in nobody's use.
"""

EPILOG = """\b
Examples:
  builder build cu118-py310 --profile quick     two GPU wheels in dist/, tested
  builder plan cu124 cu130                      what would be built, and what it costs
  builder toolchain install cu118               compilers and CUDA, no root needed
  builder inspect dist/*.whl                    what is inside
"""


@click.group(
    cls=lazy_group("builder.cli", VERBS),
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar=CACHE_DIR_VARIABLE,
    show_envvar=True,
    help="Downloads, toolchains, compile cache, finished wheels (default: the user's cache).",
)
@click.option(
    "--recipes",
    type=click.Path(path_type=Path, file_okay=False),
    envvar=RECIPES_VARIABLE,
    show_envvar=True,
    help="The folder of recipes (default: ./recipes).",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but results and errors.")
@click.version_option(__version__, prog_name="builder")
@click.pass_context
def cli(ctx: click.Context, cache_dir: Path | None, recipes: Path | None, quiet: bool) -> None:
    """Build GPU wheels on a bare Linux machine: no root, no Docker, no CUDA installed."""
    ctx.obj = settings(cache_dir=cache_dir, recipes=recipes, quiet=quiet)
    if ctx.invoked_subcommand in WORKERS and not {"--help", "-h"} & set(sys.argv):
        from builder.cache import in_use

        ctx.with_resource(in_use(ctx.obj.cache, ctx.obj.reporter))
