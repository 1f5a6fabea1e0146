import hashlib
import io
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.build.constants import SOURCE_DATE_EPOCH
from builder.build.project import edit_pyproject
from builder.build.render import render
from builder.errors import RecipeError, UsageError
from builder.plan.spec import BuildSpec, SourceSpec
from builder.ui import Silent

Make = Callable[..., BuildSpec]


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def source(recipe: Path, patch: str = "patches/0001.patch") -> SourceSpec:
    return SourceSpec(
        name="up",
        source="https://example.invalid/up.tar.gz",
        filename="up.tar.gz",
        sha256="0" * 64,
        into="sources/up",
        strip=1,
        patches=((patch, hashlib.sha256((recipe / patch).read_bytes()).hexdigest()),),
    )


def snapshot(folder: Path) -> dict[str, tuple[int, float, bytes]]:
    return {
        p.relative_to(folder).as_posix(): (
            p.stat().st_mode & 0o777,
            p.stat().st_mtime,
            p.read_bytes() if p.is_file() else b"",
        )
        for p in sorted(folder.rglob("*"))
    }


def test_everything_the_spec_decides_is_set(spec: Make) -> None:
    text = (
        '[project]\nname = "hello"\nversion = "0"\ndynamic = ["version", "readme"]\n'
        '[tool.scikit-build]\nwheel.packages = ["src/hello"]\n'
        '[tool.scikit-build.cmake.define]\nKEPT = "1"\nWITH_X = "ON"\n'
    )
    data = tomllib.loads(edit_pyproject(text, spec()))
    assert data["project"] == {
        "name": "hello",
        "version": "1.0+cu118",
        "dynamic": ["readme"],
        "requires-python": ">=3.10",
        "dependencies": ["numpy>=1.21", "nvidia-cublas-cu11>=11.11,<12"],
    }
    build = data["tool"]["scikit-build"]
    assert build["wheel"] == {"packages": ["src/hello"], "py-api": "py3", "build-tag": "3"}
    assert build["cmake"]["define"] == {
        "KEPT": "1",
        "WITH_X": "OFF",
        "WHEELHOUSE_CUDA_ARCH_BIN": "7.5;8.0",
    }


def test_a_project_that_says_little_is_completed(spec: Make) -> None:
    data = tomllib.loads(edit_pyproject('[project]\nname = "hello"\n', spec()))
    assert data["tool"]["scikit-build"]["cmake"]["define"]["WITH_X"] == "OFF"
    assert "dynamic" not in data["project"]


@pytest.mark.parametrize("text", ["", "[project\n", "project = 1\n"])
def test_what_is_no_project_is_refused(spec: Make, text: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe hello: pyproject\.toml"):
        edit_pyproject(text, spec())


def test_the_whole_project(spec: Make, recipe: Path, tmp_path: Path) -> None:
    up = archive(tmp_path / "up.tar.gz", {"up-1/x.c": b"old\n", "up-1/y.h": b"y\n"})
    built = spec(sources=(source(recipe),))
    (recipe / "src/run.sh").chmod(0o755)
    one = render(built, recipe, tmp_path / "one", sources={"up": up}, reporter=Silent())
    (recipe / "src/run.sh").chmod(0o700)
    two = render(built, recipe, tmp_path / "two", sources={"up": up}, reporter=Silent())
    assert (one / "sources/up/x.c").read_text() == "new\n"
    assert (one / "sources/up/y.h").read_text() == "y\n"
    assert not (one / "patches").exists()
    assert snapshot(one) == snapshot(two)
    assert {times for _, times, _ in snapshot(one).values()} == {SOURCE_DATE_EPOCH}
    assert (one / "src/run.sh").stat().st_mode & 0o777 == 0o644  # modes are not in the key
    assert built.key in (one / "build-spec.json").read_text()


@pytest.mark.parametrize("name", ["CMakeLists.txt", "pyproject.toml", "patches/0001.patch"])
def test_a_file_changed_after_planning_is_an_error(
    spec: Make, recipe: Path, tmp_path: Path, name: str
) -> None:
    up = archive(tmp_path / "up.tar.gz", {"up-1/x.c": b"old\n"})
    built = spec(sources=(source(recipe),))
    (recipe / name).write_text((recipe / name).read_text() + "\n")
    with pytest.raises(RecipeError, match=f"'{name}' changed after the build was planned"):
        render(built, recipe, tmp_path / "out", sources={"up": up}, reporter=Silent())


def test_a_file_gone_after_planning_is_an_error(spec: Make, recipe: Path, tmp_path: Path) -> None:
    built = spec()
    (recipe / "CMakeLists.txt").unlink()
    with pytest.raises(RecipeError, match=r"cannot read 'CMakeLists\.txt'"):
        render(built, recipe, tmp_path / "out", sources={}, reporter=Silent())


def test_a_folder_with_something_in_it_is_left_alone(
    spec: Make, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("keep")
    with pytest.raises(UsageError, match="not an empty folder"):
        render(spec(), recipe, tmp_path / "out", sources={}, reporter=Silent())
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.mark.parametrize("into", ["../out", "/abs", ""])
def test_a_source_outside_the_project_is_refused(
    spec: Make, recipe: Path, tmp_path: Path, into: str
) -> None:
    up = archive(tmp_path / "up.tar.gz", {"up-1/x.c": b"old\n"})
    bad = source(recipe).model_copy(update={"into": into})
    with pytest.raises(RecipeError, match="inside the project"):
        render(spec(sources=(bad,)), recipe, tmp_path / "p", sources={"up": up}, reporter=Silent())


def test_dotted_keys_that_would_lose_the_definitions_are_refused(spec: Make) -> None:
    text = '[project]\nname = "hello"\n[tool.scikit-build]\ncmake.build-type = "Release"\n'
    with pytest.raises(RecipeError, match="table of its own"):
        edit_pyproject(text, spec())
