"""``builder toolchain``: install, list, find and remove compilers and CUDA toolkits."""

from __future__ import annotations

import fnmatch
from typing import Any

import click

from builder.cli.common import Settings, json_option, print_json
from builder.errors import ToolchainError, UsageError

SCHEMA_VERSION = 1


def chosen(selectors: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that selectors such as ``cu118``, ``cu1*`` and ``all`` name, in table order.

    Raises:
        UsageError: a selector names none.
    """
    found: set[str] = set()
    for selector in selectors:
        hits = known if selector == "all" else tuple(fnmatch.filter(known, selector))
        if not hits:
            raise UsageError(
                f"no toolchain is called '{selector}'", remedy=f"one of {', '.join(known)}"
            )
        found.update(hits)
    return tuple(label for label in known if label in found)


@click.group(
    epilog="""\b
Examples:
  builder toolchain install cu118     the host compiler and CUDA 11.8
  builder toolchain list              what there is, and what it costs
  builder toolchain path cu118        where it lies, for your own scripts
  builder toolchain remove 'cu1*'     give the disk back (and 'host' for the host compiler)
"""
)
def command() -> None:
    """Compilers and CUDA toolkits, put together from pinned packages; no root needed."""


@command.command(
    epilog="""\b
Examples:
  builder toolchain install cu118
  builder toolchain install cu118 cu130
"""
)
@click.argument("labels", nargs=-1, required=True)
@click.pass_obj
def install(settings: Settings, labels: tuple[str, ...]) -> None:
    """Install the toolchains of LABELS (cu118, cu1*, all); at once if they are there."""
    from builder import toolchain
    from builder.cache import in_use

    cache, reporter = settings.cache, settings.reporter
    wanted = chosen(labels, toolchain.labels())
    with in_use(cache, reporter):
        for label in wanted:
            if toolchain.installed(label, cache) is None:
                reporter.say(cost_line(label, settings))
            found = toolchain.install(label, cache=cache, reporter=reporter)
            click.echo(f"{label}: host {found.host}, cuda {found.cuda}")


def cost_line(label: str, settings: Settings) -> str:
    """What installing a toolchain downloads and takes, of what is not in the cache yet."""
    from builder.toolchain.cost import cost

    due = cost(label, settings.cache)
    about = "about " if due.estimated else ""
    return (
        f"{label}: {due.files} packages, {about}{due.download / 1e6:.0f} MB to download, "
        f"{due.disk / 1e6:.0f} MB of disk when installed"
    )


@command.command(
    "list",
    epilog="""\b
Examples:
  builder toolchain list
  builder toolchain list --json
""",
)
@json_option
@click.pass_obj
def list_(settings: Settings, as_json: bool) -> None:
    """Show every toolchain: its CUDA, whether it is installed, what it costs."""
    rows = [_row(label, settings) for label in _labels()]
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, "toolchains": rows})
        return
    click.echo(f"{'label':<7} {'nvcc':<10} {'download':>9} {'disk':>9}  {'from':<16} installed")
    for row in rows:
        click.echo(
            f"{row['label']:<7} {row['version']:<10} {row['download'] / 1e6:>6.0f} MB "
            f"{row['disk'] / 1e6:>6.0f} MB  {row['provider']:<16} {row['path'] or 'no'}"
        )


def _labels() -> tuple[str, ...]:
    from builder.toolchain import labels

    return ("host", *labels())


def _row(name: str, settings: Settings) -> dict[str, Any]:
    from builder.toolchain import prefix_path, sizes
    from builder.toolchain.digest import pins_digest
    from builder.toolchain.install import is_whole
    from builder.toolchain.pins import load_pins

    pins, cost = load_pins(name), sizes(name)
    prefix = prefix_path(name, settings.cache)
    return {
        "label": name,
        "version": pins.version,
        "digest": pins_digest(pins),
        "provider": "NVIDIA's archive" if pins.redist else "packages",
        "download": cost.download,
        "disk": cost.installed,
        "path": str(prefix) if is_whole(prefix, pins) else None,
    }


@command.command(
    epilog="""\b
Examples:
  builder toolchain path cu118
  builder toolchain path cu118 --json
"""
)
@click.argument("label")
@json_option
@click.pass_obj
def path(settings: Settings, label: str, as_json: bool) -> None:
    """Print where an installed toolchain lies: the host's prefix, then CUDA's.

    Of 'host' there is the one.
    """
    from builder.toolchain import installed

    found = installed(label, settings.cache)
    if found is None:
        raise ToolchainError(
            f"{label} is not installed", remedy=f"builder toolchain install {label}"
        )
    if as_json:
        print_json(
            {
                "schema_version": SCHEMA_VERSION,
                "label": found.label,
                "digest": found.digest,
                "host": str(found.host),
                "cuda": str(found.cuda),
            }
        )
        return
    for prefix in dict.fromkeys((found.host, found.cuda)):
        click.echo(prefix)


@command.command(
    epilog="""\b
Examples:
  builder toolchain remove cu118
  builder toolchain remove all host
"""
)
@click.argument("labels", nargs=-1, required=True)
@click.pass_obj
def remove(settings: Settings, labels: tuple[str, ...]) -> None:
    """Remove the CUDA prefixes of LABELS; the shared host prefix only when 'host' is named.

    Refuses while a builder is at work on the same cache, or on the same toolchains through a link.
    """
    from builder import toolchain
    from builder.cache import exclusive

    cuda = tuple(label for label in labels if label != "host")
    names = (*chosen(cuda, toolchain.labels()), *(["host"] if "host" in labels else []))
    with exclusive(settings.cache):
        for name in names:
            gone = toolchain.remove(name, cache=settings.cache, reporter=settings.reporter)
            for prefix in gone:
                click.echo(f"removed {prefix}")
            if not gone:
                click.echo(f"{name}: nothing was installed")
