"""`builder build --engine cibuildwheel` for real, against the hermetic build of the same wheel.

Needs Podman and an image that is made here (`container_kit`); where it cannot, it says why.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from builder.wheel import inspect_wheel
from builder.wheel.model import ElfFacts

from . import container_kit
from .test_remote_cache import PASSWORD, redis

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
CUDA = "cu118"
KERNELS = "hello-cuda"
DARKNET = "darknet-python"
KEYED = re.compile(r"\.dist-info/(RECORD|build-spec\.json|sboms/.*)$")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    why = container_kit.missing()
    if why is not None:
        pytest.skip(f"not run, because {why}")
    return container_kit.image(tmp_path_factory.mktemp("image"))


@dataclass(frozen=True)
class Build:
    """One builder with a store, compile cache and dist of its own."""

    root: Path
    recipe: str
    image: str

    @property
    def recipes(self) -> Path:
        """A copy of the recipe: what is compared must be built from the same files."""
        folder = self.root / "recipes"
        if not folder.is_dir():
            place = "tests/recipes" if self.recipe == KERNELS else "recipes"
            shutil.copytree(ROOT / place / self.recipe, folder / self.recipe)
        return folder

    def command(self, engine: str, *more: str) -> list[str]:
        return [
            *(sys.executable, str(Path(__file__).with_name("private_builder.py"))),
            *("--recipes", str(self.recipes), "build", CUDA, "--recipe", self.recipe),
            *("--profile", "smoke", "--dist", str(self.root / engine), "--no-verify", "--json"),
            *("--jobs", "2", "--engine", engine, *more),
        ]

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            **os.environ,
            "PRIVATE_CACHE": str(self.root / "cache"),
            "CIBW_CONTAINER_ENGINE": container_kit.engine_setting(),
            "CIBW_MANYLINUX_X86_64_IMAGE": self.image,
            **changes,
        }

    def build(self, engine: str, *more: str, expect: int = 0, **env: str) -> dict[str, Any]:
        done = subprocess.run(
            self.command(engine, *more),
            env=self.environment(**env),
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == expect, (done.stdout + done.stderr)[-6000:]
        if expect:
            return {"stderr": done.stderr}
        (entry,) = json.loads(done.stdout)["wheels"]
        return dict(entry)


@pytest.fixture(scope="module")
def wheels(image: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Darknet built by each engine."""
    build = Build(tmp_path_factory.mktemp("engines"), DARKNET, image)
    return {engine: build.build(engine) for engine in ("hermetic", "cibuildwheel")}


def facts(wheel: Path) -> dict[str, Any]:
    """What two builds of one wheel must agree on."""
    found = inspect_wheel(wheel)
    told: dict[str, Any] = {
        "file name": found.filename,
        "tags": found.tags,
        "requires": (found.requires_python, found.dependencies),
        "oldest policy": found.policy,
        "newest symbols": found.newest,
        "GPU code": (found.real, found.ptx),
        "vendored": found.vendored,
        "outside libraries": [(one.soname, one.searched) for one in found.external],
        "leaks": found.leaks,
        "files": files(wheel),
    }
    for elf in found.elves:
        told |= {f"{elf.path}: {what}": value for what, value in elf_facts(wheel, elf).items()}
    return told


def elf_facts(wheel: Path, elf: ElfFacts) -> dict[str, object]:
    """Libraries, versions and symbols of one file."""
    with zipfile.ZipFile(wheel) as archive:
        read = ELFFile(io.BytesIO(archive.read(elf.path)))
    table = read.get_section_by_name(".dynsym")
    assert isinstance(table, SymbolTableSection)
    defined = {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] != "SHN_UNDEF"}
    wanted = {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] == "SHN_UNDEF"}
    return {
        "kind": elf.kind,
        "soname": elf.soname,
        "needed": elf.needed,
        "run paths": elf.run_paths,
        "version needs": elf.version_needs,
        "symbols it has": sorted(defined),
        "symbols it needs": sorted(wanted),
    }


def files(wheel: Path) -> list[str]:
    """Every file with its bytes' sha256, but for those that name the key, and so the engine."""
    with zipfile.ZipFile(wheel) as archive:
        return [
            f"{name} {'' if KEYED.search(name) else hashlib.sha256(archive.read(name)).hexdigest()}"
            for name in sorted(archive.namelist())
        ]


