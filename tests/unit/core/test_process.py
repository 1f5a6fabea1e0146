from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.errors import MachineError
from builder.process import CommandFailedError, run, show


def test_output_goes_to_the_caller_the_log_and_line_by_line() -> None:
    log, lines = io.StringIO(), []
    done = run(
        [sys.executable, "-c", "import sys; print('one'); print('two', file=sys.stderr)"],
        log=log,
        on_line=lines.append,
        env={"PYTHONUNBUFFERED": "1", "PATH": os.environ["PATH"]},
    )
    assert done.output == "one\ntwo\n"
    assert lines == ["one", "two"]
    assert log.getvalue().startswith("$ ")
    assert log.getvalue().endswith("one\ntwo\n")


def test_a_failure_carries_the_last_lines_and_the_status() -> None:
    with pytest.raises(CommandFailedError, match="status 3") as caught:
        run(
            [
                sys.executable,
                "-c",
                "print('\\n'.join(f'line {i}' for i in range(50))); raise SystemExit(3)",
            ]
        )
    assert caught.value.status == 3
    assert "line 49" in str(caught.value)
    assert "line 29" not in str(caught.value)


def test_only_the_end_of_much_output_is_kept() -> None:
    done = run([sys.executable, "-c", "for i in range(10000): print(i)"], keep=100)
    assert done.output.endswith("9999\n")
    assert len(done.output) <= 110


def test_a_missing_program_is_named() -> None:
    with pytest.raises(MachineError, match="no-such-program"):
        run(["no-such-program"])


def test_the_program_is_looked_up_in_the_childs_own_path(tmp_path: Path) -> None:
    program = tmp_path / "greet"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    assert run(["greet"], env={"PATH": str(tmp_path)}).output == "hello\n"


def test_an_interrupt_ends_grandchildren_too(tmp_path: Path) -> None:
    marker = tmp_path / "pid"

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    script = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(marker)!r}, 'w').write(str(p.pid))\n"
        "print('ready', flush=True); time.sleep(60)\n"
    )
    with pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", script], on_line=stop)
    pid = int(marker.read_text())
    for _ in range(50):
        state = subprocess.run(
            ["/bin/sh", "-c", f"cat /proc/{pid}/stat 2>/dev/null"], capture_output=True, text=True
        )
        if not state.stdout or state.stdout.rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the grandchild is still running")


def test_show_quotes_what_holds_spaces() -> None:
    assert show(["a", "b c", ""]) == "a 'b c' ''"
