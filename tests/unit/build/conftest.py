import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.build.environment import Places
from builder.plan.spec import BuildSpec


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


PYPROJECT = """\
[build-system]
requires = ["scikit-build-core==1.1.2"]  # kept
build-backend = "scikit_build_core.build"

[project]
name = "hello"
dynamic = ["version", "readme"]

[tool.scikit-build]
wheel.packages = ["src/hello"]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "recipe"
    (folder / "src").mkdir(parents=True)
    (folder / "patches").mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "CMakeLists.txt").write_text("project(hello)\n")
    (folder / "src/run.sh").write_text("#!/bin/sh\n")
    (folder / "src/run.sh").chmod(0o700)
    (folder / "patches/0001.patch").write_text("--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-old\n+new\n")
    return folder


@pytest.fixture
def spec(recipe: Path) -> Callable[..., BuildSpec]:
    def make(**changes: Any) -> BuildSpec:
        names = ("CMakeLists.txt", "pyproject.toml", "src/run.sh")
        values: dict[str, Any] = {
            "recipe": "hello",
            "version": "1.0",
            "revision": 3,
            "cuda": "cu118",
            "cuda_version": "11.8",
            "profile": "full",
            "architectures": ("7.5",),
            "ptx": None,
            "py_api": "py3",
            "requires_python": ">=3.10",
            "dependencies": ("numpy>=1.21", "nvidia-cublas-cu11>=11.11,<12"),
            "defines": (("WHEELHOUSE_CUDA_ARCH_BIN", "7.5;8.0"), ("WITH_X", "OFF")),
            "sources": (),
            "project": tuple((name, sha256((recipe / name).read_bytes())) for name in names),
            "toolchain": "0" * 64,
        }
        return BuildSpec(**{**values, **changes})

    return make


@pytest.fixture
def places() -> Places:
    base = Path("/mnt/wheelhouse")
    names = ("host", "cuda", "env", "project", "build", "home", "tmp", "out", "compile")
    return Places(**{name: base / name for name in names})
