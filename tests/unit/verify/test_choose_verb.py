"""`builder publish choose`: what passed, apart from what did not, as a workflow hands it on."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from builder.errors import UsageError, VerifyError
from builder.verify import Check, VerifyReport, write_report
from index import files
from index.records import record_path, write_record
from index.site.disk import read_state
from index.wheels import record_of_wheel
from tests import check_kit

GOOD, BAD = "good_gpu-1.0+cu118-1-py3-none-any.whl", "bad_gpu-1.0+cu118-1-py3-none-any.whl"
Choose = Callable[..., Result]


def put(dist: Path, filename: str, *pythons: str, fails: str | None = None) -> Path:
    """A wheel with its record and a report for each Python."""
    wheel = check_kit.make_wheel(dist, filename)
    record = record_of_wheel(wheel)
    write_record(record, wheel)
    for python in pythons:
        checks = [Check(name="install", outcome="passed")]
        if python == fails:
            reason = "no\nkernel | image"
            checks.append(Check(name="import bad_gpu", outcome="failed", reason=reason))
        report = VerifyReport(
            wheel=filename, sha256=record.sha256, python=python, checks=tuple(checks)
        )
        write_report(report, wheel)
    return wheel


@pytest.fixture
def choose(tmp_path: Path) -> Choose:
    def run(*words: str, published: str = "nowhere") -> Result:
        command = [
            *("publish", "choose", "cu118-py310 cu118-py312", "--dist", str(tmp_path / "dist")),
            *("--published", str(tmp_path / published), "--into", str(tmp_path / "into"), *words),
        ]
        return CliRunner().invoke(cli, command)

    return run


def test_what_passed_goes_on_and_the_rest_is_told(choose: Choose, tmp_path: Path) -> None:
    good = put(tmp_path / "dist", GOOD, "3.10", "3.12")
    put(tmp_path / "dist", BAD, "3.10", "3.12", fails="3.12")
    summary = tmp_path / "summary.md"
    done = choose("--new-is-fine", "--github", "--summary", str(summary))
    assert done.exit_code == 0, done.output
    lines = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert lines["wheels"] == "1"
    assert lines["publish"] == "true"
    assert lines["pythons"] == "3.10 3.12"
    told = f"{BAD} is kept back: {BAD} failed under Python 3.12: import bad_gpu (no kernel | image)"
    assert lines["told"] == told
    there = {path.name for path in (tmp_path / "into").iterdir()}
    reports = {f"{GOOD}.verify.cp{python}.json" for python in ("310", "312")}
    assert there == {GOOD, record_path(good).name, *reports}
    assert (tmp_path / "into" / GOOD).read_bytes() == good.read_bytes()
    assert f"| {GOOD} | published |" in summary.read_text()
    assert f"| {BAD} | kept back: " in summary.read_text()


def test_interrupted_while_it_copies_the_same_command_goes_on(
    choose: Choose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "dist", GOOD, "3.10", "3.12")
    copied, real = 0, files.copy_file

    def breaks(source: Path, destination: Path) -> None:
        nonlocal copied
        copied += 1
        if copied == 3:
            raise KeyboardInterrupt
        real(source, destination)

    with monkeypatch.context() as patch:
        patch.setattr(files, "copy_file", breaks)
        assert choose("--new-is-fine").exit_code != 0
    assert copied == 3
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]
    (tmp_path / "into").mkdir()
    assert choose("--new-is-fine").exit_code == 0
    assert len(list((tmp_path / "into").iterdir())) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"dist", "into"}


def test_a_folder_that_cannot_be_replaced_is_named(
    choose: Choose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file system, mounted there."""
    put(tmp_path / "dist", GOOD, "3.10", "3.12")
    (tmp_path / "into").mkdir()
    busy = OSError(errno.EBUSY, "Device or resource busy")
    monkeypatch.setattr(Path, "rmdir", lambda self: (_ for _ in ()).throw(busy))
    done = choose("--new-is-fine")
    assert isinstance(done.exception, UsageError)
    assert "into' cannot be replaced: Device or resource busy" in str(done.exception)


def test_where_there_is_nothing_to_publish(choose: Choose, tmp_path: Path) -> None:
    done = choose("--new-is-fine", "--github")
    assert done.stdout.splitlines() == ["wheels=0", "publish=false", "pythons=", "told="]
    site = check_kit.make_site(tmp_path / "site")
    done = choose("--github", published="site")
    assert done.stdout.splitlines()[:2] == ["wheels=0", "publish=false"]
    assert read_state(site).settings.pythons == tuple(done.stdout.splitlines()[2][8:].split())


