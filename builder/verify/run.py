"""Verification: what a user's first minutes with a wheel would be, check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.errors import VerifyError
from builder.verify.attempt import Attempt
from builder.verify.means import Means, Trial, trials_of
from builder.verify.pythons import Found, Interpreter, find_python
from builder.verify.records import checked_record, companions_beside
from builder.verify.report import Check, VerifyReport, write_report
from builder.verify.scratch import scratch_folder
from index.guard.served import serves
from index.records import Record


def verify_all(
    wheel: Path,
    trial: Trial,
    pythons: Sequence[str],
    means: Means,
    *,
    beside: Sequence[Path] = (),
) -> list[VerifyReport]:
    """Verify a wheel under each Python and write a report beside it for each that was there.

    Args:
        wheel: The wheel; its record is read where it lies beside it.
        trial: What to try.
        pythons: Minor versions, ``("3.10", "3.13")``.
        means: What to work with.
        beside: Further wheels of the same index that this one needs.

    Returns:
        One report per Python, in order; a missing Python's has one check, *not run*. Nothing is
        raised for a failed check: see `raise_if_failed`.

    Raises:
        FetchError: the network failed while dependencies were fetched.
        VerifyError: the wheel is not the one its record describes.
    """
    wheels = {path: checked_record(path) for path in (wheel, *beside)}
    reports = []
    for python in pythons:
        found = find_python(python, overrides=means.overrides, env=means.env)
        if found.interpreter is None:
            report = _not_found(wheels[wheel], found)
        else:
            report = verify(wheel, trial, found.interpreter, means, wheels=wheels)
            write_report(report, wheel)
        means.reporter.say(f"  {wheels[wheel].name} under {report.summary()}")
        reports.append(report)
    return reports


def verify_wheels(
    wheels: Sequence[Path],
    *,
    folders: Sequence[Path],
    pythons: Sequence[str],
    means: Means,
) -> list[VerifyReport]:
    """Verify several wheels, each with the recipe of its name and beside the others of its CUDA.

    A wheel whose recipe is not among ``folders`` is installed and checked, and its report says that
    imports and tests were not run. A companion is served to the wheel that requires it, where it
    lies beside that wheel or is named as well, and is not verified alone. Nor is a wheel tried
    under a Python that its tags or its requires-python leave out: that is said, and is no failure.

    Raises:
        FetchError: the network failed while dependencies were fetched.
        RecipeError: a recipe is not valid.
        VerifyError: a wheel is not the one its record describes, or none is for these Pythons.
    """
    records = {wheel: checked_record(wheel) for wheel in wheels}
    trials = trials_of(folders, {record.name for record in records.values()})
    if not any(record.companion_of or _fitting(record, pythons) for record in records.values()):
        raise VerifyError(
            f"none of the wheels is for Python {' or '.join(pythons)}",
            remedy="name a Python that their tags and their requires-python allow",
        )
    reports: list[VerifyReport] = []
    for wheel, record in records.items():
        if record.companion_of is not None:
            means.reporter.say(f"  {wheel.name} is verified with {record.companion_of}, not alone")
            continue
        beside = [
            other
            for other, its in records.items()
            if its.name != record.name and its.cuda in (None, record.cuda)
        ]
        named = {other.name for other in beside}
        beside += [one for one in companions_beside(wheel, record) if one.name not in named]
        trial = trials.get(record.name, Trial())
        fitting = _fitting(record, pythons)
        if left := [python for python in pythons if python not in fitting]:
            means.reporter.say(f"  {wheel.name} is not for Python {', '.join(left)}")
        reports += verify_all(wheel, trial, fitting, means, beside=beside)
    return reports


def _fitting(record: Record, pythons: Sequence[str]) -> tuple[str, ...]:
    """Those of the Pythons that installers take the wheel under."""
    return tuple(python for python in pythons if serves(record, python))


def verify(
    wheel: Path,
    trial: Trial,
    interpreter: Interpreter,
    means: Means,
    *,
    wheels: Mapping[Path, Record] | None = None,
) -> VerifyReport:
    """Verify a wheel under one Python, in an environment that is removed afterwards.

    Args:
        wheel: The wheel.
        trial: What to try.
        interpreter: The Python.
        means: What to work with.
        wheels: Everything the index has, this wheel among it; None for this wheel alone.

    Raises:
        FetchError: the network failed while dependencies were fetched.
        VerifyError: the wheel is not the one its record describes.
    """
    served = wheels or {wheel: checked_record(wheel)}
    record = served[wheel]
    digits = interpreter.python.replace(".", "")
    # With its digest: another build of that name may be verified at this very moment.
    name = f"verify-{record.filename}-{record.sha256[:12]}-cp{digits}.log"
    log_path = means.cache.logs / name
    log_path.parent.mkdir(parents=True, exist_ok=True)
    label = f"verify {record.name} under Python {interpreter.python}"
    with (
        scratch_folder(means.cache, keep=means.keep) as folder,
        log_path.open("w", encoding="utf-8") as log,
        means.reporter.task(label, unit="checks") as task,
    ):
        attempt = Attempt(
            record=record, wheels=served, trial=trial, interpreter=interpreter, means=means,
            folder=folder, log=log, task=task,
        )  # fmt: skip
        attempt.done += attempt.checks()
        if means.keep:
            means.reporter.say(f"  the environment stays at '{folder}'")
        return VerifyReport(
            wheel=record.filename,
            sha256=record.sha256,
            python=interpreter.python,
            python_version=interpreter.version,
            pip=attempt.pip,
            gpu=attempt.gpu.name,
            checks=tuple(_with_log(check, log_path) for check in attempt.done),
        )


def _not_found(record: Record, found: Found) -> VerifyReport:
    check = Check(name="install", outcome="not run", reason=found.reason)
    return VerifyReport(
        wheel=record.filename, sha256=record.sha256, python=found.python, checks=(check,)
    )


def _with_log(check: Check, log: Path) -> Check:
    if check.outcome != "failed":
        return check
    detail = f"{check.detail}\n" if check.detail else ""
    return check.model_copy(update={"detail": f"{detail}log: {log}"})
