"""Headers of a Python found on this machine, and put where one build sees them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.build.environment import CompileCache, Places, build_environment
from builder.build.project import edit_pyproject
from builder.build.python_headers import find_headers, put_headers
from builder.errors import MachineError
from builder.plan.spec import BuildSpec
from builder.verify.pythons import Places as Machine

CONFIG = "#define SIZEOF_VOID_P 8\n"


def add(prefix: Path, version: str, *, config: str = CONFIG, minor: str | None = None) -> Path:
    """A Python's headers below ``prefix``, and a program that nobody needs to run."""
    python = minor or ".".join(version.split(".")[:2])
    folder = prefix / "include" / f"python{python}"
    (folder / "cpython").mkdir(parents=True)
    (folder / "internal").mkdir()
    (folder / "Python.h").write_text("#include <patchlevel.h>\n")
    (folder / "patchlevel.h").write_text(f'#define PY_VERSION      \t"{version}"\n')
    (folder / "pyconfig.h").write_text(config)
    (folder / "cpython/object.h").write_text("/* object */\n")
    (folder / "internal/pycore.h").write_text("/* core */\n")
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(path=(tmp_path / "env/bin",), home=tmp_path / "home", root=tmp_path / "root")


def test_none(machine: Machine) -> None:
    assert find_headers("3.13", places=machine) is None


def test_the_highest_patch_version_wherever_it_is(machine: Machine) -> None:
    add(machine.root / "usr", "3.13.9")
    newest = add(machine.home / ".pyenv/versions/3.13.12", "3.13.12")
    add(machine.home / ".pyenv/versions/3.13.2", "3.13.2")
    add(machine.home / ".pyenv/versions/3.12.99", "3.12.99")
    found = find_headers("3.13", places=machine)
    assert found is not None
    assert (found.version, found.folder) == ("3.13.12", newest)
    assert [name for name, _ in found.files] == [
        *("Python.h", "cpython/object.h", "internal/pycore.h", "patchlevel.h", "pyconfig.h"),
    ]


def test_an_environments_link_leads_to_its_python(machine: Machine, tmp_path: Path) -> None:
    base = add(tmp_path / "base", "3.13.1")
    program = tmp_path / "base/bin/python3.13"
    program.parent.mkdir()
    program.touch()
    (tmp_path / "env/bin").mkdir(parents=True)
    (tmp_path / "env/bin/python3.13").symlink_to(program)
    found = find_headers("3.13", places=machine)
    assert found is not None
    assert found.folder == base


def test_the_digest_is_of_contents_alone(machine: Machine, tmp_path: Path) -> None:
    folder = add(machine.root / "usr", "3.13.9")
    other = Machine(path=(), home=tmp_path / "else", root=tmp_path / "other")
    add(other.home / ".pyenv/versions/3.13.9", "3.13.9")
    (folder / "greenlet").mkdir()  # a package's own
    (folder / "greenlet/greenlet.h").write_text("int greenlet;\n")
    digests = {one.digest for p in (machine, other) if (one := find_headers("3.13", places=p))}
    assert len(digests) == 1
    (folder / "cpython/object.h").write_text("/* another */\n")
    changed = find_headers("3.13", places=machine)
    assert changed is not None
    assert changed.digest not in digests


@pytest.mark.parametrize(
    ("version", "minor", "config"),
    [
        ("3.12.1", "3.13", CONFIG),  # in another one's folder
        ("3.13.0a1", None, CONFIG),  # its ABI may still change
        ("3.13.0b2", None, CONFIG),
        ("3.13.1", None, CONFIG + "#define Py_GIL_DISABLED 1\n"),
        ("3.13.1", None, "#define SIZEOF_VOID_P 4\n"),
    ],
)
def test_what_no_wheel_is_made_for(
    machine: Machine, version: str, minor: str | None, config: str
) -> None:
    add(machine.root / "usr", version, config=config, minor=minor)
    assert find_headers("3.13", places=machine) is None


def test_a_candidate_will_do_and_a_release_comes_first(machine: Machine) -> None:
    add(machine.root / "usr", "3.14.0rc2")
    found = find_headers("3.14", places=machine)
    assert found is not None
    assert found.version == "3.14.0rc2"
    add(machine.home / ".pyenv/versions/3.14.0", "3.14.0")
    found = find_headers("3.14", places=machine)
    assert found is not None
    assert found.version == "3.14.0"


def test_half_a_folder_is_none(machine: Machine) -> None:
    (add(machine.root / "usr", "3.13.9") / "pyconfig.h").unlink()
    assert find_headers("3.13", places=machine) is None


def test_debians_switch_between_architectures_is_followed(machine: Machine, tmp_path: Path) -> None:
    switch = "# include <x86_64-linux-gnu/python3.11/pyconfig.h>\n"
    folder = add(machine.root / "usr", "3.11.2", config=switch)
    assert find_headers("3.11", places=machine) is None
    inner = folder.parent / "x86_64-linux-gnu/python3.11"
    inner.mkdir(parents=True)
    (inner / "pyconfig.h").write_text(CONFIG)
    found = find_headers("3.11", places=machine)
    assert found is not None
    assert found.stamp == f"3.11.2 {found.digest}"
    put_headers("3.11", found.stamp, tmp_path / "put", places=machine)
    assert (tmp_path / "put/pyconfig.h").read_text() == CONFIG


def test_they_are_put_into_the_build_as_they_were_planned(machine: Machine, tmp_path: Path) -> None:
    older = add(machine.root / "usr", "3.13.2")
    found = find_headers("3.13", places=machine)
    assert found is not None
    add(machine.home / ".pyenv/versions/3.13.12", "3.13.12")  # came in between
    put_headers("3.13", found.stamp, tmp_path / "put", places=machine)
    assert '"3.13.2"' in (tmp_path / "put/patchlevel.h").read_text()
    assert (tmp_path / "put/cpython/object.h").is_file()
    (older / "Python.h").write_text("changed\n")
    with pytest.raises(MachineError, match=r"headers of Python 3\.13 changed after"):
        put_headers("3.13", found.stamp, tmp_path / "again", places=machine)


def test_the_build_sees_them_in_the_place_of_the_toolchains(places: Places) -> None:
    def include(*, one_python: bool) -> str:
        cache = CompileCache()
        env = build_environment(places, jobs=1, cache=cache, socket_name="s", one_python=one_python)
        return env["WHEELHOUSE_PYTHON_INCLUDE"]

    assert include(one_python=False) == "/mnt/wheelhouse/host/python/include/python3.9"
    assert include(one_python=True) == "/mnt/wheelhouse/home/python"


@pytest.mark.parametrize(
    "more",
    [
        '\n[tool.scikit-build.wheel]\npy-api = "py3"\n',
        '\n[tool.scikit-build]\nwheel.packages = ["src/hello"]\n',
        '\n[[tool.scikit-build.overrides]]\nif.state = "sdist"\nwheel.cmake = false\n',
    ],
)
def test_the_rendered_project_has_the_tags_of_that_python(
    spec: Callable[..., BuildSpec], more: str
) -> None:
    one = spec(py_api="each", python="3.13", python_headers="0" * 64)
    text = edit_pyproject(f'[project]\nname = "hello"\n{more}', one)
    settings = tomllib.loads(text)["tool"]["scikit-build"]
    assert settings["overrides"][-1]["wheel"]["tags"] == ["cp313-cp313-linux_x86_64"]
    assert settings["wheel"]["py-api"] == ""
    assert settings["cmake"]["define"]["WITH_X"] == "OFF"
