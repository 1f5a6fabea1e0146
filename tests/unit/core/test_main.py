from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
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


def heavy_libraries(program: str) -> str:
    """Those that a program has imported at its end, as Python prints a list."""
    program += (
        "\nimport sys\n"
        "heavy = {'requests', 'pydantic', 'elftools', 'rich', 'auditwheel'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_start_up_imports_none_of_the_heavy_libraries() -> None:
    assert heavy_libraries("import builder.cli.main") == "[]"
    assert heavy_libraries("import pydantic, rich") == "['pydantic', 'rich']"


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    program = (
        "import builder.__main__ as m, builder.cli.main as c, time, click\n"
        "@click.command()\n"
        "def cli(): print('ready', flush=True); time.sleep(600)\n"
        "c.cli = cli; m.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=240)
    assert child.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("module", ["signal", "click", "builder.cli.main"])
def test_ctrl_c_while_it_starts_has_no_traceback_either(module: str) -> None:
    program = (
        "import os, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), 2)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from builder.__main__ import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr


def ends_with(body: str) -> subprocess.CompletedProcess[str]:
    """The program with one command of this body."""
    program = (
        "import builder.__main__ as m, builder.cli.main as c, click, errno, os, signal\n"
        f"@click.command()\ndef cli():\n    {body}\n"
        "c.cli = cli; m.main()"
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


def test_a_reader_that_goes_away_ends_it_as_it_ends_any_program() -> None:
    done = ends_with("raise BrokenPipeError(errno.EPIPE, 'Broken pipe')")
    assert (done.returncode, done.stderr) == (141, "")


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    """Every command below a group, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)


def test_every_command_of_every_group_has_help_with_an_example() -> None:
    for words in commands(cli):
        said = CliRunner().invoke(cli, [*words, "--help"]).output
        assert "Example" in said, words
        assert f"builder {' '.join(words)}" in said.partition("Example")[2], words


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_tilde_in_the_cache_folder_is_the_home(how: str, tmp_path: Path) -> None:
    told = ["--cache-dir=~/cache"] if how == "option" else []
    env = {"HOME": str(tmp_path), **({"BUILDER_CACHE_DIR": "~/cache"} if not told else {})}
    done = builder(*told, "cache", "info", "--json", env=env)
    assert json.loads(done.stdout)["root"] == str((tmp_path / "cache").resolve())


def test_a_cache_in_a_home_nobody_knows_is_refused(tmp_path: Path) -> None:
    done = builder("--cache-dir=~nobody-is-called-so/x", "cache", "info")
    assert done.returncode == errors.UsageError.exit_code
    assert "none is known" in done.stderr
    assert "--cache-dir" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("typed", "meant"), [(["bulid"], "build"), (["index", "ynak"], "yank")])
def test_an_unknown_verb_names_the_nearest(typed: list[str], meant: str) -> None:
    result = CliRunner().invoke(cli, typed)
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.output


def test_a_drive_is_a_folder() -> None:
    said = CliRunner().invoke(cli, ["publish", "drive", "--help"])
    assert said.exit_code == 0
    assert said.output.replace("drive [OPTIONS]", "folder [OPTIONS]") == (
        CliRunner().invoke(cli, ["publish", "folder", "--help"]).output
    )


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_there_at_once(verb: str) -> None:
    program = (
        "import builder.cli.main, click\n"
        f"builder.cli.main.cli.get_command(click.Context(builder.cli.main.cli), {verb!r})"
    )
    assert heavy_libraries(program) == "[]"


def test_inspect_names_a_wheel_that_is_not_there(tmp_path: Path) -> None:
    done = builder("inspect", str(tmp_path / "tiny-1.0-py3-none-any.whl"))
    assert done.returncode == errors.UsageError.exit_code
    assert "there is no wheel at" in done.stderr
