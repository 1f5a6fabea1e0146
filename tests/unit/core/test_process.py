from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from builder import process
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
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(marker)!r}, 'w').write(str(p.pid))\n"
        "print('ready', flush=True); time.sleep(600)\n"
    )
    with pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", script], on_line=stop)
    pid = int(marker.read_text())
    assert gone(pid), "the grandchild is still running"


def test_show_quotes_what_holds_spaces() -> None:
    assert show(["a", "b c", ""]) == "a 'b c' ''"


def gone(pid: int) -> bool:
    """Whether a process ends (a zombie has ended) within a minute."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # the latter while it is being read
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_what_a_program_leaves_running_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)
    began = time.monotonic()
    holding = run(["/bin/sh", "-c", "sleep 600 & echo $!"])  # it holds the pipe open
    silent = run(["/bin/sh", "-c", "sleep 600 > /dev/null 2>&1 & echo $!"])
    assert time.monotonic() - began < 300, "it waited for them"
    assert gone(int(holding.output))
    assert gone(int(silent.output))


def test_a_second_interrupt_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []

    def stop(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    waiting: list[subprocess.Popen[str]] = []

    def impatient(self: subprocess.Popen[str], timeout: float | None = None) -> int:
        waiting.append(self)
        raise KeyboardInterrupt

    script = "trap '' TERM; echo $$; while :; do sleep 0.1; done"
    with monkeypatch.context() as patched:
        patched.setattr(subprocess.Popen, "wait", impatient)
        with pytest.raises(KeyboardInterrupt):
            run(["/bin/sh", "-c", script], on_line=stop)
    assert gone(pids[0])
    waiting[0].wait()  # else whoever collects it complains that it was not waited for


def test_a_program_of_another_kind_of_machine_is_named(tmp_path: Path) -> None:
    program = tmp_path / "odd"
    program.write_bytes(b"\x7fELF not really")
    program.chmod(0o755)
    with pytest.raises(MachineError, match=f"'{program}' does not start"):
        run([program])


def test_a_silent_program_is_seen_to_be_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "TICK_SECONDS", 0.05)
    seen: list[int] = []

    def tick() -> None:
        seen.append(1)
        if len(seen) == 3:
            (tmp_path / "seen").touch()

    until_seen = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    running = set(threading.enumerate())  # one that an earlier test left may end meanwhile
    run([sys.executable, "-c", until_seen, tmp_path / "seen"], tick=tick)
    assert len(seen) > 2
    so_far = len(seen)
    time.sleep(0.2)
    assert len(seen) == so_far
    assert set(threading.enumerate()) <= running
