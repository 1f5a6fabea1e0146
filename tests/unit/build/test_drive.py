"""The program that runs a build beside the compile cache's server, with a server of our own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from builder.build import drive

SERVER = """\
#!{python}
import os, socket, sys, time
if len(sys.argv) > 1:
    time.sleep({answer_after})
    print("{{}}")
    sys.exit()
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind("\\0" + {socket!r})
    listening.listen()
    time.sleep(600)
"""


@pytest.mark.parametrize("answer_after", [0, 600], ids=["a good server", "one that hangs"])
def test_the_build_alone_decides_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer_after: int
) -> None:
    name = f"test-drive-{os.getpid()}-{answer_after}"
    program = tmp_path / "sccache"
    text = SERVER.format(python=sys.executable, socket=name, answer_after=answer_after)
    program.write_text(text)
    program.chmod(0o755)
    plan = {
        "build": [sys.executable, "-c", "raise SystemExit(3)"],
        "cwd": str(tmp_path),
        "sccache": str(program),
        "socket": name,
        "stats": str(tmp_path / "stats.json"),
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    monkeypatch.setattr(sys, "argv", ["drive.py", str(tmp_path / "plan.json")])
    if answer_after:
        monkeypatch.setattr(drive, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(drive, "STOP_SECONDS", 0.1)
    with pytest.raises(SystemExit) as ended:
        drive.main()
    assert ended.value.code == 3
    assert (tmp_path / "stats.json").exists()
