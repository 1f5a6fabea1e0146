"""A wheel built with a native library, which is built with another one, by the real builder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.sandbox import probe
from builder.wheel import inspect_wheel

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
RECIPES = HERE.parent / "recipes_native"
POOL = "pool/main/l/limits/limits_1.orig.tar.gz"


@dataclass(frozen=True)
class Shop:
    """Recipes, a Debian mirror with their source, a private cache and dist folder."""

    root: Path

    def run(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, str(HERE / "private_builder.py")),
                *("--recipes", str(self.root / "recipes"), verb, *arguments),
            ],
            env={
                **os.environ,
                "PRIVATE_CACHE": str(self.root / "cache"),
                "BUILDER_DEBIAN_MIRROR": (self.root / "mirror").as_uri(),
            },
            text=True,
            capture_output=True,
            check=False,
        )

    def build(self, *arguments: str, profile: str = "smoke") -> dict[str, Any]:
        dist = str(self.root / "dist")
        done = self.run(
            *("build", "cu118-py310", "--profile", profile, "--dist", dist, "--no-verify"),
            *("--json", *arguments),
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        (entry,) = json.loads(done.stdout)["wheels"]
        return dict(entry)

    @property
    def wheel(self) -> Path:
        (wheel,) = (self.root / "dist").glob("*.whl")
        return wheel


def open_shop(root: Path) -> Shop:
    shutil.copytree(RECIPES, root / "recipes")
    archive = root / "mirror" / POOL
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w") as tar:
        for name, text in (("limits.h", "#define LITTLE_LIMIT 10\n"), ("COPYING", "LGPL\n")):
            member = tarfile.TarInfo(f"limits-1/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    recipe = root / "recipes/little-sums/recipe.toml"
    text = recipe.read_text().replace("https://example.invalid/limits-1.tar.gz", f"debian:{POOL}")
    recipe.write_text(text.replace("0" * 64, hashlib.sha256(archive.read_bytes()).hexdigest()))
    return Shop(root)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, dict[str, Any]]:
    """One build, everything cold."""
    shop = open_shop(tmp_path_factory.mktemp("natives"))
    return shop, shop.build()


Built = tuple[Shop, dict[str, Any]]


def test_the_shared_library_is_in_the_wheel_and_replaceable(built: Built) -> None:
    inspection = inspect_wheel(built[0].wheel)
    (grafted,) = inspection.vendored
    assert re.fullmatch(r"liblittle_sums-[0-9a-f]{8}\.so\.1\.2\.3", grafted)
    needed = {Path(elf.path).name: elf.needed for elf in inspection.elves}
    assert grafted in needed["libhello_native.so"]
    assert not any("little_words" in name for names in needed.values() for name in names)


def test_the_recipes_tests_pass_against_it(built: Built, tmp_path: Path) -> None:
    with zipfile.ZipFile(built[0].wheel) as archive:
        archive.extractall(tmp_path / "site")
    tests = built[0].root / "recipes/hello-native/tests"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--noconftest",
            str(tests),
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "site")},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_its_licences_are_in_the_wheel(built: Built) -> None:
    with zipfile.ZipFile(built[0].wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        said = archive.read(metadata).decode()
        info = metadata.removesuffix("/METADATA")
        assert archive.read(f"{info}/licenses/native/little-sums/sources/limits/COPYING")
        assert archive.read(f"{info}/licenses/native/little-words/LICENSE")
        assert b"limits-1.tar.gz, with" in archive.read(f"{info}/licenses/native/NOTICES.txt")
    assert "License-Expression: MIT AND LGPL-2.1-or-later\n" in said


def test_a_profile_without_it_has_none_of_it(built: Built, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shutil.copytree(built[0].root / "recipes", tmp_path / "recipes")
    shop.build(profile="bare")
    assert inspect_wheel(shop.wheel).vendored == ()
    assert not [name for name in zipfile.ZipFile(shop.wheel).namelist() if "little" in name]


def test_another_folder_gives_the_same_bytes_from_the_compile_cache(
    built: Built, tmp_path: Path
) -> None:
    if not probe().fixed_path:
        pytest.skip("without a fixed path the folder is in the bytes")
    shop = open_shop(tmp_path / "a longer name, with spaces")
    shutil.copytree(built[0].root / "cache/compile", shop.root / "cache/compile")
    entry = shop.build()
    assert entry["key"] == built[1]["key"]
    # What misses is CMake's own questions, asked in folders with random names.
    hits, misses = entry["compile"]["hits"]["C/C++"], entry["compile"]["misses"].get("C/C++", 0)
    assert hits >= 4 > misses, "the libraries' own files are cached too"
    assert shop.wheel.read_bytes() == built[0].wheel.read_bytes()


def test_a_library_that_does_not_compile_is_named_with_its_error(tmp_path: Path) -> None:
    shop = open_shop(tmp_path)
    source = shop.root / "recipes/little-sums/src/little_sums.c"
    source.write_text(source.read_text().replace("*mean /=", "*meen /="))
    done = shop.run(
        *("build", "cu118-py310", "--profile", "smoke", "--no-verify"),
        *("--dist", str(tmp_path / "dist")),
    )
    assert done.returncode == 7, done.stderr
    assert "hello-native for cu118 (smoke) did not compile" in done.stderr
    assert "‘meen’ undeclared" in done.stderr or "'meen' undeclared" in done.stderr
    log = Path(done.stderr.rsplit("the whole log is ", 1)[1].strip())
    assert "the native library little-sums was not built" in log.read_text()


def test_a_rendered_project_is_whole(built: Built, tmp_path: Path) -> None:
    done = built[0].run(
        "render", "cu118-py310", "--profile", "smoke", "--output", str(tmp_path / "projects")
    )
    assert done.returncode == 0, done.stderr
    project = tmp_path / "projects/hello-native-cu118-smoke"
    limits = project / "native/little-sums/sources/limits/limits.h"
    assert limits.read_text() == "#define LITTLE_LIMIT 1000\n"
    assert (project / "native/natives.cmake").is_file()
