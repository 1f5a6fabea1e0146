from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder import errors
from builder.cli.main import VERBS, cli


def builder(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "builder", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        check=False,
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert "Example" in result.output
    assert f"builder {verb}" in result.output


def test_every_kind_of_error_has_its_own_exit_code() -> None:
    kinds = [
        kind for kind in errors.BuilderError.__subclasses__() if kind.__module__ == "builder.errors"
    ]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert not {0, 1} & set(codes)


def test_an_expected_error_is_a_message_with_a_remedy_and_a_code(tmp_path: Path) -> None:
    done = builder("--recipes", str(tmp_path), "plan", "cu118")
    assert done.returncode == errors.UsageError.exit_code
    assert "no recipes in" in done.stderr
    assert "try:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_target_names_the_nearest(tmp_path: Path) -> None:
    done = builder("plan", "cu181-py310")
    assert done.returncode == errors.UsageError.exit_code
    assert "cu118" in done.stderr


def test_start_up_imports_none_of_the_heavy_libraries() -> None:
    program = (
        "import sys, builder.cli.main\n"
        "heavy = {'requests', 'pydantic', 'elftools', 'rich', 'auditwheel'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    program = (
        "import builder.__main__ as m, builder.cli.main as c, time, click\n"
        "@click.command()\n"
        "def cli(): print('ready', flush=True); time.sleep(30)\n"
        "m.cli = cli; m.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said


def ends_with(body: str) -> subprocess.CompletedProcess[str]:
    """The program with one command of this body."""
    program = (
        "import builder.__main__ as m, click, errno, os, signal\n"
        f"@click.command()\ndef cli():\n    {body}\n"
        "m.cli = cli; m.main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_a_file_that_cannot_be_written_is_named_without_a_traceback() -> None:
    done = ends_with("open('/proc/none/x', 'w')")
    assert done.returncode == errors.MachineError.exit_code
    assert "error: '/proc/none/x': No such file or directory" in done.stderr
    assert "try:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_said_wherever_it_is_met() -> None:
    done = ends_with("raise OSError(errno.ENOSPC, 'No space left on device')")
    assert done.returncode == errors.MachineError.exit_code
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    assert "Traceback" in ends_with("raise OSError('odd')").stderr


def test_a_closed_terminal_ends_it_tidily() -> None:
    assert ends_with("os.kill(os.getpid(), signal.SIGHUP)").returncode == 130
