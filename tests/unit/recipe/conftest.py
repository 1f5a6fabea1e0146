"""A small recipe with everything in it, written to a folder that each test may spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

RECIPE = """\
schema = 1
name = "little-cuda"
version = "1.2.3"
revision = 2
summary = "A small one"
licenses = ["MIT", "LicenseRef-Public-Domain"]

[wheel]
py-api = "cp39"
requires-python = ">=3.10"
imports = ["little"]
max-size = "40 MB"
libs = ["libgomp*"]
excluded = ["libcudart.so.*"]

[wheel.run-paths]
"cu1[12]*" = ["nvidia/cuda_runtime/lib"]
"cu13*" = ["nvidia/cu13/lib"]

[[source]]
name = "upstream"
source = "pypi:little==1.2.3"
filename = "little-1.2.3.tar.gz"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
size = 1000
mirrors = ["https://example.org/little-1.2.3.tar.gz"]
into = "sources/little"
strip = 1
include = ["src/*"]
patches = ["patches/0001-one.patch", "patches/0002-two.patch"]

[dependencies]
always = ["numpy>=1.21"]
cu118 = ["nvidia-cuda-runtime-cu11>=11.8,<12"]
"cu1[23]*" = ["nvidia-cuda-runtime-cu12>=12.4"]

[profile.full]
[profile.full.defines]
WITH_X = true
LEVEL = 3
[profile.full.cuda."cu13*"]
WITH_X = "OFF"
CXX_STANDARD = 17

[profile.quick]
architectures = ["7.5", "8.0+PTX"]

[tests]
requires = ["pytest==9.2.0"]
timeout = 60
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The recipe's folder, without a fault."""
    folder = tmp_path / "little-cuda"
    for name, text in {
        "recipe.toml": RECIPE,
        "pyproject.toml": "[project]\n",
        "CMakeLists.txt": "project(little)\n",
        "src/little.cu": "// nothing\n",
        "src/__pycache__/x.pyc": "x",
        ".hidden": "x",
        "README.md": "# Little\n",
        "patches/0001-one.patch": "one\n",
        "patches/0002-two.patch": "two\n",
        "tests/test_little.py": "def test(): ...\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def spoil(folder: Path) -> Callable[..., Path]:
    """Replace text of the recipe, pairwise; every text replaced must be there."""

    def change(*replacements: tuple[str, str]) -> Path:
        text = (folder / "recipe.toml").read_text()
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new, 1)
        (folder / "recipe.toml").write_text(text)
        return folder

    return change
