"""``darknet`` and ``python -m darknet`` where NVIDIA's libraries are missing, from the sources."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "recipes" / "darknet-python" / "src" / "darknet"
BUILD = """\
CUDA_VERSION, ARCHITECTURES, PTX = "12.4", ("7.5",), ""
LIBRARIES = ("libthere.so.1", "libc.so.6", "libgone.so.1")
RUN_PATHS = ("nvidia/x/lib",)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Site-packages with the package as CMake would leave it, and one library of NVIDIA's."""
    site = tmp_path / "site"
    shutil.copytree(SOURCES, site / "darknet")
    (site / "darknet/_build.py").write_text(BUILD)
    (site / "nvidia/x/lib").mkdir(parents=True)
    (site / "nvidia/x/lib/libthere.so.1").touch()
    program = site / "darknet/bin/darknet"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    (site / "darknet_python-1.0+cu124.dist-info").mkdir()
    (site / "darknet_python-1.0+cu124.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: darknet-python\nVersion: 1.0+cu124\n"
        "Requires-Dist: numpy>=1.21\nRequires-Dist: nvidia-x-cu12<13,>=12.4\n"
    )
    return site


def python(site: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(site)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_the_program_names_the_missing_library_and_the_doctor(site: Path) -> None:
    code = "import sys; from darknet._program import main; sys.argv[1:] = ['detect']; main()"
    done = python(site, code)
    assert (done.returncode, done.stdout) == (10, "")
    assert done.stderr == (
        "darknet: NVIDIA's libgone.so.1 not found; `python -m darknet` says how to mend it\n"
    )
    (site / "nvidia/x/lib/libgone.so.1").touch()
    assert python(site, code).stdout == "started\n"


UNHEARD = {"/dev/full": (1, "the standard output is not taken: No space left"), "pipe": (141, "")}
SAYING = ("darknet --help", "darknet --version", "darknet data check nothing.data", "doctor")


@pytest.mark.parametrize("where", UNHEARD)
@pytest.mark.parametrize("what", SAYING)
def test_output_that_is_not_taken_is_no_traceback(site: Path, what: str, where: str) -> None:
    """A full disk, or `| head` that has seen enough."""
    start = "import sys; from darknet.__main__ import *; from darknet import _doctor\n"
    start += "_doctor.examine = lambda: []\n"
    run = "raise SystemExit(guarded(lambda: main([])))\n"
    if what != "doctor":
        start += f"sys.argv = {what.split()}\nfrom darknet._program import main as started\n"
        run = "started()\n"
    status, said = UNHEARD[where]
    if where == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
        stdout = os.fdopen(writing, "w")
    else:
        stdout = Path(where).open("w", encoding="utf-8")  # noqa: SIM115 -- the next line closes it
    with stdout:
        done = subprocess.run(
            [sys.executable, "-c", start + run],
            env={"PYTHONPATH": str(site)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )  # fmt: skip -- as `python` has it
    assert "Traceback" not in done.stderr
    assert (done.returncode, said in done.stderr) == (status, True)


def test_a_closed_stream_never_becomes_a_file_of_the_programs(site: Path, tmp_path: Path) -> None:
    """The weights, opened where the standard output was, would have had the log written into."""
    program = site / "darknet/bin/darknet"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os\n"
        "with open(os.environ['TOLD'], 'w') as told:\n"
        "    told.write(' '.join(os.readlink(f'/proc/self/fd/{n}') for n in range(3)))\n"
    )
    (site / "nvidia/x/lib/libgone.so.1").touch()
    code = "import sys; from darknet._program import main; sys.argv[1:] = ['detect']; main()"
    environment = {"PYTHONPATH": str(site), "TOLD": str(tmp_path / "told"), "PATH": os.defpath}
    line = shlex.join([sys.executable, "-c", code]) + " <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", line], env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / "told").read_text().split(" ") == ["/dev/null"] * 3


def test_what_the_doctor_says_can_be_pasted(site: Path) -> None:
    code = (
        "import json; from darknet import _doctor as d\n"
        "v = d.Verdict\n"
        "print(json.dumps([d.remedy(v.LIBRARY_MISSING), d.remedy(v.LIBRARY_BROKEN), "
        "d._content([], v.OK)]))"
    )
    done = python(site, code)
    missing, broken, content = json.loads(done.stdout)
    assert shlex.split(missing) == [
        *("pip", "install", "--force-reinstall", "--no-deps", "nvidia-x-cu12<13,>=12.4"),
    ]
    line, _, index = broken.partition(", ")
    assert line == 'pip install --force-reinstall "darknet-python==1.0+cu124"'
    assert index == "with the --extra-index-url this one came from"
    assert content["schema_version"] == 1
