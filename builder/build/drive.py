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
from typing import Any, NoReturn

START_SECONDS = 30.0
STOP_SECONDS = 30.0
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
    with open(plan["stats"], "wb") as file, contextlib.suppress(OSError):
        subprocess.run(
            [program, "--show-stats", "--stats-format=json"], stdout=file, check=False, timeout=60
        )
    subprocess.run([program, "--stop-server"], stdout=subprocess.DEVNULL, check=False, timeout=60)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
    sys.exit(status if status >= 0 else 128 - status)


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
