"""``builder publish choose``: what passed, apart from what did not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import json_option, print_json
from builder.cli.publish.common import nothing_published
from builder.cli.selection import words
from builder.cli.summary import add_summary, summary_option

if TYPE_CHECKING:
    from builder.verify.choice import Choice, Live, Reports
    from index.records import Record

LONGEST = 1000
"""Characters of `told` at most."""
EPILOG = """\b
Examples:
  builder publish choose all --dist dist --published https://OWNER.github.io/REPO --into chosen
  builder publish choose cu124 --dist dist --published site --into chosen --json
  builder publish choose all --dist dist --published URL --into chosen --plan plan.json
"""


@click.command(epilog=EPILOG)
@click.argument("selectors", nargs=-1, required=True, metavar="SELECTOR...", callback=words)
@click.option(
    "--dist",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of wheels, their records and verification reports beside them.",
)
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that what passed is copied to; it must be empty or missing.",
)
@click.option("--published", required=True, metavar="URL", help="The index, by address or folder.")
@click.option("--new-is-fine", is_flag=True, help="Where nothing is published yet, go on.")
@click.option(
    "--plan",
    "planned",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What `builder plan --json` printed before the builds: what has no wheel is said, too.",
)
@summary_option
@json_option
@click.option("--github", "as_output", is_flag=True, help="Print lines for $GITHUB_OUTPUT.")
def command(
    *,
    selectors: tuple[str, ...],
    dist: Path,
    into: Path,
    published: str,
    new_is_fine: bool,
    planned: Path | None,
    summary: Path | None,
    as_json: bool,
    as_output: bool,
) -> None:
    """Copy the wheels that may be published to the folder --into, and say what stays and why.

    A wheel may be published when it passed under each Python that the SELECTORs name, that it is
    for, and that the index advertises; before the first publication, under each that they name.
    What pins a wheel that stays, stays too. A Python that the index does not advertise yet is named
    once everything that installers would take under it passed there. Wheels of other builds go on
    where one failed: with --plan, what was to be built and is not there is said.
    """
    from builder.errors import UsageError
    from builder.targets import load_targets, select
    from builder.verify.choice import choose

    if into.is_dir() and any(into.iterdir()):
        raise UsageError(f"'{into}' is not empty", remedy="name a folder that is not there yet")
    targets = load_targets()
    pythons = tuple(dict.fromkeys(one.python for one in select(selectors, targets)))
    records, reports = _read(dist)
    missing = _unbuilt(planned, records)
    live = _live(published, new_is_fine=new_is_fine)
    choice = choose(records, reports, pythons=pythons, targets=targets.pythons, live=live)
    _copy(dist, into, choice.chosen)
    rows = [(name, "published") for name in choice.chosen]
    rows += [(name, f"kept back: {why}") for name, why in choice.kept_back.items()]
    rows += list(missing.items())
    add_summary(summary, "What passed", ("wheel", "what becomes of it"), rows, notes=_notes(choice))
    if as_json:
        print_json(_data(choice, missing))
    elif as_output:
        click.echo(_output(choice, live, missing))
    else:
        for row in rows:
            click.echo(": ".join(row))
        for line in _notes(choice):
            click.echo(line)


def _read(dist: Path) -> tuple[list[Record], Reports]:
    """The records of a folder's wheels, and every report in it."""
    from pydantic import ValidationError

    from builder.errors import VerifyError
    from builder.verify.records import checked_record
    from builder.verify.report import read_report

    wheels = sorted(dist.glob("*.whl")) if dist.is_dir() else []
    reports = {}
    for path in sorted(dist.glob("*.whl.verify.*.json")) if dist.is_dir() else []:
        try:
            report = read_report(path)
        except ValidationError as error:
            raise VerifyError(
                f"'{path}' is no verification report: {error}",
                remedy="`builder verify` writes them; make it again, or delete it",
            ) from error
        reports[report.wheel, report.python] = report
    return [checked_record(wheel) for wheel in wheels], reports


def _unbuilt(planned: Path | None, records: list[Record]) -> dict[str, str]:
    """What was to be built and is not there, each with the reason."""
    if planned is None:
        return {}
    from builder.plan.unbuilt import read_plan, unbuilt

    if not planned.is_file():  # the job that plans failed: then no other can say what it would be
        return {"what was to be built": f"nobody knows: there is no '{planned}'"}
    wheels = read_plan(planned.read_text(encoding="utf-8", errors="replace"), str(planned))
    return unbuilt(wheels, {one.build_key for one in records if one.build_key is not None})


def _live(where: str, *, new_is_fine: bool) -> Live:
    """What the published index has, as far as the choice depends on it."""
    from builder.verify.choice import Live
    from index.naming import parse_version
    from index.publish.offered import offered, reading

    with reading(where) as at:
        if at is None:
            if new_is_fine:
                return Live()
            raise nothing_published(where)
        there = {
            (known.name, parse_version(known.version), known.cuda)
            for known in at.site.state.all_files()
            if known.kind == "wheel" and known.yanked is None
        }

        def held(name: str, version: str, cuda: str | None) -> bool:
            wanted = parse_version(version)
            return (name, wanted, cuda or "") in there or (name, wanted, "") in there

        settings = at.site.settings
        return Live(pythons=settings.pythons, offered=offered(at.site), held=held)


def _copy(dist: Path, into: Path, names: tuple[str, ...]) -> None:
    """The chosen wheels, each with its record and its reports: all of them, or none."""
    from builder.errors import UsageError
    from index.files import atomic_folder, copy_file

    into = into.resolve()
    with atomic_folder(into) as folder:
        for name in names:
            for path in (dist / name, *sorted(dist.glob(f"{name}.json")), *_reports_of(dist, name)):
                copy_file(path, folder / path.name)
        try:
            if into.is_dir():
                into.rmdir()
        except OSError as error:
            raise UsageError(
                f"'{into}' cannot be replaced: {error.strerror}",
                remedy="name a folder that is not there yet",
            ) from error


def _reports_of(dist: Path, name: str) -> list[Path]:
    return sorted(dist.glob(f"{name}.verify.*.json"))


def _notes(choice: Choice) -> list[str]:
    notes = [
        f"Python {python} is not advertised yet: {why}" for python, why in choice.waiting.items()
    ]
    pythons = ", ".join(choice.pythons) or "none"
    return [*notes, f"Pythons that the index may advertise: {pythons}"]


def _output(choice: Choice, live: Live, missing: dict[str, str]) -> str:
    """Lines for a workflow: how many wheels, whether there is anything to publish, what to tell."""
    changed = bool(choice.chosen) or set(choice.pythons) != set(live.pythons)
    told = "; ".join(
        [
            *(f"{name}: {why}" for name, why in missing.items()),
            *(f"{name} is kept back: {why}" for name, why in choice.kept_back.items()),
            *(f"Python {one} is not advertised yet: {why}" for one, why in choice.waiting.items()),
        ]
    )
    told = " ".join(told.split())
    lines = {
        "wheels": str(len(choice.chosen)),
        "publish": str(changed).lower(),
        "pythons": " ".join(choice.pythons),
        "told": told if len(told) <= LONGEST else f"{told[:LONGEST]}…",
    }
    return "\n".join(f"{name}={value}" for name, value in lines.items())


def _data(choice: Choice, missing: dict[str, str]) -> dict[str, object]:
    return {
        "schema_version": 1,
        "chosen": list(choice.chosen),
        "kept_back": dict(choice.kept_back),
        "pythons": list(choice.pythons),
        "waiting": dict(choice.waiting),
        "not_built": missing,
    }
