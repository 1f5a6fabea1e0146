"""The sandbox on this machine's own kernel, as root and as nobody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.sandbox import Mount, Sandbox, probe
from builder.sandbox.capability import ENTER, NOTHING

pytestmark = pytest.mark.integration

PYTHON = "/usr/bin/python3"
WATCH_SECONDS = 120.0


@pytest.fixture(autouse=True)
def _kernel() -> None:
    capability = probe()
    if not (capability.no_network and capability.processes):
        pytest.skip(f"this kernel does not allow the whole sandbox: {capability.reason}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder everybody can reach and write (pytest's own are closed to others)."""
    made = Path("/tmp") / f"wheelhouse-test-{os.getpid()}-{tmp_path.name}"
    made.mkdir()
    made.chmod(0o777)
    for name in ("read", "write"):
        (made / name).mkdir()
        (made / name).chmod(0o777)
    (made / "read/file").write_text("seen\n")
    yield made
    shutil.rmtree(made)


Enter = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["me", "nobody"])
def enter(request: pytest.FixtureRequest, folder: Path) -> Enter:
    """Run a Python program in the sandbox, as this user or as nobody."""
    if request.param == "nobody" and (os.getuid() != 0 or not Path(PYTHON).exists()):
        pytest.skip("only root can become nobody")
    launcher = folder / "enter.py"
    shutil.copy(ENTER, launcher)

    def run(code: str, **changes: Any) -> subprocess.CompletedProcess[str]:
        plan = {
            "parent": os.getpid(),
            "argv": [PYTHON if request.param == "nobody" else sys.executable, "-I", "-c", code],
            "env": {"PATH": "/usr/bin:/bin"},
            "cwd": "/mnt/wheelhouse/write",
            "namespace": True,
            "network": False,
            "processes": True,
            "mounts": [
                [str(folder / "read"), "/mnt/wheelhouse/read", False],
                [str(folder / "write"), "/mnt/wheelhouse/write", True],
            ],
            "status": str(folder / "status"),
            **changes,
        }
        path = folder / "plan.json"
        path.write_text(json.dumps(plan))
        user = {"user": "nobody", "group": "nogroup"} if request.param == "nobody" else {}
        return subprocess.run(
            [PYTHON if user else sys.executable, "-I", launcher, path],
            text=True,
            capture_output=True,
            check=False,
            timeout=240,
            **user,
        )

    return run


def test_folders_lie_at_fixed_paths(enter: Enter, folder: Path) -> None:
    done = enter(
        "import os; print(os.getcwd(), open('/mnt/wheelhouse/read/file').read().strip());"
        "open('made', 'w').write('x')"
    )
    assert done.stdout == "/mnt/wheelhouse/write seen\n", done.stderr
    assert (folder / "write/made").read_text() == "x"


def test_what_is_read_only_cannot_be_written(enter: Enter, folder: Path) -> None:
    done = enter("open('/mnt/wheelhouse/read/new', 'w')")
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert sorted(p.name for p in (folder / "read").iterdir()) == ["file"]


def test_there_is_no_network_but_loopback(enter: Enter) -> None:
    done = enter(
        "import socket; print(sorted(n for _, n in socket.if_nameindex()))\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "c = socket.create_connection(s.getsockname(), 60); print('lo works')\n"
        "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "try: u.connect(('192.0.2.1', 9))\n"
        "except OSError as e: print(e.strerror)\n"
    )
    lines = done.stdout.splitlines()
    assert "'lo'" in lines[0]
    assert lines[1:] == ["lo works", "Network is unreachable"], done.stderr


def test_the_network_stays_when_it_is_asked_for(enter: Enter) -> None:
    code = "import os; print(os.readlink('/proc/self/ns/net'))"
    outside = str(Path("/proc/self/ns/net").readlink())
    assert enter(code, network=True).stdout.strip() == outside
    assert enter(code).stdout.strip() != outside


def test_the_user_stays_who_they_are(enter: Enter, folder: Path) -> None:
    done = enter("import os; print(os.getuid(), os.getgid()); open('mine', 'w')")
    made = (folder / "write/mine").stat()
    assert done.stdout.split() == [str(made.st_uid), str(made.st_gid)]


