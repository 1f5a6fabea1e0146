"""opencv-cuda: whatever is in the `full` wheel is named with its licence, and nothing else is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from builder.build.project import edit_pyproject
from builder.plan.natives import read_natives
from builder.plan.resolve import resolve
from builder.plan.spec import BuildSpec
from builder.recipe import load_recipe

RECIPE = Path(__file__).parents[3] / "recipes/opencv-cuda"
PYPROJECT = (RECIPE / "pyproject.toml").read_text("utf-8")
SETTINGS = (RECIPE / "src/cmake/Settings.cmake").read_text("utf-8")
UPSTREAM = "sources/opencv-contrib-python/opencv/"
NVIDIA = "LicenseRef-NVIDIA-CUDA-EULA"
BUNDLED = {
    "FLATBUFFERS": ("flatbuffers", "Apache-2.0"),
    "ITT": ("ittnotify", "BSD-3-Clause"),  # or GPL-2.0-only, as one chooses
    "JPEG": ("libjpeg-turbo", "IJG"),
    "OPENCL": ("include/opencl", "MIT"),
    "OPENEXR": ("openexr", "BSD-3-Clause"),
    "OPENJPEG": ("openjpeg", "BSD-2-Clause"),
    "PNG": ("libpng", "libpng-2.0"),
    "PROTOBUF": ("protobuf", "BSD-3-Clause"),
    "TIFF": ("libtiff", "libtiff"),
    "WEBP": ("libwebp", "BSD-3-Clause"),
    "ZLIB": ("zlib", "Zlib"),
}
"""Libraries in OpenCV's own tree, by their switch: folder of 3rdparty/ and licence."""
OURS = {"opencv_python", "PTHREADS_PF", "V4L", "OBSENSOR", "CUDA", "CUBLAS", "CUFFT", "CUDNN"}
"""Switches of what is OpenCV's own code, or the machine's, or NVIDIA's packages'."""


def spec_of(cuda: str, profile: str = "full") -> BuildSpec:
    return resolve(
        load_recipe(RECIPE), folder=RECIPE, cuda=cuda, profile=profile, toolchain_digest="0" * 64
    )


def project_of(cuda: str, profile: str = "full") -> dict[str, Any]:
    """``[project]`` of what is rendered."""
    edited = edit_pyproject(PYPROJECT, spec_of(cuda, profile))
    project: dict[str, Any] = tomllib.loads(edited)["project"]
    return project


def terms(project: dict[str, Any]) -> list[str]:
    return str(project["license"]).split(" AND ")


def test_the_recipe_and_its_project_say_the_same() -> None:
    own = tomllib.loads(PYPROJECT)["project"]
    assert sorted(terms(own)) == sorted(load_recipe(RECIPE).licenses)
    assert len(set(terms(own))) == len(terms(own))


def test_every_native_library_names_its_licence_or_only_runs() -> None:
    natives = {one.native.name: one.native for one in read_natives(load_recipe(RECIPE), RECIPE)}
    assert {"ade", "aom", "dav1d", "ffmpeg", "libavif", "nasm"} <= set(natives)
    for name, native in natives.items():
        held = [one for one in native.source if not one.into.startswith("tools/")]
        assert bool(held) == bool(native.licenses) == bool(native.license_files), name
        folders = {file.split("/")[1] for file in native.license_files}
        assert {one.into.split("/")[1] for one in held} == folders, name


@pytest.mark.parametrize("cuda", ["cu118", "cu124", "cu130"])
def test_what_full_adds_is_in_its_metadata(cuda: str) -> None:
    project, spec = project_of(cuda), spec_of(cuda)
    assert {"LGPL-2.1-or-later", "Apache-2.0", "BSD-2-Clause"} <= set(terms(project))
    assert len(set(terms(project))) == len(terms(project))
    files = project["license-files"]
    for native in spec.natives:
        for name in native.license_files:
            assert f"native/{native.name}/{name}" in files
    static = "npp" in spec.archives
    assert static is (cuda == "cu124")
    assert (NVIDIA in terms(project)) is static
    assert ("sources/npp/nvidia-cuda-dev/copyright" in files) is static
    # Where it is not inside, its package brings its own terms.
    npp = [line for line in spec.dependencies if line.startswith("nvidia-npp")]
    assert bool(npp) is not static


@pytest.mark.parametrize("profile", ["quick", "smoke"])
def test_other_profiles_have_no_more_than_opencv(profile: str) -> None:
    project = project_of("cu124", profile)
    assert sorted(terms(project)) == sorted(load_recipe(RECIPE).licenses)
    assert not [one for one in project["license-files"] if "native" in one or "npp" in one]


def switched_on() -> set[str]:
    """What Settings.cmake switches on of BUILD_… and WITH_…, without those prefixes."""
    plain = re.sub(r"#.*", "", SETTINGS)
    names = re.findall(
        r"\b(?:BUILD|WITH)_(\w+)", " ".join(re.findall(r"switch\(ON([^)]*)\)", plain))
    )
    return {name for name in names if not name.startswith("INFO_")}


def test_every_bundled_library_has_its_licence() -> None:
    own = tomllib.loads(PYPROJECT)["project"]
    found = switched_on() - OURS
    assert found == set(BUNDLED), "a library was switched on or off: what is its licence?"
    for folder, licence in BUNDLED.values():
        place = f"{UPSTREAM}3rdparty/{folder}/"
        assert [one for one in own["license-files"] if one.startswith(place)], folder
        assert licence in terms(own), folder


def test_no_licence_of_what_is_not_in_it() -> None:
    files = tomllib.loads(PYPROJECT)["project"]["license-files"]
    inside = {one.removeprefix(f"{UPSTREAM}3rdparty/") for one in files}
    bundled = {folder for folder, _ in BUNDLED.values()} | {"dlpack"}  # a header of core's
    third = {one.rpartition("/")[0] for one in inside if not one.startswith(("sources", "LICENSE"))}
    assert {one for one in third if not one.startswith(tuple(bundled))} == set()


def test_cuda_s_headers_whose_code_is_compiled_into_it() -> None:
    text = (RECIPE / "LICENSE-CCCL.txt").read_text("utf-8")
    for part in (
        "Thrust is under the Apache",
        "LLVM Exceptions to the Apache",
        "CUB's source code",
    ):
        assert part in text
    own = tomllib.loads(PYPROJECT)["project"]
    assert "LICENSE-CCCL.txt" in own["license-files"]
    assert {"Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-3-Clause"} <= set(terms(own))


def test_the_licence_of_our_own_code_is_the_projects() -> None:
    assert (RECIPE / "LICENSE").read_bytes() == (RECIPE.parents[1] / "LICENSE").read_bytes()
    assert "LICENSE" in tomllib.loads(PYPROJECT)["project"]["license-files"]
