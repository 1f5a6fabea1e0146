"""One ``cv2``, whatever was there and in whatever order things come and go.

CPU builds are the real ones; our wheel has the recipe's own Python files and the builder's own
companions around a stand-in payload (see `opencv_kit`). The real wheel goes the same ways in the
tests marked slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.paths import Cache
from builder.verify.environment import index_of

from .client_kit import CLIENTS, COLAB_PIP
from .opencv_kit import (
    COLAB,
    CUDA,
    EVERYTHING,
    NAMES,
    NEW,
    OLD,
    Machine,
    built_wheels,
    make_machine,
    our_index,
    public_index,
    required,
)

pytestmark = pytest.mark.integration

OURS = f"opencv-cuda=={NEW}+{CUDA}"
OLDER = f"opencv-cuda=={OLD}+{CUDA}"
PACKAGES = ("ultralytics", "albumentations")
HIDDEN, RESTART = 13, 16
KERNEL = """
import subprocess, sys
import cv2
print("imported", cv2.__file__)
subprocess.run(sys.argv[1:], check=True)
asked = subprocess.run([sys.executable, "-m", "opencv_cuda"])
import opencv_cuda
print("codes", asked.returncode, opencv_cuda.doctor())
"""
"""A notebook's kernel: it imports cv2, then somebody types ``!pip install`` and asks the doctor."""
Over = Callable[..., Machine]


@pytest.fixture(scope="session")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of our index's root and of the public index."""
    place = tmp_path_factory.mktemp("indexes")
    ours, public = our_index(place / "ours"), public_index(place / "public", Cache.default())
    with ours, public:
        yield f"{ours.url}/{CUDA}/", f"{public.url}/simple/"


@pytest.fixture(params=CLIENTS)
def machine(request: pytest.FixtureRequest, indexes: tuple[str, str], tmp_path: Path) -> Machine:
    ours, public = indexes
    return make_machine(request.param, tmp_path / "machine", ours=ours, public=public)


@pytest.fixture(scope="session")
def before(
    indexes: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Machine]:
    """Environments as Colab's pip leaves them, to be copied: what was put there, by the lines."""
    ours, public = indexes
    made: dict[tuple[str, ...], Machine] = {}

    def make(*lines: str) -> Machine:
        if lines not in made:
            place = tmp_path_factory.mktemp("before") / "machine"
            made[lines] = make_machine(f"pip {COLAB_PIP}", place, ours=ours, public=public)
            for line in lines:
                made[lines].install(*line.split())
            assert made[lines].look()["cv2"] == "cv2/__init__.py"
        return made[lines]

    return make


@pytest.fixture(params=CLIENTS)
def over(
    request: pytest.FixtureRequest,
    indexes: tuple[str, str],
    before: Callable[..., Machine],
    tmp_path: Path,
) -> Callable[..., Machine]:
    """A copy of such an environment, with each installer."""
    ours, public = indexes

    def copy(*lines: str) -> Machine:
        place, like = tmp_path / "machine", before(*lines)
        return make_machine(request.param, place, ours=ours, public=public, like=like)

    return copy


def assert_ours(machine: Machine, version: str = NEW) -> None:
    """``cv2`` is ours and whole, and nobody has anything to complain of."""
    seen = machine.look()
    assert seen["cv2"] == "opencv_cuda/_cv2/__init__.py"
    assert f"{version.rpartition('.')[0]}" == seen["version"]
    assert seen["damaged"] == {}
    assert seen["strays"] == []
    assert {seen["versions"][name] for name in NAMES} == {a_hair_below(version)}
    assert seen["versions"]["opencv-cuda"] == f"{version}+{CUDA}"
    assert machine.complaints() == set()
    code, said = machine.doctor()
    assert code != HIDDEN, said


def assert_cpu(machine: Machine, name: str, version: str) -> None:
    """``cv2`` is the CPU build that was asked for by name, and it is whole."""
    seen = machine.look()
    assert seen["cv2"] == "cv2/__init__.py"
    assert seen["version"] == version.rpartition(".")[0]
    assert seen["versions"][name] == version
    assert name not in seen["damaged"]
    assert seen["strays"] == []


def a_hair_below(version: str) -> str:
    first, _, last = version.rpartition(".")
    return f"{first}.{int(last) - 1}.99+{CUDA}"


# -- CPU builds first -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [(OURS,), (OURS, *PACKAGES), (*PACKAGES, OURS)],
    ids=["alone", "with packages", "behind packages"],
)
def test_over_colabs_three_cpu_builds(over: Over, line: tuple[str, ...]) -> None:
    machine = over(*COLAB)
    machine.install_ours(*line)
    assert_ours(machine)


def test_over_cpu_builds_of_other_versions(over: Over) -> None:
    machine = over("opencv-python-headless==4.10.0.84", "opencv-contrib-python-headless==4.14.0.94")
    machine.install_ours(OURS)
    assert_ours(machine)


def test_over_packages_that_brought_cpu_builds(over: Over) -> None:
    machine = over(" ".join(PACKAGES))
    machine.install_ours(OURS)
    assert_ours(machine)


def test_over_a_cpu_build_that_is_imported(over: Over) -> None:
    machine = over(*COLAB)
    done = machine.run(machine.python, "-c", KERNEL, *machine.line_for_ours(OURS))
    assert done.returncode == 0, done.stdout
    assert "/cv2/__init__.py" in done.stdout
    assert f"codes {RESTART} {RESTART}" in done.stdout, done.stdout
    assert "Restart the runtime: the program that started this one" in done.stdout
    assert "Restart the runtime: this process has imported" in done.stdout
    assert_ours(machine)  # a new process, as after the restart