def test_what_was_in_mnt_is_still_there(enter: Enter) -> None:
    before = sorted(p.name for p in Path("/mnt").iterdir() if p.name != "wheelhouse")
    done = enter("import os; print(*sorted(n for n in os.listdir('/mnt') if n != 'wheelhouse'))")
    assert done.stdout.split() == before


def test_the_exit_status_is_the_commands(enter: Enter) -> None:
    assert enter("raise SystemExit(7)").returncode == 7
    assert enter("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == 137
    assert enter("", argv=["/nonexistent"]).returncode == 127


def test_why_there_is_no_namespace_is_said(enter: Enter, folder: Path) -> None:
    done = enter("", mounts=[[str(folder / "missing"), "/mnt/wheelhouse/x", False]])
    assert done.returncode == 125
    assert "No such file" in (folder / "status").read_text()


def test_a_launcher_whose_parent_is_gone_runs_nothing(enter: Enter, folder: Path) -> None:
    assert enter("open('ran', 'w')", parent=1).returncode == 143
    assert not (folder / "write/ran").exists()


def alive(marker: str) -> list[int]:
    """Processes with that word on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in line and b"PARENT" not in line:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("shut_in", [True, False], ids=["sandbox", "bare"])
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_builder(tmp_path: Path, shut_in: bool, sign: signal.Signals) -> None:
    """Compilers, and what they started, end with the builder, even by ``kill -9``."""
    marker = f"marker-{os.getpid()}-{int(shut_in)}-{int(sign)}"
    sleeper = f"import time; '{marker}'; time.sleep(600)"
    code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-I', '-c', {sleeper!r}])\n"
        f"'{marker}'; time.sleep(600)\n"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); 'PARENT'\n"
        "from pathlib import Path\n"
        "from builder import process\n"
        "from builder.sandbox import Mount, Sandbox, probe\n"
        "from builder.sandbox.capability import NOTHING\n"
        "work = Path(sys.argv[2])\n"
        "box = Sandbox(mounts=(Mount(name='w', source=work, writable=True),),"
        f" capability=probe() if {shut_in} else NOTHING)\n"
        f"argv = [sys.executable, '-I', '-c', {code!r}]\n"
        "process.run(box.command(argv, env={}, cwd=work, scratch=work))\n"
    )
    root = Path(__file__).parents[2]
    builder = subprocess.Popen([sys.executable, "-c", program, root, tmp_path])
    try:
        wait_until(lambda: len(alive(marker)) >= 2)
        builder.send_signal(sign)
        builder.wait(WATCH_SECONDS)
        wait_until(lambda: not alive(marker))
    finally:
        builder.kill()
        builder.wait()
        for left in alive(marker):
            os.kill(left, signal.SIGKILL)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WATCH_SECONDS
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_cache_below_mnt_still_works(tmp_path: Path) -> None:
    """As a mount below /mnt: what lies there is bound to its fixed name and stays where it was."""
    if os.getuid() != 0:
        pytest.skip("only root can put something into /mnt")
    cache = Path(f"/mnt/wheelhouse-test-{os.getpid()}")
    cache.mkdir()
    try:
        (cache / "file").write_text("there")
        box = Sandbox(mounts=(Mount(name="c", source=cache),), capability=probe())
        code = f"print(open('{cache}/file').read(), open('/mnt/wheelhouse/c/file').read())"
        argv = [sys.executable, "-I", "-c", code]
        command = box.command(argv, env={}, cwd=Path("/"), scratch=tmp_path)
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        assert done.stdout == "there there\n", done.stderr
    finally:
        shutil.rmtree(cache)


def test_without_a_sandbox_the_command_runs_where_it_is(tmp_path: Path) -> None:
    box = Sandbox(mounts=(Mount(name="w", source=tmp_path, writable=True),), capability=NOTHING)
    code = "import os; print(os.getcwd(), sorted(os.environ))"
    argv = [sys.executable, "-I", "-c", code]
    command = box.command(argv, env={"LC_ALL": "C"}, cwd=box.path("w"), scratch=tmp_path)
    done = subprocess.run(
        command, text=True, capture_output=True, check=False, env={**os.environ, "CFLAGS": "x"}
    )
    assert done.stdout == f"{tmp_path} ['LC_ALL']\n", done.stderr
