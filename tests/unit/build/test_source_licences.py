"""Licences of a source that only some builds have."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.build.natives import finish_natives, licence_files
from builder.build.project import edit_pyproject
from builder.errors import RecipeError
from builder.plan.spec import BuildSpec, SourceSpec
from builder.wheel.materials import materials

Make = Callable[..., BuildSpec]
PROJECT = '[project]\nname = "thing"\nlicense = "MIT"\nlicense-files = ["LICENSE"]\n'
TERMS = SourceSpec(
    name="static",
    source="https://example.invalid/static-1.tar.gz",
    filename="static-1.tar.gz",
    sha256="1" * 64,
    into="sources/static",
    licenses=("LicenseRef-Vendor", "BSD-2-Clause OR MIT"),
    license_files=("sources/static/EULA.txt",),
)


def test_they_stand_in_the_project(spec: Make) -> None:
    edited = edit_pyproject(PROJECT, spec(sources=(TERMS,)))
    project = tomllib.loads(edited)["project"]
    assert project["license"] == "MIT AND LicenseRef-Vendor AND (BSD-2-Clause OR MIT)"
    assert project["license-files"] == ["LICENSE", "sources/static/EULA.txt"]
    bare = tomllib.loads(edit_pyproject(PROJECT, spec()))["project"]
    assert (bare["license"], bare["license-files"]) == ("MIT", ["LICENSE"])


def test_a_file_that_is_not_there_is_named(spec: Make, tmp_path: Path) -> None:
    given = spec(sources=(TERMS,))
    with pytest.raises(RecipeError, match=r"there is no 'sources/static/EULA.txt'"):
        finish_natives(given, tmp_path)
    (tmp_path / "sources/static").mkdir(parents=True)
    (tmp_path / "sources/static/EULA.txt").write_text("terms")
    finish_natives(given, tmp_path)
    assert not (tmp_path / "native").exists()
    assert licence_files(given) == ("sources/static/EULA.txt",)


def test_they_are_in_the_bill_of_materials(spec: Make) -> None:
    (part,) = (one for one in materials(spec(sources=(TERMS,))) if one.origin.name == "static")
    assert part.licences == TERMS.licenses


def test_a_source_without_any_is_written_as_before() -> None:
    plain = TERMS.model_copy(update={"licenses": (), "license_files": ()})
    assert not {"licenses", "license_files"} & set(plain.model_dump())
    assert {"licenses", "license_files"} <= set(TERMS.model_dump())
    assert SourceSpec.model_validate(TERMS.model_dump()) == TERMS
