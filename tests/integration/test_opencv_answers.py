"""The real wheel against OpenCV's CPU wheel: whole answers, and OpenCV's own Python tests.

The recipe's tests compare samples of the same answers on every build; here both wheels are at hand.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.fetch import fetch_all, unpack
from builder.paths import Cache
from builder.ui import Silent
from builder.verify.environment import index_of

from .opencv_kit import (
    NEW,
    RECIPE,
    Machine,
    built_wheels,
    make_machine,
    our_spec,
    public_index,
    required,
)

pytestmark = [pytest.mark.integration, pytest.mark.slow]

THEIRS = "opencv-contrib-python-headless==4.14.0.94"
ANSWERS = RECIPE / "tests/answers.py"
RUNNER = Path(__file__).with_name("own_tests_runner.py")
WITHOUT_DATA = ("not found", "TEST_DATA_PATH", "No such file", "NoneType", "is not available")
"""How a test ends whose pictures are in OpenCV's other repository, ``opencv_extra``."""
ABOUT = {"test_features2d": "features2d"}
"""Tests in the folder of the Python bindings that are about one module."""
Outcomes = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Machine]]:
    """One with our wheel, one with theirs; the same numpy."""
    place = tmp_path_factory.mktemp("answers")
    wheels = built_wheels(place / "dist")
    (main,) = (record for record in wheels.values() if record.companion_of is None)
    needs = [line for line in required(main) if line.startswith("nvidia-")]
    public = public_index(place / "public", Cache.default())
    with index_of(wheels) as server, public:
        address = f"{public.url}/simple/"
        told = {"ours": f"{server.url}/cu118/", "public": address}
        ours = make_machine("uv", place / "our machine", also=needs, **told)
        theirs = make_machine("uv", place / "their machine", **told)
        ours.install_ours(f"opencv-cuda=={main.version}")
        theirs.install(THEIRS)
        yield ours, theirs


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenCV's tests and sample pictures, from the sdist that the recipe is built from."""
    (source,) = (one for one in our_spec(NEW).sources if one.name == "opencv-contrib-python")
    archive = source.artifact()
    fetched = fetch_all([archive], cache=Cache.default(), reporter=Silent())
    into = tmp_path_factory.mktemp("opencv")
    wanted = ["*/python/test/*", "opencv/samples/data/*", "opencv/data/haarcascades/*"]
    unpack(fetched[archive], into, strip=1, include=wanted)
    return into


def test_every_answer_is_theirs(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    files = []
    for machine, name in zip(machines, ("ours.npz", "theirs.npz"), strict=True):
        files.append(tmp_path / name)
        done = machine.run(machine.python, ANSWERS, files[-1])
        assert done.returncode == 0, done.stdout
    done = machines[0].run(machines[0].python, ANSWERS, "--compare", *files)
    assert done.returncode == 0, done.stdout
    print(done.stdout)  # noqa: T201 -- how far each is apart, with -s


def test_opencvs_own_tests(machines: tuple[Machine, Machine], tree: Path) -> None:
    """What passes with their wheel passes with ours, but for modules that `quick` has not."""
    modules = modules_of(machines[0])
    ours, theirs = (run_own_tests(machine, tree) for machine in machines)
    lost = {
        name: ours.get(name, ("absent", ""))
        for name, (outcome, _) in theirs.items()
        if outcome == "passed" and ours.get(name, ("absent", ""))[0] != "passed"
    }
    of = {name: module for name in lost if (module := module_of(name)) != "python"}
    unexplained = {
        name: told
        for name, told in lost.items()
        if of.get(name, "core") in modules and not of_an_absent_module(told)
    }
    report(ours, theirs, lost)
    assert not unexplained
    assert sum(outcome == "passed" for outcome, _ in ours.values()) > 50


def modules_of(machine: Machine) -> set[str]:
    """What our wheel was built with."""
    code = "from opencv_cuda import _build; print(*_build.MODULES)"
    return set(machine.run(machine.python, "-c", code).stdout.split())


def module_of(name: str) -> str:
    """The module a test is about: of ``features2d/test_x: Y.z`` it is ``features2d``."""
    module, _, rest = name.partition("/")
    return ABOUT.get(rest.partition(":")[0], module)


def of_an_absent_module(told: tuple[str, str]) -> bool:
    """Whether a test failed because the profile has not the module it asks for."""
    return any(
        part in told[1]
        for part in ("has no attribute", "cannot import name", "No module named 'cv2.")
    )


def run_own_tests(machine: Machine, tree: Path) -> Outcomes:
    """Every file, in a process of its own; a crash is an outcome, too."""
    found: Outcomes = {}
    folders = ("opencv/modules", "opencv_contrib/modules")
    for file in sorted(path for folder in folders for path in (tree / folder).rglob("test_*.py")):
        done = machine.run("timeout", "180", machine.python, RUNNER, tree / "opencv", file)
        module = file.relative_to(tree).parts[2]
        lines = [line for line in done.stdout.splitlines() if line.startswith("OUTCOMES ")]
        if lines:
            outcomes = json.loads(lines[-1].removeprefix("OUTCOMES "))
            for name, (one, why) in outcomes.items():
                found[f"{module}/{file.stem}: {name}"] = (one, why)
        else:
            found[f"{module}/{file.stem}: (crash)"] = ("failed", f"status {done.returncode}")
    return found


def report(ours: Outcomes, theirs: Outcomes, lost: Outcomes) -> None:
    """What ran, what needs data that is not there, and what failed otherwise; with -s."""
    lines = [""]
    for title, found in (("ours", ours), ("theirs", theirs)):
        counts = Counter(outcome for outcome, _ in found.values())
        data = sum(
            outcome != "passed" and any(part in why for part in WITHOUT_DATA)
            for outcome, why in found.values()
        )
        lines.append(f"{title}: {dict(counts)}; {data} of these without their data")
    lines += [f"  {name}: {why}" for name, (one, why) in ours.items() if one != "passed"]
    lines.append(f"lost against theirs: {len(lost)}")
    print("\n".join(lines))  # noqa: T201 -- for the docs
