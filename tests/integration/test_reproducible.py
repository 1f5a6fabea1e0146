"""One build key, one sequence of bytes: built again elsewhere, by somebody else, differently."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.paths import Cache
from builder.sandbox import probe

from .difference_kit import first_difference

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CUDA = "cu118"
STRANGER = 1000
OTHERS = (
    # Somebody else indeed, where root may say so and they can read what a build reads …
    ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"],
    # … or as processes see it: another number, in a user namespace.
    ["unshare", "--user", f"--map-user={STRANGER}", f"--map-group={STRANGER}"],
)


@dataclass(frozen=True)
class Built:
    wheel: Path
    entry: dict[str, Any]
    user: int


@dataclass(frozen=True)
class Place:
    """A folder with a clone of its own, where somebody builds."""

    root: Path
    who: tuple[str, ...] = ()

    def build(self, recipe: str, *, jobs: int) -> Built:
        """`builder build` with a private store and compile cache; toolchains are the machine's."""
        dist = self.root / "dist"
        shutil.rmtree(dist, ignore_errors=True)  # there only where it is built a second time
        command = [
            *(*self.who, sys.executable, str(HERE / "private_builder.py")),
            *("--recipes", str(self.root / "recipes"), "build", CUDA, "--recipe", recipe),
            *("--profile", "smoke", "--dist", str(dist), "--no-verify", "--json"),
            *("--sandbox", "require", "--jobs", str(jobs)),
        ]
        env = {
            **os.environ,
            "PRIVATE_CACHE": str(self.root / "cache"),
            "PRIVATE_LOCKS": "1",
            "HOME": str(self.root),
            "BUILDER_CACHE_DIR": str(Cache.default().root),
        }
        done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        (entry,) = json.loads(done.stdout)["wheels"]
        return Built(Path(entry["wheel"]), entry, user_of(self.who))


def user_of(who: tuple[str, ...]) -> int:
    done = subprocess.run([*who, "id", "-u"], capture_output=True, text=True, check=True)
    return int(done.stdout)


