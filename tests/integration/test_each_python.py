"""Wheels that are for one Python each, by the real builder: a small one here, dlib marked slow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.build.python_headers import find_headers
from builder.targets import load_targets
from builder.verify.pythons import find_python
from builder.wheel import inspect_wheel

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
LITTLE = HERE.parent / "recipes_each"
RECIPES = HERE.parents[1] / "recipes"


@dataclass(frozen=True)
class Shop:
    """The builder with a store and a compile cache of its own, and recipes from a folder."""

    root: Path
    recipes: Path

    def run(self, verb: str, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
        """One verb; ``path``: a folder that stands before the others in ``PATH``."""
        return subprocess.run(
            [
                *(sys.executable, str(HERE / "private_builder.py")),
                *("--recipes", str(self.recipes), verb, *arguments),
            ],
            env={
                **os.environ,
                "PRIVATE_CACHE": str(self.root / "cache"),
                "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"],
            },
            text=True,
            capture_output=True,
            check=False,
        )

    def build(self, *arguments: str) -> list[dict[str, Any]]:
        """The wheels of ``builder build``, in its order."""
        dist = str(self.root / "dist")
        done = self.run("build", *arguments, "--profile", "smoke", "--dist", dist, "--json")
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return list(json.loads(done.stdout)["wheels"])


def pythons_here() -> list[str]:
    """The Pythons that are here as programs and as headers."""
    found = [
        python
        for python in load_targets().pythons
        if find_headers(python) is not None and find_python(python).interpreter is not None
    ]
    if not found:
        # No registry has them, so a test cannot bring them (docs/recipes.md says why).
        pytest.skip("no Python here has its headers (Python.h)")
    return found


def targets(cuda: str, pythons: list[str]) -> list[str]:
    return [f"{cuda}-py{python.replace('.', '')}" for python in pythons]


def tag_of(python: str) -> str:
    digits = python.replace(".", "")
    return f"cp{digits}-cp{digits}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("each")
    shutil.copytree(LITTLE, root / "recipes")
    return Shop(root, root / "recipes")


def test_one_wheel_for_each_python_that_works_there_alone(shop: Shop) -> None:
    pythons = [*pythons_here()[:1], *pythons_here()[1:][-1:]]  # the oldest and the newest
    built = shop.build(*targets("cu118", pythons))
    assert [one["targets"] for one in built] == [[one] for one in targets("cu118", pythons)]
    wheels = [Path(one["wheel"]) for one in built]
    for python, one, wheel in zip(pythons, built, wheels, strict=True):
        assert f"-1-{tag_of(python)}-manylinux" in wheel.name
        (verified,) = one["verified"]
        assert (verified["python"], verified["status"]) == (python, "passed")
        assert {tag.rpartition("-")[0] for tag in inspect_wheel(wheel).tags} == {tag_of(python)}
    # One companion serves them all: its bytes do not depend on the Python.
    assert len(list((shop.root / "dist").glob("hello_stand_in-*.whl"))) == 1
    again = shop.build(*targets("cu118", pythons))
    assert [one["key"] for one in again] == [one["key"] for one in built]
    if len(pythons) > 1:
        refused = shop.run("verify", str(wheels[0]), "--python", pythons[-1])
        assert refused.returncode != 0
        assert f"Python {pythons[-1]}" in refused.stderr


def test_a_new_patch_release_here_builds_nothing_that_is_published(
    shop: Shop, tmp_path: Path
) -> None:
    """As on a runner whose image was renewed: other headers, and no revision is to be raised."""
    python = pythons_here()[0]
    (target,) = targets("cu118", [python])
    (built,) = shop.build(target)
    wheels = [built["wheel"], *built["companions"]]
    site = str(tmp_path / "site")
    added = shop.run("index", "add", *wheels, "--site", site, "--force")
    assert added.returncode == 0, added.stderr
    asked = ("plan", target, "--profile", "smoke", "--published", site, "--json")

    def planned(path: Path | None = None) -> dict[str, Any]:
        done = shop.run(*asked, path=str(path or ""))
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)["wheels"]
        return dict(row)

    assert (planned()["published"], planned()["why"]) == (True, None)
    newer = newer_headers(python, tmp_path / "newer")
    row = planned(newer)
    assert (row["published"], row["key"]) == (True, built["key"])
    assert row["why"].endswith(f"here are those of {python}.99; their ABI is the same")
    # Whatever else changes asks for a revision, and whoever has no index builds with what is here.
    (shop.recipes / "hello-each/src/more.c").write_text("int more;\n")
    try:
        refused = shop.run(*asked, path=str(newer))
        assert refused.returncode == 4, refused.stdout
        assert "raise the recipe's revision" in refused.stderr
    finally:
        (shop.recipes / "hello-each/src/more.c").unlink()
    (alone,) = json.loads(shop.run(*asked[:-3], "--json", path=str(newer)).stdout)["wheels"]
    assert (alone["state"], alone["key"] == built["key"]) == ("to build", False)


def newer_headers(python: str, into: Path) -> Path:
    """A folder for ``PATH`` beside this machine's headers as a later patch release has them."""
    found = find_headers(python)
    assert found is not None
    folder = into / "include" / f"python{python}"
    for name, file in found.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / name)
    told = folder / "patchlevel.h"
    told.write_text(told.read_text().replace(f'"{found.version}"', f'"{python}.99"'))
    (into / "bin").mkdir()
    (into / "bin" / f"python{python}").touch()
    return into / "bin"


def test_a_python_without_headers_is_refused_before_anything_is_built(shop: Shop) -> None:
    gone = [python for python in load_targets().pythons if find_headers(python) is None]
    if not gone:
        # To hide one would hide what the rest runs on; in the unit tests there is none.
        pytest.skip("every Python has its headers here")
    dist = shop.root / "refused"
    done = shop.run("build", targets("cu118", gone)[0], "--dist", str(dist))
    assert done.returncode == 4, done.stderr
    assert f"no headers of Python {gone[0]} (Python.h) were found on this machine" in done.stderr
    assert not dist.exists()


def test_the_rendered_project_says_which_python(shop: Shop, tmp_path: Path) -> None:
    python = pythons_here()[-1]
    target = targets("cu118", [python])[0]
    done = shop.run("render", target, "--profile", "smoke", "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    (project,) = (tmp_path / "out").iterdir()
    assert project.name == f"hello-each-cu118-smoke-py{python.replace('.', '')}"
    text = (project / "pyproject.toml").read_text()
    assert f"{tag_of(python)}-linux_x86_64" in text


@pytest.mark.slow
def test_dlib_for_every_python_with_headers(tmp_path: Path) -> None:
    """docs/adding-a-recipe.md for real: some 15 CPU-minutes for the first Python, 10 for others."""
    pythons = pythons_here()
    # The machine's own cache: what it has compiled already is not compiled again.
    done = subprocess.run(
        [
            *(sys.executable, "-m", "builder", "--recipes", str(RECIPES)),
            *("build", *targets("cu124", pythons), "--recipe", "dlib-cuda", "--profile", "smoke"),
            *("--archs", "7.5", "--jobs", "2", "--dist", str(tmp_path / "dist"), "--json"),
        ],
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    for python, one in zip(pythons, json.loads(done.stdout)["wheels"], strict=True):
        wheel = inspect_wheel(Path(one["wheel"]))
        assert {tag.rpartition("-")[0] for tag in wheel.tags} == {tag_of(python)}
        assert wheel.vendored == ()
        assert [verified["status"] for verified in one["verified"]] == ["passed"]
