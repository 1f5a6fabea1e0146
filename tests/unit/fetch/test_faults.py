"""Whole processes: killed, interrupted, in each other's way, and out of disk."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from builder.errors import FetchError
from builder.fetch import fetch
from builder.fetch.download import file_path
from builder.fetch.part import Part

DATA = random.Random(3).randbytes(4_000_000)

FETCHING = """
import sys
from pathlib import Path
from builder.errors import BuilderError
from builder.fetch import Artifact, FetchSettings, fetch
from builder.fetch.pipconfig import PipSettings
from builder.paths import Cache
from builder.ui import Silent
url, digest, size, root = sys.argv[1:]
artifact = Artifact(filename="a.bin", source=url, sha256=digest, size=int(size) or None)
settings = FetchSettings(attempts=1, pip=PipSettings(), env={})
try:
    fetch(artifact, cache=Cache(root=Path(root)), reporter=Silent(), settings=settings)
except BuilderError as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(error.exit_code)
"""


def command(artifact, root: Path, *, size: int | None = None) -> list[str]:
    pinned = artifact.size if size is None else size
    wanted = [artifact.source, artifact.sha256, str(pinned or 0), str(root)]
    return [sys.executable, "-c", FETCHING, *wanted]


def wait_for_part(part: Part, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 240
    while part.size < 200_000:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, "no bytes came"
        time.sleep(0.01)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_in_the_middle_and_run_again(sign, server, cache, settings, make, heard):
    gate = threading.Event()  # it cannot be over before the kill
    url = server.put("/a", DATA, gate=gate, etag='"v1"')
    artifact = make(DATA, url, size=len(DATA))
    final = file_path(artifact, cache)
    part = Part(folder=final.parent)
    process = subprocess.Popen(command(artifact, cache.root), stderr=subprocess.DEVNULL)
    wait_for_part(part, process)
    process.send_signal(sign)
    assert process.wait(240) != 0
    assert not final.exists()
    kept = part.size
    assert 0 < kept < len(DATA)

    gate.set()
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings) == final
    assert final.read_bytes() == DATA
    assert server.seen == [("/a", None, None), ("/a", f"bytes={kept}-", '"v1"')]
    assert part.size == 0


def test_two_processes_download_once(server, cache, make):
    artifact = make(DATA, server.put("/a", DATA, pause=0.01), size=len(DATA))
    processes = [subprocess.Popen(command(artifact, cache.root)) for _ in range(2)]
    assert [process.wait(240) for process in processes] == [0, 0]
    assert file_path(artifact, cache).read_bytes() == DATA
    assert len(server.seen) == 1


def test_a_killed_process_leaves_no_lock_behind(server, cache, settings, make, heard):
    gate = threading.Event()
    artifact = make(DATA, server.put("/a", DATA, gate=gate), size=len(DATA))
    first = subprocess.Popen(command(artifact, cache.root))
    wait_for_part(Part(folder=file_path(artifact, cache).parent), first)
    second = subprocess.Popen(command(artifact, cache.root))
    time.sleep(0.5)
    assert second.poll() is None  # it waits
    first.kill()
    first.wait()
    gate.set()
    assert second.wait(240) == 0
    assert file_path(artifact, cache).read_bytes() == DATA


def can_mount() -> bool:
    try:
        done = subprocess.run(
            ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


def run_on_a_small_disk(arguments: list[str], root: Path, mount: Path) -> str:
    """Run it with a 24 MB disk at ``mount``; its output and status, and what it left there."""
    mount.mkdir(parents=True)
    script = (
        'mount -t tmpfs -o size=24m none "$0" && "$@"; echo "status $?"; '
        'find "$0" -type f -size +0 -printf "left %f %s\\n"'
    )
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, str(mount), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("sized", [True, False])
def test_a_real_full_disk(sized, server, tmp_path, make):
    """Said beforehand where the size is known; with no size, what was written stays for later."""
    if not can_mount():
        pytest.skip("not run: this kernel gives no user namespace with mounts")
    data = DATA * 8
    artifact = make(data, server.put("/a", data, length=False), size=len(data))
    root = tmp_path / "disk"
    size = len(data) if sized else 0
    output = run_on_a_small_disk(command(artifact, root, size=size), root, root)
    assert "MachineError: no space left on the disk of" in output
    assert "status 10" in output
    assert "left a.bin" not in output
    if sized:
        assert "MB more needed" in output
        assert server.seen == []
    else:
        left = int(output.partition("left .download.part ")[2].split()[0])
        assert 20_000_000 < left <= 24 * 1024 * 1024


def test_a_disk_that_fills_up_under_way(server, cache, settings, make, heard, monkeypatch):
    """The same without a mount: the kernel's answer is made up, nothing else is."""
    import errno

    from builder.errors import MachineError
    from builder.fetch import transfer

    written = 0

    def full(file, data):
        nonlocal written
        if written > 500_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        written += file.write(data)

    artifact = make(DATA, server.put("/a", DATA), size=len(DATA))
    with monkeypatch.context() as patched:
        patched.setattr(transfer, "write_all", full)
        with pytest.raises(MachineError, match=r"no space left .*, 3\.\d MB more needed"):
            fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert not file_path(artifact, cache).exists()
    assert Part(folder=file_path(artifact, cache).parent).size == written
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert server.ranges[-1] == f"bytes={written}-"


def test_a_server_that_sends_another_part_than_asked_is_asked_anew(
    server, cache, settings, make, heard
):
    odd = {"status": 206, "headers": {"Content-Range": "bytes 7-9/10"}, "body": b"odd"}
    artifact = make(DATA, server.put("/a", DATA, {"cut": 100_000}, odd), size=len(DATA))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert server.ranges[-1] is None


def test_a_server_that_refuses_ranges_nobody_asked_for(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA, {"status": 416}), size=len(DATA))
    with pytest.raises(FetchError, match="answered 416"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