# -- ours first -----------------------------------------------------------------------------


def test_packages_afterwards_are_satisfied(machine: Machine) -> None:
    machine.install_ours("opencv-cuda")
    machine.install("ultralytics")
    assert_ours(machine)
    machine.install_ours("albumentations")
    machine.install("opencv-python")  # by name, but no version: it is there
    assert_ours(machine)


def test_everything_in_one_line_on_a_bare_machine(machine: Machine) -> None:
    machine.install_ours(*PACKAGES, "opencv-contrib-python", OURS)
    assert_ours(machine)


def test_upgrade(machine: Machine) -> None:
    machine.install_ours(OLDER, *PACKAGES)
    assert_ours(machine, OLD)
    machine.install_ours("-U", "opencv-cuda")
    assert_ours(machine)


def test_upgrade_while_a_cpu_build_is_on_top(machine: Machine) -> None:
    machine.install_ours(OLDER)
    machine.install("opencv-python==5.0.0.93")
    assert_cpu(machine, "opencv-python", "5.0.0.93")
    machine.install_ours("-U", "opencv-cuda")
    assert_ours(machine)


# -- a CPU build on top, and back -----------------------------------------------------------


def test_a_cpu_build_on_top_and_off_again(machine: Machine) -> None:
    machine.install_ours(OURS)
    machine.install("-U", "opencv-python")  # asked for by name, and there is a newer one
    assert_cpu(machine, "opencv-python", "5.0.0.93")
    code, said = machine.doctor()
    assert code == HIDDEN, said
    assert "\n  pip uninstall -y opencv-python\n" in said
    # Honest: ours is there and requires what is there no more.
    assert machine.complaints() == {"opencv-cuda -> opencv-python"}
    machine.uninstall("opencv-python")
    assert machine.look()["cv2"] == "opencv_cuda/_cv2/__init__.py"
    _, said = machine.doctor()
    assert re.search("!! +names: +opencv-python: the empty package of this wheel is missing", said)
    machine.install_ours(OURS)
    assert_ours(machine)


def test_a_package_that_wants_a_newer_opencv(machine: Machine) -> None:
    words = ("--index" if machine.is_uv else "--extra-index-url", machine.ours)
    done = machine.installer("install", *words, OURS, "albucore")
    assert done.returncode != 0, done.stdout  # both cannot be had, and nothing is changed
    assert machine.look()["versions"] == {}
    machine.install_ours(OURS)
    machine.install("albucore")
    assert_cpu(machine, "opencv-python-headless", "5.0.0.93")
    code, said = machine.doctor()
    assert code == HIDDEN, said
    assert "pip uninstall -y opencv-python-headless" in said
    # The line we print brings ours back in one go; the other package complains, and is right.
    machine.install_ours(OURS)
    assert machine.look()["cv2"] == "opencv_cuda/_cv2/__init__.py"
    assert machine.complaints() == {"albucore -> opencv-python-headless"}


def test_uninstalled_and_back_to_the_cpu_build(machine: Machine) -> None:
    machine.install_ours(OURS, "ultralytics")
    machine.uninstall("opencv-cuda")
    seen = machine.look()
    assert seen["error"] == "No module named 'cv2'"
    assert machine.complaints() == {f"{name} -> opencv-cuda" for name in NAMES}
    machine.uninstall(*EVERYTHING[1:])
    machine.install("opencv-python")
    assert_cpu(machine, "opencv-python", "5.0.0.93")
    assert machine.complaints() == set()


# -- the same with the real wheel -----------------------------------------------------------


@pytest.fixture(scope="session")
def real(
    indexes: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Machine]]:
    """The address of our index with the real `quick` wheel, and a Colab with NVIDIA's packages."""
    _, public = indexes
    place = tmp_path_factory.mktemp("real")
    wheels = built_wheels(place / "dist")
    (main,) = (record for record in wheels.values() if record.companion_of is None)
    with index_of(wheels) as server:
        ours = f"{server.url}/{CUDA}/"
        needs = [line for line in required(main) if line.startswith("nvidia-")]
        colab = make_machine(
            f"pip {COLAB_PIP}", place / "machine", ours=ours, public=public, also=needs
        )
        colab.install(*COLAB)
        yield ours, colab


@pytest.fixture(params=CLIENTS)
def real_colab(
    request: pytest.FixtureRequest,
    real: tuple[str, Machine],
    indexes: tuple[str, str],
    tmp_path: Path,
) -> Machine:
    ours, like = real
    place = tmp_path / "machine"
    return make_machine(request.param, place, ours=ours, public=indexes[1], like=like)


@pytest.mark.slow
@pytest.mark.parametrize("line", [(OURS,), (*PACKAGES, OURS)], ids=["alone", "behind packages"])
def test_the_real_wheel_over_colabs_three(real_colab: Machine, line: tuple[str, ...]) -> None:
    real_colab.install_ours(*line)
    assert_ours(real_colab)


@pytest.mark.slow
def test_a_cpu_build_over_the_real_wheel_and_off_again(real_colab: Machine) -> None:
    real_colab.uninstall(*(line.partition("==")[0] for line in COLAB))
    real_colab.install_ours(OURS)
    real_colab.install(*PACKAGES)
    assert_ours(real_colab)
    real_colab.install("opencv-python==5.0.0.93")
    assert_cpu(real_colab, "opencv-python", "5.0.0.93")
    assert real_colab.doctor()[0] == HIDDEN
    real_colab.install_ours(OURS)
    assert_ours(real_colab)
