"""The parts that need no environment: requirements, pip's report, files, scratch folders."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from builder import process
from builder.errors import VerifyError
from builder.paths import Cache
from builder.recipe import load_recipe
from builder.ui import Silent
from builder.verify.environment import Environment, dependencies, hide, read_pip_report
from builder.verify.files import collisions, disturbed, snapshot
from builder.verify.gpu import NO_GPU, find_gpu
from builder.verify.means import Means, Trial, trials_of
from builder.verify.pythons import Interpreter
from builder.verify.report import Check
from builder.verify.run import verify
from builder.verify.scratch import scratch_folder
from index.records import Record


def python(version: str) -> Interpreter:
    markers = {"python_version": version, "sys_platform": "linux", "os_name": "posix"}
    return Interpreter(path=Path("/p"), python=version, version=f"{version}.1", markers=markers)


def record(*requires: str) -> Record:
    lines = ["Metadata-Version: 2.1", "Name: a", "Version: 1"]
    text = "\n".join([*lines, *(f"Requires-Dist: {one}" for one in requires), "", "body"])
    return Record(
        filename="a-1-py3-none-any.whl",
        name="a",
        version="1",
        tags=("py3-none-any",),
        sha256="0" * 64,
        size=1,
        metadata=text,
        metadata_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def test_requirements_are_those_of_one_python() -> None:
    wheel = record(
        "numpy>=1.21; python_version < '3.12'",
        "numpy>=1.26; python_version >= '3.12'",
        "nvidia-cudnn-cu11<9,>=8.9",
        "torch; extra == 'torch'",
        "Opencv_Python==1",
    )
    kept = ("numpy>=1.21", "nvidia-cudnn-cu11<9,>=8.9", "Opencv_Python==1")
    assert dependencies(wheel, python("3.10")) == kept
    assert dependencies(wheel, python("3.12"), leave_out=["opencv-python"]) == (
        "numpy>=1.26",
        "nvidia-cudnn-cu11<9,>=8.9",
    )


def test_a_requirement_that_is_none_is_refused() -> None:
    with pytest.raises(VerifyError, match="Requires-Dist"):
        dependencies(record("numpy >> 1"), python("3.10"))


def test_pips_report_is_read() -> None:
    def item(name: str, sha256: str) -> dict[str, object]:
        return {
            "metadata": {"name": name, "version": "1"},
            "download_info": {"url": "http://h/f", "archive_info": {"hashes": {"sha256": sha256}}},
        }

    text = json.dumps({"pip_version": "26.3", "install": [item("Numpy", "1"), item("A.b", "2")]})
    found = read_pip_report(text, "a-b")
    assert found is not None
    assert (found.pip, found.sha256, found.url, found.others) == (
        "26.3", "2", "http://h/f", ("numpy==1",),
    )  # fmt: skip
    assert read_pip_report(text, "other") is None


@pytest.fixture
def site(tmp_path: Path) -> Path:
    library = tmp_path / "nvidia/cudnn/lib/libcudnn.so.8"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"cudnn 8")
    (tmp_path / "numpy.py").write_text("x = 1")
    claim(tmp_path, "nvidia_cudnn_cu11-8.9", b"cudnn 8")
    return tmp_path


def claim(site: Path, package: str, content: bytes) -> None:
    info = site / f"{package}.dist-info"
    info.mkdir()
    digest = hashlib.sha256(content).hexdigest()
    row = f"nvidia/cudnn/lib/libcudnn.so.8,sha256={digest},{len(content)}\n"
    (info / "RECORD").write_text(f"{row}{info.name}/RECORD,,\n")


def test_new_files_of_ones_own_disturb_nobody(site: Path) -> None:
    before = snapshot(site)
    (site / "ours").mkdir()
    (site / "ours/a.py").write_text("")
    (site / "__pycache__").mkdir()
    (site / "__pycache__/numpy.cpython-310.pyc").write_bytes(b"")
    assert disturbed(before, snapshot(site)) == ()
    assert collisions(site) == ()


def test_a_replaced_removed_or_added_file_is_named(site: Path) -> None:
    before = snapshot(site)
    library = site / "nvidia/cudnn/lib/libcudnn.so.8"
    copy = site / "copy"
    shutil.copy2(library, copy)  # the same size and time; another inode
    copy.replace(library)
    (site / "numpy.py").unlink()
    (library.parent / "libours.so").touch()
    assert disturbed(before, snapshot(site)) == (
        "'numpy.py' was removed",
        "'nvidia/cudnn/lib/libcudnn.so.8' was replaced",
        "'nvidia/cudnn/lib/libours.so' was added to NVIDIA's folder",
    )


def test_two_packages_with_one_file_collide(site: Path) -> None:
    claim(site, "nvidia_cudnn_cu12-9.1", b"cudnn 9")
    (found,) = collisions(site)
    assert "belongs to nvidia_cudnn_cu11-8.9" in found
    assert "nvidia_cudnn_cu12-9.1" in found


def test_a_library_that_is_not_the_recorded_one_is_named(site: Path) -> None:
    library = site / "nvidia/cudnn/lib/libcudnn.so.8"
    library.write_bytes(b"something longer")
    assert "is not the one of" in collisions(site)[0]
    library.unlink()
    assert "is missing" in collisions(site)[0]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(root=tmp_path / "cache")


def test_a_folder_is_gone_afterwards_whatever_happens(cache: Cache) -> None:
    with pytest.raises(ZeroDivisionError), scratch_folder(cache) as folder:
        (folder / "env").mkdir()
        raise ZeroDivisionError
    assert list(cache.environments.iterdir()) == []


def test_a_folder_in_use_is_left_alone(cache: Cache) -> None:
    with scratch_folder(cache) as one:
        with scratch_folder(cache) as two:
            assert one.is_dir()
            assert one != two
        assert one.is_dir()


def test_a_kept_folder_stays(cache: Cache) -> None:
    with scratch_folder(cache, keep=True) as kept:
        (kept / "env").mkdir()
    with scratch_folder(cache):
        assert (kept / "env").is_dir()


def test_a_killed_builders_program_that_still_writes_finds_its_folder_gone(cache: Cache) -> None:
    folder = cache.environments / "tmp-killed"
    (folder / "env").mkdir(parents=True)
    for number in range(400):  # so many that something is written while they are deleted
        (folder / "env" / f"before-{number}").touch()
    code = (
        "import itertools, sys; from pathlib import Path\n"
        "print(flush=True)\n"
        "for number in itertools.count():\n"
        "    try: Path(sys.argv[1], str(number)).touch()\n"
        "    except FileNotFoundError: sys.exit(7)\n"
    )
    line = [sys.executable, "-c", code, str(folder / "env")]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            with scratch_folder(cache):
                assert writer.wait(60) == 7
        finally:
            writer.kill()
    assert list(cache.environments.iterdir()) == []


def test_what_a_killed_builder_left_is_cleared_away(cache: Cache) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from builder.paths import Cache; from builder.verify.scratch import scratch_folder\n"
        "with scratch_folder(Cache(root=Path(sys.argv[1]))) as folder:\n"
        "    (folder / 'env').mkdir(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(cache.root)],
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == -9
    (left,) = cache.environments.glob("tmp-*")
    with scratch_folder(cache) as folder:
        assert not left.exists()
        assert folder.is_dir()


def test_a_folder_made_a_moment_ago_is_not_taken_for_abandoned(cache: Cache) -> None:
    # Until it has a lock of its own, its maker holds the lock that making and clearing need.
    cache.locks.mkdir(parents=True)
    made = threading.Event()

    def make() -> None:
        with scratch_folder(cache):
            made.set()

    thread = threading.Thread(target=make)
    with FileLock(cache.locks / "environments.lock"):
        thread.start()
        assert not made.wait(0.3)
        assert not list(cache.environments.glob("tmp-*"))
    assert made.wait(240)
    thread.join()


def test_no_device_node_means_no_gpu(tmp_path: Path) -> None:
    found = find_gpu(Path(sys.executable), env=os.environ, devices=tmp_path)
    assert (found.name, found.reason) == (None, NO_GPU)


@pytest.mark.parametrize(
    ("script", "name", "reason"),
    [
        ("echo 'GPU Tesla T4 (7.5)'", "Tesla T4 (7.5)", None),
        ("echo 'AssertionError: cuInit failed'; exit 1", None, "cuInit failed"),
        ("exit 3", None, "status 3"),
    ],
)
def test_a_device_node_is_not_yet_a_gpu(
    tmp_path: Path, script: str, name: str | None, reason: str | None
) -> None:
    (tmp_path / "nvidiactl").touch()
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    found = find_gpu(python, env={"PATH": "/bin:/usr/bin"}, devices=tmp_path)
    assert found.name == name
    assert (found.reason is None) == (reason is None)
    assert reason is None or reason in str(found.reason)


RECIPES = Path(__file__).parents[3] / "recipes"


def test_a_broken_recipe_of_another_name_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/recipe.toml").write_text("name = 3 [")
    assert trials_of([tmp_path / "broken", tmp_path / "nothing"], {"other"}) == {}


def test_a_recipe_says_what_is_tried() -> None:
    folder = RECIPES / "darknet-python"
    recipe = load_recipe(folder)
    trial = trials_of([folder], {"darknet-python"})["darknet-python"]
    assert trial.imports == recipe.wheel.imports
    assert recipe.tests is not None
    assert trial.requires == recipe.tests.requires
    assert trial.timeout == recipe.tests.timeout
    assert trial.tests == folder / "tests"


def test_no_path_of_this_machine_is_left(tmp_path: Path) -> None:
    interpreter = Interpreter(
        path=Path("/opt/py/3.10/bin/python3.10"), python="3.10", version="3.10.1", markers={}
    )
    text = f"{tmp_path}/env/x.py, /opt/py/3.10/lib/ctypes.py, {Path.home()}/y, /usr/lib"
    assert hide(text, tmp_path, interpreter) == (
        "<environment>/env/x.py, <python>/lib/ctypes.py, ~/y, /usr/lib"
    )
    for path in ("/bin/python3", "/usr/bin/python3.10"):
        system = Interpreter(path=Path(path), python="3.10", version="3.10.1", markers={})
        assert hide("/usr/lib", tmp_path, system) == "/usr/lib"


def test_a_program_that_runs_for_long_is_seen_to_be_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "TICK_SECONDS", 0.05)
    (tmp_path / "env/bin").mkdir(parents=True)
    (tmp_path / "env/bin/python").symlink_to(sys.executable)
    seen: list[int] = []

    def tick() -> None:
        seen.append(1)
        if len(seen) == 3:
            (tmp_path / "seen").touch()

    until_seen = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    with (tmp_path / "log").open("w") as log:
        environment = Environment(
            folder=tmp_path,
            interpreter=python("3.11"),
            variables={"PATH": "/usr/bin:/bin"},
            log=log,
            tick=tick,
        )
        assert environment.run("-c", until_seen, tmp_path / "seen").status == 0
    assert len(seen) > 2


def test_nothing_is_hidden_where_the_user_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert hide("/scratch/x and /srv/y", Path("/scratch"), python("3.11")) == (
        "<environment>/x and /srv/y"
    )


def test_two_wheels_of_one_name_write_two_logs(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Check(name="install", outcome="failed")
    monkeypatch.setattr("builder.verify.attempt.Attempt.checks", lambda _: [failed])
    means = Means(uv=Path("/uv"), cache=cache, reporter=Silent())
    for digit in "01":
        one = record().model_copy(update={"sha256": digit * 64})
        verify(Path("x"), Trial(), python("3.11"), means, wheels={Path("x"): one})
    assert len(list(cache.logs.iterdir())) == 2
