from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder import doctor
from builder.build.jobs import Machine
from builder.cli.main import cli
from builder.doctor import Finding, Verdict
from builder.errors import MachineError


@pytest.mark.parametrize(
    ("libc", "verdict"),
    [
        (("glibc", "2.28"), Verdict.OK),
        (("glibc", "2.41"), Verdict.OK),
        (("glibc", "2.27"), Verdict.LACKING),
        (("", ""), Verdict.LACKING),
        (("musl", "1.2.5"), Verdict.LACKING),
        (("glibc", "odd"), Verdict.LACKING),
    ],
)
def test_which_c_libraries_do(libc: tuple[str, str], verdict: Verdict) -> None:
    assert doctor.glibc(libc).verdict is verdict


def test_what_is_lacking_comes_with_a_remedy(tmp_path: Path) -> None:
    found = [
        doctor.machine("Linux", "aarch64"),
        doctor.machine("Darwin", "x86_64"),
        doctor.python((3, 10, 4)),
        doctor.shell(None),
        doctor.memory(2_000_000_000, 1),
    ]
    assert all(finding.verdict is not Verdict.OK and finding.remedy for finding in found)
    fine = [doctor.machine("Linux", "x86_64"), doctor.python((3, 11, 0)), doctor.shell("/bin/sh")]
    assert all(finding.verdict is Verdict.OK and finding.remedy is None for finding in fine)


def test_the_disk_is_that_of_the_nearest_folder_there_is(tmp_path: Path) -> None:
    assert "GB free" in doctor.disk(tmp_path / "not" / "there" / "yet").found


def test_the_exit_code_says_whether_a_build_can_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = Finding(subject="shell", verdict=Verdict.LACKING, found="no /bin/sh", remedy="get it")
    note = Finding(subject="GPU", verdict=Verdict.NOTE, found="none")
    monkeypatch.setattr(doctor, "examine", lambda cache: [note])
    fine = CliRunner().invoke(cli, ["doctor", "--json"], standalone_mode=False)
    assert fine.exception is None
    assert json.loads(fine.stdout)["findings"][0]["verdict"] == "note"
    monkeypatch.setattr(doctor, "examine", lambda cache: [note, lacking])
    ill = CliRunner().invoke(cli, ["doctor"], standalone_mode=False)
    assert isinstance(ill.exception, MachineError)
    assert "get it" in ill.stdout
    assert "shell" in str(ill.exception)


def test_memory_is_what_a_build_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Machine(cores=1.5, memory=3_000_000_000)
    monkeypatch.setattr("builder.build.jobs.this_machine", lambda: small)
    found = doctor.cores_and_memory()
    assert (found.verdict, found.found) == (Verdict.NOTE, "1.5 cores, 3 GB")
    monkeypatch.setattr("builder.build.jobs.this_machine", lambda: Machine(cores=2, memory=None))
    assert doctor.cores_and_memory().found == "2 cores, memory unknown"


def test_each_finding_is_shown_as_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(cache: object) -> Iterator[Finding]:
        yield Finding(subject="first", verdict=Verdict.OK, found="there")
        raise MachineError("the second takes for ever")

    monkeypatch.setattr(doctor, "examine", examine)
    result = CliRunner().invoke(cli, ["doctor"])
    assert isinstance(result.exception, MachineError)
    assert "first" in result.output
