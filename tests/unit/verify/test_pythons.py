"""Finding Pythons, in trees of real scripts that answer like interpreters, or do not."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import UsageError
from builder.verify.pythons import (
    Interpreter,
    Places,
    candidates,
    find_python,
    interpreter_at,
    probe,
)

ENV = {"PATH": "/usr/bin:/bin"}
Fake = Callable[..., Path]


@pytest.fixture
def fake() -> Fake:
    """Writes a script that answers the probe as a Python of some kind would."""

    def make(path: Path, version: str = "3.10.7", **changes: object) -> Path:
        minor = ".".join(version.split(".")[:2])
        facts = {
            "path": str(path),
            "version": version,
            "implementation": "cpython",
            "bits": 64,
            "free_threaded": False,
            "markers": {"python_version": minor, "platform_python_implementation": "PyPy"},
            **changes,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho chatter\ncat <<'END'\nPYTHON{json.dumps(facts)}\nEND\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(
        path=(tmp_path / "bin",),
        home=tmp_path / "home",
        root=tmp_path / "root",
        conda=tmp_path / "conda",
        tools=tmp_path / "tools",
    )


def test_this_very_python_is_found_and_fit() -> None:
    found = probe(Path(sys.executable), env=os.environ)
    assert isinstance(found, Interpreter)
    assert found.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found.version.startswith(found.python + ".")
    assert found.markers["sys_platform"] == sys.platform
    # Not the test environment's own link: what is made from it must be clean.
    assert not found.path.is_relative_to(sys.prefix) or sys.prefix == sys.base_prefix


@pytest.mark.parametrize(
    "place",
    [
        "bin/python3.10",
        "root/usr/bin/python3.10",
        "root/usr/local/bin/python3.10",
        "root/opt/python/cp310-cp310/bin/python",
        "home/.pyenv/versions/3.10.13/bin/python3.10",
        "home/.local/share/uv/python/cpython-3.10.19-linux-x86_64-gnu/bin/python3.10",
        "home/miniconda3/envs/old/bin/python3.10",
        "root/opt/conda/bin/python3.10",
        "conda/bin/python3.10",
        "tools/Python/3.10.18/x64/bin/python3.10",
    ],
)
def test_every_place_is_looked_at(tmp_path: Path, places: Places, fake: Fake, place: str) -> None:
    path = fake(tmp_path / place)
    found = find_python("3.10", env=ENV, places=places)
    assert found.interpreter is not None
    assert found.interpreter.path == path
    assert str(found.interpreter) == f"3.10.7 at '{path}'"
    assert find_python("3.11", env=ENV, places=places).interpreter is None


def test_the_newest_patch_version_comes_first(tmp_path: Path, places: Places, fake: Fake) -> None:
    versions = tmp_path / "home/.pyenv/versions"
    for patch in (2, 13, 9):
        fake(versions / f"3.10.{patch}/bin/python3.10", f"3.10.{patch}")
    fake(versions / "3.1.4/bin/python3.1", "3.1.4")
    found = find_python("3.10", env=ENV, places=places)
    assert found.interpreter is not None
    assert found.interpreter.version == "3.10.13"
    listed = [path for path in candidates("3.1", places) if path.is_file()]
    assert listed == [versions / "3.1.4/bin/python3.1"]


def test_a_named_interpreter_comes_first(tmp_path: Path, places: Places, fake: Fake) -> None:
    fake(tmp_path / "bin/python3.10", "3.10.1")
    named = fake(tmp_path / "mine/python", "3.10.2")
    found = find_python("3.10", env=ENV, places=places, overrides=[named])
    assert found.interpreter is not None
    assert found.interpreter.path == named


def test_a_named_interpreter_of_another_version_does_no_harm(
    tmp_path: Path, places: Places, fake: Fake
) -> None:
    named = fake(tmp_path / "mine/python", "3.12.2")
    right = fake(tmp_path / "bin/python3.10")
    found = find_python("3.10", env=ENV, places=places, overrides=[named])
    assert found.interpreter is not None
    assert found.interpreter.path == right


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"implementation": "pypy"}, "is PyPy, not CPython"),
        ({"free_threaded": True}, "free-threaded"),
        ({"bits": 32}, "32 bits"),
    ],
)
def test_an_unfit_python_is_passed_over_and_named(
    tmp_path: Path, places: Places, fake: Fake, changes: dict[str, object], reason: str
) -> None:
    unfit = fake(tmp_path / "bin/python3.10", **changes)
    found = find_python("3.10", env=ENV, places=places)
    assert found.interpreter is None
    assert found.reason is not None
    assert found.reason.startswith("no Python 3.10 on this machine")
    assert reason in found.reason
    assert str(unfit) in found.reason
    fit = fake(tmp_path / "root/usr/bin/python3.10")
    found = find_python("3.10", env=ENV, places=places)
    assert found.interpreter is not None
    assert found.interpreter.path == fit


def test_a_shim_that_leads_nowhere_is_passed_over(
    tmp_path: Path, places: Places, fake: Fake
) -> None:
    shim = tmp_path / "bin/python3.10"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.10: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert "command not found" in str(find_python("3.10", env=ENV, places=places).reason)
    real = fake(tmp_path / "home/.pyenv/versions/3.10.13/bin/python3.10")
    found = find_python("3.10", env=ENV, places=places)
    assert found.interpreter is not None
    assert found.interpreter.path == real


def test_a_file_that_does_not_start_is_passed_over(tmp_path: Path, places: Places) -> None:
    broken = tmp_path / "bin/python3.10"
    broken.parent.mkdir()
    for mode, content in ((0o644, "x"), (0o755, "\x7fELF nothing"), (0o755, "#!/nonexistent\n")):
        broken.write_text(content)
        broken.chmod(mode)
        found = find_python("3.10", env=ENV, places=places)
        assert found.interpreter is None
        assert str(broken) in str(found.reason)


def test_folders_nobody_may_look_into_are_passed_over(
    tmp_path: Path, places: Places, fake: Fake
) -> None:
    real = fake(tmp_path / "home/.pyenv/versions/3.10.13/bin/python3.10")
    # Root may look into every folder; a name that is too long ends in an error for everybody.
    closed = tmp_path / ("x" * 300)
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop/python3.10").symlink_to("python3.10")
    places = dataclasses.replace(
        places, path=(closed, tmp_path / "loop", *places.path), conda=closed
    )
    found = find_python("3.10", env=ENV, places=places)
    assert found.interpreter is not None, found.reason
    assert found.interpreter.path == real
    nowhere = dataclasses.replace(places, home=closed)
    assert find_python("3.10", env=ENV, places=nowhere).interpreter is None


def test_one_python_under_two_names_is_run_once(tmp_path: Path, places: Places, fake: Fake) -> None:
    real = fake(tmp_path / "root/usr/bin/python3.10", bits=32)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3.10").symlink_to(real)
    assert str(find_python("3.10", env=ENV, places=places).reason).count("32 bits") == 1


def test_nothing_there_says_so(places: Places) -> None:
    found = find_python("3.10", env=ENV, places=places)
    assert (found.interpreter, found.reason) == (None, "no Python 3.10 on this machine")


@pytest.mark.parametrize("python", ["310", "3", "../3.10", "3.10.2", "2.7"])
def test_only_minor_versions_are_looked_for(places: Places, python: str) -> None:
    with pytest.raises(UsageError, match="minor version"):
        find_python(python, env=ENV, places=places)


def test_a_named_path_must_be_a_fit_python(tmp_path: Path, fake: Fake) -> None:
    good = fake(tmp_path / "python")
    assert interpreter_at(good, env=ENV).python == "3.10"
    with pytest.raises(UsageError, match="there is no Python"):
        interpreter_at(tmp_path / "nothing", env=ENV)
    with pytest.raises(UsageError, match="is PyPy"):
        interpreter_at(fake(tmp_path / "pypy", implementation="pypy"), env=ENV)


def test_places_come_from_the_environment() -> None:
    env = {"PATH": "/a:/b", "HOME": "/home/u", "CONDA_PREFIX": "/c"}
    places = Places.of(env)
    assert places.path == (Path("/a"), Path("/b"))
    assert (places.home, places.conda) == (Path("/home/u"), Path("/c"))
    assert places.tools is None
    assert Places.of({**env, "RUNNER_TOOL_CACHE": "/t"}).tools == Path("/t")