def differences(one: dict[str, object], other: dict[str, object]) -> str:
    """A table of what differs, hermetic on the left."""
    lines = []
    for key in sorted({*one, *other}):
        left, right = one.get(key), other.get(key)
        if left == right:
            continue
        if isinstance(left, list) and isinstance(right, list):
            left, right = (
                [item for item in left if item not in right],
                [item for item in right if item not in left],
            )
        lines.append(f"{key:50.50} | {left!s:50.200} | {right!s:50.200}")
    return "\n".join(["", f"{'':50} | {'hermetic':50} | cibuildwheel", *lines])


def test_the_same_wheel_from_both(wheels: dict[str, dict[str, Any]]) -> None:
    one, other = (Path(wheels[engine]["wheel"]) for engine in ("hermetic", "cibuildwheel"))
    left, right = facts(one), facts(other)
    assert left == right, differences(left, right)
    assert len(left["files"]) > 10
    assert wheels["hermetic"]["key"] != wheels["cibuildwheel"]["key"]


def test_its_record_says_how_it_was_built(wheels: dict[str, dict[str, Any]]) -> None:
    entry = wheels["cibuildwheel"]
    record = json.loads(Path(f"{entry['wheel']}.json").read_text())
    built = record["built"]
    assert built["engine"] == "cibuildwheel"
    assert built["cibuildwheel"].startswith("4.")
    assert built["image"].startswith("sha256:")
    assert built["fixed_path"] is True
    assert built["network"] is False
    assert built["compile_cache"] == "local"
    assert record["build_spec"]["engine"] == "cibuildwheel"
    assert record["build_key"] == entry["key"]
    assert entry["compile"]["steps"] > 10
    assert entry["compile"]["misses"]["CUDA"] >= 1
    assert entry["compile"]["cpu_seconds"] > 1
    hermetic = json.loads(Path(f"{wheels['hermetic']['wheel']}.json").read_text())
    assert "engine" not in hermetic["build_spec"]


def test_the_compile_cache_serves_it_and_a_compiler_error_is_one(
    image: str, tmp_path: Path
) -> None:
    build = Build(tmp_path, KERNELS, image)
    first = build.build("cibuildwheel")
    shutil.rmtree(tmp_path / "cache/store")
    again = build.build("cibuildwheel")
    assert again["built_now"]
    assert again["compile"]["hits"]["CUDA"] >= 1
    assert again["sha256"] == first["sha256"]
    kernel = build.recipes / KERNELS / "src/hello.cu"
    kernel.write_text(kernel.read_text().replace("*value *= 2;", "*value *= two;"))
    failed = build.build("cibuildwheel", expect=7)
    assert 'identifier "two" is undefined' in failed["stderr"]
    assert left_over() == []


def left_over() -> list[str]:
    """Containers of ours that are still there."""
    words = ["podman", "ps", "--all", "--quiet", "--filter=label=gpu-wheelhouse"]
    return subprocess.run(words, text=True, capture_output=True, check=True).stdout.split()


def test_killed_in_the_middle_and_run_again(image: str, tmp_path: Path) -> None:
    build = Build(tmp_path, KERNELS, image)
    running = subprocess.Popen(
        build.command("cibuildwheel"), env=build.environment(), start_new_session=True
    )
    end = time.monotonic() + 300
    while not left_over():
        assert time.monotonic() < end
        assert running.poll() is None
        time.sleep(0.2)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert not list((tmp_path / "cibuildwheel").glob("*.whl"))
    entry = build.build("cibuildwheel")
    assert entry["built_now"]
    assert left_over() == [], "what the killed one left is gone, too"


def test_an_image_that_cannot_be_had_is_said(image: str, tmp_path: Path) -> None:
    build = Build(tmp_path, KERNELS, image)
    done = build.build(
        "cibuildwheel", expect=10, CIBW_MANYLINUX_X86_64_IMAGE="localhost/there-is-no-such-image"
    )
    assert "cibuildwheel could not start the build" in done["stderr"]
    assert "there-is-no-such-image" in done["stderr"]


def test_a_remote_compile_cache_is_reached_from_the_container(image: str, tmp_path: Path) -> None:
    build = Build(tmp_path, KERNELS, image)
    with redis(tmp_path / "redis") as port:
        remote = {
            "SCCACHE_REDIS_ENDPOINT": f"redis://127.0.0.1:{port}",
            "SCCACHE_REDIS_PASSWORD": PASSWORD,
        }
        build.build("cibuildwheel", **remote)
        shutil.rmtree(tmp_path / "cache/store")
        again = build.build("cibuildwheel", **remote)
    assert again["compile"]["hits"]["CUDA"] >= 1
    record = json.loads(Path(f"{again['wheel']}.json").read_text())
    assert record["built"]["compile_cache"] == "redis"
    assert record["built"]["network"] is True
    for path in (tmp_path / "cache").rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
