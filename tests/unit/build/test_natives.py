"""What a rendered project has besides when its wheel needs native libraries."""

import hashlib
import io
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest

from builder.build.constants import SOURCE_DATE_EPOCH
from builder.build.natives import NATIVE_PREFIX, notices
from builder.build.project import edit_pyproject
from builder.build.render import render
from builder.errors import RecipeError
from builder.plan.natives import RULES
from builder.plan.resolve import resolve
from builder.plan.spec import BuildSpec
from builder.recipe import load_recipe
from builder.ui import Silent

NATIVES = Path(__file__).parents[2] / "recipes_native"


def limits(folder: Path) -> Path:
    """The source of little-sums, the same every time."""
    path = folder / "limits-1.tar.gz"
    with tarfile.open(path, "w") as tar:
        for name, text in (("limits.h", "#define LITTLE_LIMIT 10\n"), ("COPYING", "LGPL\n")):
            member = tarfile.TarInfo(f"limits-1/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return limits(tmp_path)


@pytest.fixture
def recipes(tmp_path: Path, archive: Path) -> Path:
    folder = Path(shutil.copytree(NATIVES, tmp_path / "recipes"))
    recipe = folder / "little-sums/recipe.toml"
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    recipe.write_text(recipe.read_text().replace("0" * 64, sha256))
    return folder


def spec_of(recipes: Path, profile: str = "smoke") -> BuildSpec:
    folder = recipes / "hello-native"
    return resolve(
        load_recipe(folder), folder=folder, cuda="cu118", profile=profile, toolchain_digest="0" * 64
    )


def rendered(recipes: Path, archive: Path, into: Path, profile: str = "smoke") -> Path:
    spec = spec_of(recipes, profile)
    sources = dict.fromkeys(spec.archives, archive)
    return render(spec, recipes / "hello-native", into, sources=sources, reporter=Silent())


def test_each_librarys_project_lies_below_native(
    recipes: Path, archive: Path, tmp_path: Path
) -> None:
    project = rendered(recipes, archive, tmp_path / "project")
    found = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert found == {
        "CMakeLists.txt",
        "build-spec.json",
        "native/NOTICES.txt",
        "native/little-sums/CMakeLists.txt",
        "native/little-sums/sources/limits/COPYING",
        "native/little-sums/sources/limits/limits.h",
        "native/little-sums/src/little_sums.c",
        "native/little-sums/src/little_sums.h",
        "native/little-words/CMakeLists.txt",
        "native/little-words/LICENSE",
        "native/little-words/src/little-shout.sh",
        "native/little-words/src/little_words.c",
        "native/little-words/src/little_words.h",
        "native/natives.cmake",
        "pyproject.toml",
        "src/hello.c",
        "src/hello_native/__init__.py",
        "src/kernel.cu",
    }
    patched = project / "native/little-sums/sources/limits/limits.h"
    assert patched.read_text() == "#define LITTLE_LIMIT 1000\n"
    assert (project / "native/natives.cmake").read_bytes() == RULES.read_bytes()
    assert {path.stat().st_mtime for path in project.rglob("*")} == {SOURCE_DATE_EPOCH}


def test_the_same_every_time(recipes: Path, archive: Path, tmp_path: Path) -> None:
    one, two = (
        {path.relative_to(made): path.read_bytes() for path in made.rglob("*") if path.is_file()}
        for made in (rendered(recipes, archive, tmp_path / name) for name in ("one", "two"))
    )
    assert Path("native/natives.cmake") in one
    assert one == two


def test_without_needs_nothing_is_added(recipes: Path, archive: Path, tmp_path: Path) -> None:
    project = rendered(recipes, archive, tmp_path / "project", "bare")
    assert not (project / "native").exists()
    data = tomllib.loads((project / "pyproject.toml").read_text())
    assert data["project"]["license"] == "MIT"
    assert data["project"]["license-files"] == []


def test_licences_and_notices_go_into_the_wheel(
    recipes: Path, archive: Path, tmp_path: Path
) -> None:
    project = rendered(recipes, archive, tmp_path / "project")
    data = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    assert data["license"] == "MIT AND LGPL-2.1-or-later", "each licence once"
    assert data["license-files"] == [
        "native/little-words/LICENSE",
        "native/little-sums/sources/limits/COPYING",
        "native/NOTICES.txt",
    ]
    assert all((project / name).is_file() for name in data["license-files"])
    text = (project / "native/NOTICES.txt").read_text()
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert "little-sums 1.2.3-beta\n  licence: LGPL-2.1-or-later\n" in text
    assert f"limits-1.tar.gz, with patches/0001-larger.patch\n    sha256 {sha256}\n" in text


def test_an_alternative_of_the_recipes_own_is_kept_together(recipes: Path) -> None:
    text = '[project]\nname = "x"\nlicense = "MIT OR ISC"\n'
    data = tomllib.loads(edit_pyproject(text, spec_of(recipes)))["project"]
    assert data["license"] == "(MIT OR ISC) AND MIT AND LGPL-2.1-or-later"


@pytest.mark.parametrize("says", ['license = { text = "MIT" }', ""])
def test_licences_that_cannot_be_added_to_are_refused(recipes: Path, says: str) -> None:
    with pytest.raises(RecipeError, match="'license' and 'license-files', to which those of"):
        edit_pyproject(f'[project]\nname = "x"\n{says}\n', spec_of(recipes))


def test_a_licence_file_that_is_not_there_is_named(
    recipes: Path, archive: Path, tmp_path: Path
) -> None:
    recipe = recipes / "little-sums/recipe.toml"
    recipe.write_text(recipe.read_text().replace("limits/COPYING", "limits/COPIED"))
    with pytest.raises(
        RecipeError, match="recipe little-sums: license-files: there is no 'sources/"
    ):
        rendered(recipes, archive, tmp_path / "project")


def test_what_only_runs_is_in_no_notice(recipes: Path) -> None:
    spec = spec_of(recipes)
    (source,) = spec.natives[1].sources
    assert "limits-1.tar.gz" in notices(spec)
    tool = source.model_copy(update={"into": "tools/limits"})
    sums = spec.natives[1].model_copy(update={"sources": (tool,)})
    changed = spec.model_copy(update={"natives": (spec.natives[0], sums)})
    assert "limits-1.tar.gz" not in notices(changed)


@pytest.mark.parametrize("name", ["CMakeLists.txt", "patches/0001-larger.patch"])
def test_a_natives_file_changed_after_planning_is_an_error(
    recipes: Path, archive: Path, tmp_path: Path, name: str
) -> None:
    spec = spec_of(recipes)
    (recipes / "little-sums" / name).write_text("changed")
    sources = dict.fromkeys(spec.archives, archive)
    with pytest.raises(RecipeError, match=f"recipe little-sums: '{name}' changed after"):
        render(spec, recipes / "hello-native", tmp_path / "p", sources=sources, reporter=Silent())


def test_the_rules_install_where_repair_looks(recipes: Path) -> None:
    assert f'"${{CMAKE_BINARY_DIR}}/{NATIVE_PREFIX}"' in RULES.read_text()