def planned(place: Path, *wheels: tuple[str, str, str | None, str | None]) -> Path:
    """What `builder plan --json` says of wheels: name, state, key and reason."""
    rows = [
        {"recipe": name, "version": "1.0+cu118", "state": state, "key": key, "why": why,
         "targets": [f"cu118-py31{number}"]}
        for number, (name, state, key, why) in enumerate(wheels)
    ]  # fmt: skip
    path = place / "plan.json"
    path.write_text(json.dumps({"schema_version": 1, "wheels": rows}))
    return path


def test_what_was_to_be_built_and_is_not_there_is_told(choose: Choose, tmp_path: Path) -> None:
    good = put(tmp_path / "dist", GOOD, "3.10", "3.12")
    record = record_of_wheel(good).model_copy(update={"build_key": "a" * 32, "build_spec": {}})
    write_record(record, good)
    plan = planned(
        tmp_path,
        ("good-gpu", "to build", "a" * 32, None),
        ("lost-gpu", "to build", "b" * 32, None),
        ("each-gpu", "to build", "c" * 32, None),
        ("each-gpu", "published", "d" * 32, None),
        ("old-gpu", "refused", "e" * 32, "raise the recipe's revision"),
        ("odd-gpu", "impossible", None, "CUDA 13.0 has no such GPUs"),
    )
    told = json.loads(choose("--new-is-fine", "--plan", str(plan), "--json").stdout)
    assert told["chosen"] == [GOOD]
    assert told["not_built"] == {
        "lost-gpu 1.0+cu118": "it was not built; the log of its job says why",
        "each-gpu 1.0+cu118 for cu118-py312": "it was not built; the log of its job says why",
        "old-gpu 1.0+cu118": "refused: raise the recipe's revision",
    }
    shutil.rmtree(tmp_path / "into")
    lines = choose("--new-is-fine", "--plan", str(plan), "--github").stdout.splitlines()
    assert lines[0] == "wheels=1"
    assert lines[3].startswith("told=lost-gpu 1.0+cu118: it was not built; the log")
    shutil.rmtree(tmp_path / "into")
    done = choose("--new-is-fine", "--plan", str(tmp_path / "none.json"))
    assert done.exit_code == 0
    assert "what was to be built: nobody knows: there is no '" in done.stdout


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"schema_version": 2, "wheels": []}', '{"schema_version": 1, "wheels": [{}]}'],
)
def test_a_plan_that_is_none_is_named(choose: Choose, tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    done = choose("--new-is-fine", "--plan", str(tmp_path / "plan.json"))
    assert isinstance(done.exception, UsageError)
    assert "plan.json' is no plan" in str(done.exception)
    assert "`builder plan … --json" in str(done.exception)
    assert not (tmp_path / "into").exists()


def test_a_python_of_which_only_reports_came(choose: Choose, tmp_path: Path) -> None:
    """What is published was tried under it in another job; here are its reports alone."""
    site = check_kit.make_site(tmp_path / "site", pythons=("3.10",))
    for filename in check_kit.WHEELS:
        put(tmp_path / "elsewhere", filename, "3.12")
    (tmp_path / "dist").mkdir()
    for path in (tmp_path / "elsewhere").glob("*.verify.*"):
        path.rename(tmp_path / "dist" / path.name)
    done = choose("--github", published="site")
    assert done.stdout.splitlines() == ["wheels=0", "publish=true", "pythons=3.10 3.12", "told="]
    next((tmp_path / "dist").glob(f"{check_kit.OTHER}*")).unlink()
    (tmp_path / "into").rmdir()
    told = json.loads(choose("--json", published="site").stdout)
    assert told["pythons"] == ["3.10"]
    assert told["waiting"] == {"3.12": f"{check_kit.OTHER} was not tried under Python 3.12"}
    assert site.is_dir()


def test_a_report_that_is_none_and_a_folder_in_use(choose: Choose, tmp_path: Path) -> None:
    put(tmp_path / "dist", GOOD, "3.10", "3.12")
    (tmp_path / "dist" / f"{GOOD}.verify.cp311.json").write_text("{}")
    done = choose("--new-is-fine")
    assert isinstance(done.exception, VerifyError)
    assert "verify.cp311.json' is no verification report" in str(done.exception)
    (tmp_path / "dist" / f"{GOOD}.verify.cp311.json").unlink()
    assert choose("--new-is-fine").exit_code == 0
    done = choose("--new-is-fine")
    assert isinstance(done.exception, UsageError)
    assert "is not empty" in str(done.exception)
    assert "no index is published" in str(choose("--into", str(tmp_path / "x")).exception)
