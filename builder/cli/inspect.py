"""`builder inspect`: what is inside a wheel, and whether it keeps its promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.errors import CheckError, UsageError

if TYPE_CHECKING:
    from builder.plan.spec import BuildSpec
    from builder.wheel.model import Inspection, Violation

EPILOG = """\b
Examples:
  builder inspect dist/*.whl                    tables
  builder inspect --json dist/*.whl             the same as JSON
  builder inspect --check dist/*.whl            fail if a promise is broken
  builder inspect --find /data/ci some.whl      look for a path of your own
"""


@click.command(epilog=EPILOG)
@click.argument("wheels", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
@click.option(
    "--check",
    "checking",
    is_flag=True,
    help="Fail if a wheel breaks a promise; against its build spec where a record lies beside it.",
)
@click.option("--find", "needles", multiple=True, help="A further path to look for in every file.")
@click.option("--max-size", type=float, help="With --check: the size limit in MB.")
@click.pass_obj
def command(
    settings: Settings,
    wheels: tuple[Path, ...],
    as_json: bool,
    checking: bool,
    needles: tuple[str, ...],
    max_size: float | None,
) -> None:
    """Show what is inside WHEELS: tags, symbol versions, libraries, GPU code, sizes, paths."""
    # Imported here: `--help` needs none of it.
    from builder.cli.inspect_tables import show
    from builder.wheel.checks import machine_needles, require
    from builder.wheel.inspect import inspect_wheel

    for wheel in wheels:
        if not wheel.is_file():
            raise UsageError(f"there is no wheel at '{wheel}'")
    wanted = (*machine_needles(settings.cache.root, Path.cwd()), *needles)
    limit = None if max_size is None else int(max_size * 1e6)
    found: list[tuple[Inspection, tuple[Violation, ...]]] = []
    for wheel in wheels:
        inspection = inspect_wheel(wheel, needles=wanted)
        broken = _check(wheel, inspection, wanted, limit) if checking else ()
        found.append((inspection, broken))
        if not as_json:
            show(inspection)
    if as_json:
        print_json(_as_json(found, checking=checking))
    failed = [(inspection.filename, broken) for inspection, broken in found if broken]
    if len(failed) == 1:
        require(failed[0][1], label=failed[0][0])
    elif failed:
        lines = [f"  {name}: {item.message}" for name, broken in failed for item in broken]
        raise CheckError("\n".join([f"{len(failed)} wheels break promises", *lines]))


def _as_json(
    found: list[tuple[Inspection, tuple[Violation, ...]]], *, checking: bool
) -> dict[str, object]:
    from builder.wheel.model import INSPECTION_SCHEMA

    wheels = []
    for inspection, broken in found:
        data = inspection.as_json()
        if checking:
            data["violations"] = [
                {"code": item.code, "message": item.message, "remedy": item.remedy}
                for item in broken
            ]
        wheels.append(data)
    return {"schema_version": INSPECTION_SCHEMA, "wheels": wheels}


def _check(
    wheel: Path, inspection: Inspection, needles: tuple[str, ...], limit: int | None
) -> tuple[Violation, ...]:
    from builder.wheel.checks import check
    from builder.wheel.model import Violation

    spec, wrong = _recorded_spec(wheel)
    if inspection.recorded is not None and not inspection.recorded.matches:
        wrong = "the record beside it is of another file (sha256 differs)"
    record = (
        ()
        if wrong is None
        else (Violation(code="record", message=wrong, remedy="build the wheel again"),)
    )
    return (*record, *check(inspection, spec, needles=needles, max_size=limit))


def _recorded_spec(wheel: Path) -> tuple[BuildSpec | None, str | None]:
    """The build spec in the record beside a wheel, or why there is none."""
    from pydantic import ValidationError

    from builder.plan.spec import BuildSpec
    from index.records import read_record, record_path

    path = record_path(wheel)
    if not path.is_file():
        return None, None
    try:
        record = read_record(path)
        if record.build_spec is None:
            return None, None
        return BuildSpec.model_validate(record.build_spec), None
    except (ValidationError, OSError) as error:
        return None, f"the record beside it cannot be read: {str(error).splitlines()[0]}"
