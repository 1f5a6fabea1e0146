"""Our line in copies of Colab and Kaggle, and what the doctor says of real harm done to them.

Gigabytes of NVIDIA's packages come from the index pip is configured for, so all are slow but the
last few.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import pytest

from builder.plan.resolve import resolve
from builder.recipe import load_recipe
from builder.verify.environment import index_of
from tests.integration.opencv_kit import NAMES, RECIPE, Machine, built_wheels

from .copies import Cost, Image, downloaded_bytes, load_images, make_copy, table, type_our_line

IMAGES = load_images()
MISSING, UNFIT, NVIDIA_CHANGED = 10, 12, 17
WELL_WITHOUT_A_GPU = {0, 20, 22}


@pytest.fixture(scope="module", params=list(IMAGES))
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Image, Machine, Cost]]:
    """A copy of a service after our line, and what the line took."""
    image, place = IMAGES[request.param], tmp_path_factory.mktemp(request.param)
    wheels = built_wheels(place / "dist", image.cuda)
    (main,) = (record for record in wheels.values() if record.companion_of is None)
    with index_of(wheels) as server:
        machine = make_copy(image, place / "machine", ours=f"{server.url}/{image.cuda}/")
        before = machine.look()
        assert before["cv2"] == "cv2/__init__.py"
        theirs = {name for name in before["versions"] if name.startswith("nvidia")}
        assert theirs == {one.partition("==")[0] for one in image.nvidia}
        yield image, machine, type_our_line(machine, f"opencv-cuda=={main.version}")


@pytest.mark.slow
def test_the_line_leaves_everything_whole(installed: tuple[Image, Machine, Cost]) -> None:
    image, machine, cost = installed
    print(f"\n{table([(image.title, cost)])}")  # noqa: T201 -- for docs/installing.md, with -s
    seen = machine.look()
    assert seen["cv2"] == "opencv_cuda/_cv2/__init__.py"
    assert libraries_in(seen["damaged"]) == []
    # Headers of CUDA 11 and 12 have the same names: whoever compiles with them is told in the docs.
    assert bool(seen["damaged"]) == (image.cuda == "cu118")
    assert seen["strays"] == []
    versions = {f"{name}=={seen['versions'][name]}" for name in seen["versions"]}
    assert versions >= set(image.nvidia)  # none was replaced
    assert {seen["versions"][name] for name in NAMES} == {f"4.14.0.93.99+{image.cuda}"}
    assert machine.complaints() == set()
    code, said = machine.doctor()
    assert code in WELL_WITHOUT_A_GPU, said


def libraries_in(damaged: dict[str, list[str]]) -> list[str]:
    """Of the files that are not as in RECORD, those that a program loads."""
    files = [file for found in damaged.values() for file in found]
    return [file for file in files if not file.endswith((".h", ".hpp", "/__init__.py"))]


@pytest.mark.slow
def test_numpy_and_pytorchs_pins_stay(installed: tuple[Image, Machine, Cost]) -> None:
    image, machine, cost = installed
    shown = machine.installer("list", "--format=json").stdout
    versions = {one["name"]: one["version"] for one in json.loads(shown.splitlines()[0])}
    assert versions["numpy"] == image.numpy
    assert not [name for name in cost.downloaded if name.startswith("numpy")]


@pytest.mark.slow
def test_harm_and_the_command_that_mends_it(installed: tuple[Image, Machine, Cost]) -> None:
    image, machine, _ = installed
    suffix = "cu" + image.cuda[2:4]
    machine.uninstall(f"nvidia-cufft-{suffix}")
    done = machine.run(machine.python, "-c", "import cv2")
    assert re.search(rf"libcufft\S+, which OpenCV needs, .*nvidia-cufft-{suffix}", done.stdout)
    mend(machine, MISSING)
    # The oldest runtime of the same soname; OpenCV starts with it, and was not made for it.
    older = {"cu11": "11.7.99", "cu12": "12.1.105"}[suffix]
    machine.install("--no-deps", f"nvidia-cuda-runtime-{suffix}=={older}")
    mend(machine, UNFIT)


def mend(machine: Machine, code: int) -> None:
    """Fail unless the doctor finds this fault; type what it says, and ask again."""
    found, said = machine.doctor()
    assert found == code, said
    remedy = re.search(r'^  (pip install "\S+")$', said, re.MULTILINE)
    assert remedy is not None, said
    words = shlex.split(remedy[1])
    machine.install(*words[2:])
    found, said = machine.doctor()
    assert found in WELL_WITHOUT_A_GPU, said


@pytest.mark.slow
def test_what_cu130_requires_beside_a_pytorch_of_cuda_12(
    installed: tuple[Image, Machine, Cost],
) -> None:
    """Refused in the docs, because of this: cuDNN for CUDA 13 has the files of the one for 12."""
    image, machine, _ = installed
    if image.cuda != "cu124":
        pytest.skip("not run (once is enough, in the copy of Colab)")
    spec = resolve(
        load_recipe(RECIPE), folder=RECIPE, cuda="cu130", profile="quick", toolchain_digest="0" * 64
    )
    (cudnn,) = (one for one in spec.dependencies if one.startswith("nvidia-cudnn"))
    machine.install("--no-deps", cudnn)
    assert "nvidia-cudnn-cu12" in machine.look()["damaged"]
    code, said = machine.doctor()
    assert code == NVIDIA_CHANGED, said
    assert "nvidia-cudnn-cu12 9.19.0.56" in said
    # What the doctor says: off with what overwrote them, then the same version once more.
    machine.uninstall("nvidia-cudnn-cu13")
    machine.install("--force-reinstall", "--no-deps", "nvidia-cudnn-cu12==9.19.0.56")
    code, said = machine.doctor()
    assert code in WELL_WITHOUT_A_GPU, said
    assert machine.look()["damaged"] == {}


# -- without any of that --------------------------------------------------------------------


def test_the_lists_are_whole() -> None:
    for image in IMAGES.values():
        assert len(image.opencv) == 3
        assert all("==" in one for one in (*image.opencv, *image.nvidia))
        assert not [one for one in image.nvidia if "npp" in one]  # else it would cost nothing
        assert image.source


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_our_requirements_accept_what_is_there(image: Image) -> None:
    """PyTorch's pins lie in our ranges; nothing but what is not there at all is fetched."""
    from packaging.requirements import Requirement

    spec = resolve(
        load_recipe(RECIPE),
        folder=RECIPE,
        cuda=image.cuda,
        profile="quick",
        toolchain_digest="0" * 64,
    )
    there = dict(one.split("==") for one in (*image.nvidia, f"numpy=={image.numpy}"))
    for text in spec.dependencies:
        requirement = Requirement(text)
        if requirement.name in there:
            assert there[requirement.name] in requirement.specifier, text


def test_bytes_of_what_pip_says() -> None:
    said = """
Looking in indexes: https://example.org/simple
Downloading https://example.org/files/opencv_cuda-4.14.0.94%2Bcu124-1-cp39-abi3-any.whl (17.5 MB)
Downloading nvidia_npp_cu12-12.3.3.100-py3-none-manylinux2014_x86_64.whl (282.0 MB)
  Downloading opencv_python-4.14.0.93.99%2Bcu124-1-py3-none-any.whl.metadata (1 kB)
Downloading opencv_python-4.14.0.93.99%2Bcu124-1-py3-none-any.whl (2.1 kB)
"""
    found = downloaded_bytes(said)
    assert sorted(found.values()) == [2100, 17_500_000, 282_000_000]
    cost = Cost(install=12.3, first=1.04, downloaded=found)
    assert table([("here", cost)]).splitlines()[-1] == (
        "| here | 12 s | 1.0 s | 300 MB | 17.5 MB | nvidia_npp_cu12 282 MB |"
    )
