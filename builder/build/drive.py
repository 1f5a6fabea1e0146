"""Stand-alone: one build inside the sandbox, with the compile cache's server beside it.

Run as ``python -I drive.py PLAN.json``. sccache's *server* runs the compilers, so it has to live in
the same namespaces as the build: it is started here, and ended here. It imports nothing of the
builder, and starts programs itself because the builder's door for that is outside.

The plan (JSON): ``build`` (the build's argv), ``cwd``, ``sccache`` (the program), ``socket``
(abstract name the server listens on) and ``stats`` (file for the server's statistics).
"""

# Starts in every build: pathlib is left out, as in enter.py.
# ruff: noqa: PTH123
from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import IO, Any, NoReturn

START_SECONDS = 30.0
STOP_SECONDS = 30.0
ASK_SECONDS = 60.0
NO_SERVER = 124
"""Exit status when the compile cache's server did not start; nothing was built."""


def main() -> NoReturn:
    """Start the server, build, keep its statistics, stop it; exit with the build's status."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan: dict[str, Any] = json.load(file)
    program = plan["sccache"]
    foreground = {**os.environ, "SCCACHE_START_SERVER": "1", "SCCACHE_NO_DAEMON": "1"}
    server = subprocess.Popen([program], env=foreground, stdin=subprocess.DEVNULL)
    if not answers(plan["socket"], server):
        server.kill()
        sys.exit(NO_SERVER)
    status = subprocess.run(plan["build"], cwd=plan["cwd"], check=False).returncode
    sys.stdout.flush()
    # A server that hangs now must not fail a build that ended well.
    with contextlib.suppress(OSError, subprocess.TimeoutExpired), open(plan["stats"], "wb") as file:
        ask(program, "--show-stats", "--stats-format=json", stdout=file)
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        ask(program, "--stop-server", stdout=subprocess.DEVNULL)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    sys.exit(status if status >= 0 else 128 - status)


def ask(program: str, *arguments: str, stdout: int | IO[bytes]) -> None:
    """Ask the server for something."""
    subprocess.run([program, *arguments], stdout=stdout, check=False, timeout=ASK_SECONDS)


def answers(name: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server listens; False if it ended or took too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect("\0" + name)
            return True
        time.sleep(0.02)
    return False


if __name__ == "__main__":
    main()
