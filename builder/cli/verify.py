"""`builder verify`: finished wheels in clean environments, as their users will install them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.summary import add_summary, summary_option
from builder.errors import UsageError

if TYPE_CHECKING:
    from builder.verify import VerifyReport

EPILOG = """\b
Examples:
  builder verify dist                                    under every Python of the targets
  builder verify dist/*.whl --python 3.10 --python 3.13
  builder verify some.whl --python /opt/python3.12/bin/python3
  builder verify some.whl --pip 24.1.2                   with Colab's pip
  builder verify dist/*.whl --require-verify             a Python that is not there is an error
"""
_MINOR = re.compile(r"3\.\d{1,2}")


@click.command(epilog=EPILOG)
@click.argument(
    "wheels", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="WHEELS|DIST..."
)
@click.option(
    "--python",
    "named",
    multiple=True,
    metavar="3.X|PATH",
    help="A minor version to look for, or an interpreter (default: every Python of the targets).",
)
@click.option("--pip", "pip_version", metavar="VERSION", help="The pip that installs the wheel.")
@click.option("--require-verify", is_flag=True, help="A Python that is not there is an error.")
@summary_option
@click.option("--keep", is_flag=True, help="Leave the environments and say where they are.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    wheels: tuple[Path, ...],
    named: tuple[str, ...],
    pip_version: str | None,
    require_verify: bool,
    summary: Path | None,
    keep: bool,
    as_json: bool,
) -> None:
    """Install each of WHEELS with pip from an index, import it, run its recipe's tests.

    A folder stands for the wheels in it. Each wheel's record is read where it lies beside it, and a
    report per Python is written there. The recipe is the one of the wheel's name; without one,
    imports and tests are not run. A wheel's companions are taken from its folder, and are not tried
    alone. A wheel is not tried under a Python that its tags or its requires-python leave out.
    """
    from builder.verify import PIP_VERSION, Means, raise_if_failed, verify_wheels
    from builder.verify.uv import find_uv

    wheels = _wheels(wheels)
    pythons, overrides = _pythons(named)
    pip = PIP_VERSION if pip_version is None else _pip(pip_version)
    means = Means(
        uv=find_uv(settings.cache, settings.reporter),
        cache=settings.cache,
        reporter=settings.reporter,
        pip_version=pip,
        overrides=overrides,
        keep=keep,
    )
    reports = verify_wheels(
        wheels, folders=tuple(_recipe_folders(settings)), pythons=pythons, means=means
    )
    add_summary(summary, "Verify", ("wheel", "Python", "checks"), map(_cells, reports))
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "reports": [report.model_dump(mode="json") for report in reports],
            }
        )
    else:
        for report in reports:
            _show(report)
    raise_if_failed(reports, require=require_verify)


def _wheels(named: tuple[Path, ...]) -> tuple[Path, ...]:
    """The wheels among what the user named; those in it where it is a folder."""
    found: list[Path] = []
    for path in named:
        inside = sorted(path.glob("*.whl")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"there is no wheel in '{path}'")
        if not path.is_dir() and not path.is_file():
            raise UsageError(f"there is no wheel at '{path}'")
        found += inside
    return tuple(dict.fromkeys(found))


def _pip(version: str) -> str:
    """The pip the user named; what is no version must not stand in a report as a fault."""
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(version))
    except InvalidVersion:
        raise UsageError(f"--pip: '{version}' is no version", remedy="write it as 24.1.2") from None


def _pythons(named: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Minor versions to verify under, and the interpreters among what the user named."""
    import os

    from builder.targets import load_targets
    from builder.verify import interpreter_at

    if not named:
        return load_targets().pythons, ()
    versions: list[str] = []
    overrides: list[Path] = []
    for text in named:
        if _MINOR.fullmatch(text):
            versions.append(text)
            continue
        found = interpreter_at(Path(text), env=os.environ)
        versions.append(found.python)
        overrides.append(found.path)
    return tuple(dict.fromkeys(versions)), tuple(overrides)


def _show(report: VerifyReport) -> None:
    """One line per check, so that nothing is left unsaid."""
    facts = [f"Python {report.python_version or report.python}"]
    facts += [f"pip {report.pip}"] if report.pip else []
    facts += [report.gpu] if report.gpu else []
    click.echo(f"{report.wheel}: {', '.join(facts)}")
    for check in report.checks:
        seconds = f"  {check.seconds:.1f} s" if check.seconds and check.seconds >= 0.05 else ""
        reason = f"  ({check.reason})" if check.reason else ""
        click.echo(f"  {check.outcome:8} {check.name}{seconds}{reason}")


def _cells(report: VerifyReport) -> tuple[str, ...]:
    """A row of the summary: how many checks ended how, and what stood in the way of the rest."""
    outcomes = [str(check.outcome) for check in report.checks]
    counts = ", ".join(f"{outcomes.count(one)} {one}" for one in dict.fromkeys(outcomes))
    why = [f"{one.name}: {one.reason}" for one in report.checks if one.reason]
    return report.wheel, report.python_version or report.python, "; ".join([counts, *why])


def _recipe_folders(settings: Settings) -> list[Path]:
    return sorted(path.parent for path in settings.recipes.glob("*/recipe.toml"))