def somebody_else() -> tuple[str, ...] | None:
    """What to put before a command so that another user runs it; None where that cannot be."""
    look = (
        "import os, subprocess, sys; os.listdir(os.environ['CACHE']);"
        "subprocess.run([sys.executable, '-c', 'import builder'], check=True)"
    )
    for who in OTHERS:
        if shutil.which(who[0]) is None:
            continue
        done = subprocess.run(
            [*who, sys.executable, "-c", look],
            env={**os.environ, "CACHE": str(Cache.default().toolchains)},
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return tuple(who)
    return None


def clone(root: Path, who: tuple[str, ...] = ()) -> Place:
    """A copy of the recipes, of another age and with another umask's permissions."""
    root.mkdir()
    shutil.copytree(root.parent / "recipes", root / "recipes", copy_function=shutil.copyfile)
    (root / "cache").mkdir()
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        if who and who[0] == "setpriv":
            os.chown(path, STRANGER, STRANGER)
    return Place(root, who)


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A folder that another user can get into, which pytest's own are not."""
    if not probe().fixed_path:
        # The record of a build says the same, and tests/integration/test_build_for_real.py that.
        pytest.skip(f"not reproducible here, because {probe().refused}")
    with tempfile.TemporaryDirectory(prefix="reproducible-") as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(ROOT / "recipes", Path(folder, "recipes"))
        yield Path(folder)


@pytest.fixture(scope="module")
def reference(room: Path) -> Built:
    """Darknet as this user builds it, or built it before."""
    return with_the_machines_cache(room, "darknet-python")


def with_the_machines_cache(room: Path, recipe: str) -> Built:
    """A wheel with the cache of this machine: built before, or with what was compiled before."""
    dist = room / f"reference {recipe}"
    command = [
        *(sys.executable, "-m", "builder", "--recipes", str(room / "recipes"), "build", CUDA),
        *("--recipe", recipe),
        *("--profile", "smoke", "--dist", str(dist), "--no-verify", "--json", "--jobs", "2"),
    ]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    (entry,) = json.loads(done.stdout)["wheels"]
    return Built(Path(entry["wheel"]), entry, os.getuid())


@pytest.fixture(scope="module")
def elsewhere(room: Path) -> Place:
    """Another folder, its name longer and with spaces, and another user where there can be one."""
    return clone(room / "another folder, with a rather longer name", somebody_else() or ())


@pytest.fixture(scope="module")
def cold(elsewhere: Place) -> Built:
    """Built there with nothing in the compile cache, one compilation at a time."""
    return elsewhere.build("darknet-python", jobs=1)


def assert_same(one: Built, other: Built) -> None:
    assert one.entry["key"] == other.entry["key"]
    companions = zip(one.entry["companions"], other.entry["companions"], strict=True)
    for wheel, again in [(one.wheel, other.wheel), *companions]:
        difference = first_difference(Path(wheel), Path(again))
        assert difference is None, difference


def assert_cold(built: Built) -> None:
    """Nothing was in the cache before. What a build compiles twice it finds there itself.

    OpenCV tries two flags of the linker with one program and the same flags of the compiler.
    """
    hits, misses = built.entry["compile"]["hits"], built.entry["compile"]["misses"]
    assert set(hits) <= {"C/C++"}
    assert hits.get("C/C++", 0) < misses["C/C++"] / 50
    assert misses["CUDA"] >= 1


def assert_warm(built: Built) -> None:
    """It came from the cache, but for the few files with which CMake tries its compilers."""
    hits, misses = built.entry["compile"]["hits"], built.entry["compile"]["misses"]
    assert hits["CUDA"] >= 1
    assert "CUDA" not in misses
    assert misses.get("C/C++", 0) < hits["C/C++"] / 4


def test_another_folder_one_job_and_a_cold_cache(reference: Built, cold: Built) -> None:
    assert cold.entry["built_now"]
    assert not cold.entry["compile"]["hits"]
    assert cold.entry["compile"]["misses"]["CUDA"] >= 1
    assert cold.entry["compile"]["jobs"] == 1
    assert_same(reference, cold)
    record = json.loads(Path(f"{cold.wheel}.json").read_text())
    assert "reproducible" not in record["built"], "nothing stands in the way here"


def test_another_user(reference: Built, cold: Built, elsewhere: Place) -> None:
    if not elsewhere.who:
        # What differs but for the user is held by the test above all the same.
        pytest.skip("neither setpriv nor a user namespace gives this test another user")
    assert cold.user == STRANGER != reference.user
    assert_same(reference, cold)


def test_a_third_folder_more_jobs_and_a_warm_cache(
    reference: Built, cold: Built, elsewhere: Place, room: Path
) -> None:
    place = clone(room / "3")
    shutil.copytree(elsewhere.root / "cache/compile", place.root / "cache/compile")
    warm = place.build("darknet-python", jobs=3)
    assert_warm(warm)
    assert_same(reference, warm)


@pytest.mark.slow
def test_opencv(room: Path) -> None:
    """The same of OpenCV's smoke profile: cold and with one job by another user, then warm."""
    before = with_the_machines_cache(room, "opencv-cuda")
    place = clone(room / "opencv elsewhere", somebody_else() or ())
    assert not list((place.root / "cache").iterdir())
    cold = place.build("opencv-cuda", jobs=1)
    assert_cold(cold)
    assert_same(before, cold)
    third = clone(room / "opencv again")
    shutil.copytree(place.root / "cache/compile", third.root / "cache/compile")
    warm = third.build("opencv-cuda", jobs=2)
    assert_warm(warm)
    assert_same(before, warm)


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    """As the tests above would say it, for every kind of difference."""
    kinds = {
        "same": {"a.py": b"x = 1\n", "b.so": b"library"},
        "name": {"a.py": b"x = 1\n", "c.so": b"library"},
        "more": {"a.py": b"x = 1\n", "b.so": b"library", "c": b""},
        "bytes": {"a.py": b"x = 1\n", "b.so": b"libRary"},
    }
    for kind, files in kinds.items():
        with zipfile.ZipFile(tmp_path / f"{kind}.whl", "w") as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)
    with zipfile.ZipFile(tmp_path / "time.whl", "w") as archive:
        for name, data in kinds["same"].items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data)
    same = tmp_path / "same.whl"
    assert first_difference(same, same) is None
    for kind, expected in {
        "name": "'b.so' stands where the other has 'c.so'",
        "more": "2 files, and 3",
        "bytes": "'b.so' at byte 3",
        "time": "'a.py': date_time is (1980, 1, 1, 0, 0, 0), and (2024, 1, 1, 0, 0, 0)",
    }.items():
        assert expected in str(first_difference(same, tmp_path / f"{kind}.whl"))
