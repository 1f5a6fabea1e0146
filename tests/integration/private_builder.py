"""The builder's command line with a store, compile cache, work and logs of its own.

Downloads and toolchains are the machine's (they are large, and not what is tested here).
``PRIVATE_CACHE`` names the private folder. ``STOP_IN`` (``compile:KILL``) makes the program send
itself a signal in a stage: just after the stage's work, or, for ``compile``, in its middle.
``TINY_DISK`` (``1m``) puts the work folders on a disk of that size. ``PRIVATE_LOCKS`` is set for
another user, who may read the machine's cache and write nothing there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import paths
from builder.cli import common

if TYPE_CHECKING:
    from builder.build import stages

PRIVATE = Path(os.environ["PRIVATE_CACHE"])


class PrivateCache(paths.Cache):
    @property
    def compile(self) -> Path:
        return PRIVATE / "compile"

    @property
    def store(self) -> Path:
        return PRIVATE / "store"

    @property
    def work(self) -> Path:
        return PRIVATE / "work"

    @property
    def locks(self) -> Path:
        return PRIVATE / "locks" if os.environ.get("PRIVATE_LOCKS") else super().locks

    @property
    def logs(self) -> Path:
        return PRIVATE / "logs"


def stop_in(stage: str, sign: str) -> None:
    from builder.build import stages  # small verbs need none of it

    whole = getattr(stages.Stages, stage)

    def send() -> None:
        os.kill(os.getpid(), getattr(signal, f"SIG{sign}"))

    def interrupted(self: stages.Stages, *arguments: Any) -> Any:
        if stage == "compile":
            threading.Thread(target=wait_and_send, args=(self.log_path,), daemon=True).start()
        result = whole(self, *arguments)
        if stage != "compile":
            send()
            time.sleep(5)
        return result

    def wait_and_send(log: Path) -> None:
        while not (log.exists() and "identification" in log.read_text()):
            time.sleep(0.02)
        send()

    setattr(stages.Stages, stage, interrupted)


def tiny_disk(size: str) -> None:
    """Put the work folders on a file system of that size, in a mount namespace of our own."""
    from builder.sandbox import enter

    work = PRIVATE / "work"
    work.mkdir(parents=True, exist_ok=True)
    enter.unshare({"network": True, "processes": False})
    enter.mount("tmpfs", str(work), "tmpfs", 0, f"size={size}")


common.Cache = PrivateCache
if os.environ.get("TINY_DISK"):
    tiny_disk(os.environ["TINY_DISK"])
if os.environ.get("STOP_IN"):
    stop_in(*os.environ["STOP_IN"].split(":"))

from builder.__main__ import main  # noqa: E402 - after the cache was replaced

sys.argv[0] = "builder"
main()
