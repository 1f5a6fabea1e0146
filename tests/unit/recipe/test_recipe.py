from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import RecipeError
from builder.recipe import check_recipe, json_schema, load_recipe, load_recipes, project_files
from builder.recipe.fields import parse_size
from builder.recipe.schema import Recipe

Spoil = Callable[..., Path]
ROOT = Path(__file__).parents[3]


def lines(folder: Path) -> list[str]:
    """The problems, without the file's name."""
    file = f"{folder / 'recipe.toml'}: "
    found = [str(problem) for problem in check_recipe(folder)]
    assert all(line.startswith(file) for line in found)
    return [line.removeprefix(file) for line in found]


def only(folder: Path) -> str:
    (line,) = lines(folder)
    return line


# --- a good one ----------------------------------------------------------------------------------


def test_a_good_recipe(folder: Path) -> None:
    recipe = load_recipe(folder)
    assert check_recipe(folder) == []
    assert recipe.wheel.max_bytes == 40_000_000
    assert recipe.profile["full"].defines == {"WITH_X": "ON", "LEVEL": "3"}
    assert recipe.source[0].patches == ("patches/0001-one.patch", "patches/0002-two.patch")
    cu11, cu12 = "nvidia-cuda-runtime-cu11>=11.8,<12", "nvidia-cuda-runtime-cu12>=12.4"
    assert recipe.requirements("cu118", "full") == ("numpy>=1.21", cu11)
    assert recipe.requirements("cu130", "full") == ("numpy>=1.21", cu12)
    assert recipe.run_paths("cu124") == ("nvidia/cuda_runtime/lib",)
    assert recipe.profile["full"].choice("cu118") == "default"
    assert recipe.profile["quick"].choice("cu118") == ("7.5", "8.0+PTX")
    assert recipe.supports("cu118")


@pytest.mark.parametrize("folder", sorted((ROOT / "recipes").glob("*")), ids=lambda path: path.name)
def test_the_projects_own_recipes(folder: Path) -> None:
    assert lines(folder) == []


def test_what_belongs_to_the_project(folder: Path) -> None:
    assert project_files(folder) == ("CMakeLists.txt", "pyproject.toml", "src/little.cu")


def test_architectures_per_cuda(spoil: Spoil) -> None:
    table = 'architectures = { cu118 = ["6.0"], "cu13*" = ["12.0+PTX"] }'
    recipe = load_recipe(spoil(('architectures = ["7.5", "8.0+PTX"]', table)))
    quick = recipe.profile["quick"]
    assert [quick.choice(label) for label in ("cu118", "cu124", "cu130")] == [
        ("6.0",),
        "default",
        ("12.0+PTX",),
    ]


def test_only_some_cudas(spoil: Spoil) -> None:
    cuda = 'summary = "A small one"\ncuda = ["cu13*"]'
    recipe = load_recipe(
        spoil(
            ('summary = "A small one"', cuda),
            # unknown to cu118, which this recipe is not for
            ('"7.5", "8.0+PTX"', '"12.1"'),
        )
    )
    assert [label for label in ("cu118", "cu130") if recipe.supports(label)] == ["cu130"]


# --- refusals: file, key path, what is allowed, the nearest known name ---------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("schema = 1", "schema = 2", "schema: must be 1, not 2"),
        ("revision = 2", "revison = 2", "revison: unknown key; did you mean 'revision'?"),
        ("max-size", "max_size", "wheel.max_size: unknown key; did you mean 'max-size'?"),
        ("filename =", "file =", "source[0].file: unknown key"),
        ("timeout = 60", "time-out = 60", "tests.time-out: unknown key; did you mean 'timeout'?"),
        ("strip = 1", "stripp = 1", "source[0].stripp: unknown key; did you mean 'strip'?"),
        ("[profile.full.defines]", "[profile.full.define]", "did you mean 'defines'?"),
        ('name = "little-cuda"\n', "", "name: is missing (Distribution name)"),
        ('sha256 = "' + "a" * 64 + '"\n', "", "source[0].sha256: is missing"),
        ("a" * 64, "a" * 63, "source[0].sha256: must be 64 lower-case hexadecimal digits"),
        ("a" * 64, "A" * 64, "source[0].sha256: must be 64 lower-case hexadecimal digits"),
        ('"pypi:little==1.2.3"', '"pypi:little"', "source[0].source: must be 'pypi:NAME==VERSION'"),
        ('"pypi:little==1.2.3"', '"http://x.org/y"', "source[0].source: must be 'pypi:"),
        ('["https://example.org', '["ftp://example.org', "source[0].mirrors[0]: must be 'pypi:"),
        ('"1.2.3"', '"1.2.three"', "version: must be a PEP 440 version"),
        ('"1.2.3"', '"1.2.3+cu118"', "version: must have no local part"),
        ('"1.2.3"', '"v1.2.3"', "version: must be in its normal form '1.2.3', not 'v1.2.3'"),
        ("revision = 2", "revision = 0", "revision: must be at least 1, not 0"),
        ("revision = 2", 'revision = "2"', "revision: must be a whole number, not '2'"),
        ("revision = 2", "revision = true", "revision: must be a whole number, not True"),
        ('"MIT"', '"MTI"', "licenses[0]: must be an SPDX licence expression, not 'MTI'"),
        (
            '"MIT"',
            '"mit"',
            "licenses[0]: must be an SPDX licence expression, not 'mit'; write 'MIT'",
        ),
        ('"cp39"', '"cp27"', "wheel.py-api: must be 'py3' (no Python binding)"),
        ('"cp39"', '"every"', "or 'each' (a wheel for each Python), not 'every'"),
        ('">=3.10"', '"3.10+"', "wheel.requires-python: must be version specifiers"),
        ('">=3.10"', '"<3.8"', "wheel.requires-python: '<3.8' allows none of the targets'"),
        ('"cp39"', '"cp312"', "wheel.py-api: 'cp312' wheels do not load in 3.10, 3.11"),
        ('["little"]', "[]", "wheel.imports: must not be empty"),
        ('["little"]', '"little"', "wheel.imports: must be a list, not 'little'"),
        ('["little"]', '["little-cuda"]', "wheel.imports[0]: must be a module to import"),
        ('"40 MB"', '"40 MiB"', "wheel.max-size: must be a size such as '40 MB'"),
        ('"40 MB"', "40", "wheel.max-size: must be a string, not 40"),
        ('"numpy>=1.21"', '"numpy>=>1"', "dependencies.always[0]: must be a requirement"),
        ('"numpy>=1.21"', '"numpy @ https://x.org/n.whl"', "not an address"),
        ('"pytest==9.2.0"', '"pytest>=9"', "tests.requires[0]: must be pinned with one '=='"),
        ('"pytest==9.2.0"', '"pytest==9.*"', "tests.requires[0]: must be pinned with one '=='"),
        ("always =", "allways =", "dependencies.allways: 'allways' matches no CUDA"),
        ("cu118 =", "cuda118 =", "did you mean 'cu118'?"),
        ('"cu13*" = ["nv', '"cu14*" = ["nv', "wheel.run-paths.\"cu14*\": 'cu14*' matches no CUDA"),
        ('cuda."cu13*"', "cuda.cuda13", "profile.full.cuda.cuda13: 'cuda13' matches no CUDA"),
        (
            "LEVEL = 3",
            "LEVEL = 3.5",
            "profile.full.defines.LEVEL: must be a string, a whole number",
        ),
        ("LEVEL = 3", '"A B" = 3', "must be a CMake variable name, not 'A B'"),
        ("LEVEL = 3", "WHEELHOUSE_RUN_PATHS = 3", "'WHEELHOUSE_RUN_PATHS' is set by the builder"),
        ('"8.0+PTX"]', '"80"]', "profile.quick.architectures: '80' is no architecture"),
        ('"8.0+PTX"]', "8.0]", "profile.quick.architectures: must be 'default' or a list"),
        ('["7.5", "8.0+PTX"]', '"all"', "profile.quick.architectures: must be 'default' or a list"),
        ("0001-one.patch", "0001-won.patch", "'patches/0001-one.patch' is in the folder, and no"),
        ("[profile.quick]", "[profile.Quick]", "profile.Quick: must be lower-case"),
        (
            "one.patch",
            "won.patch",
            "source[0].patches[0]: there is no file 'patches/0001-won.patch'",
        ),
        ("0002-two", "0001-one", "source[0].patches[1]: 'patches/0001-one.patch' is named twice"),
        ('"patches/0002', '"../patches/0002', "source[0].patches[1]: must be a relative path"),
        ('"sources/little"', '"../little"', "source[0].into: must be a relative path that stays"),
        ('"sources/little"', '"/little"', "source[0].into: must be a relative path that stays"),
        ('"sources/little"', '"a/../b"', "source[0].into: must be a relative path that stays"),
        ('"sources/little"', '"."', "source[0].into: must be a relative path that stays"),
        ('"sources/little"', '"src"', "source[0].into: 'src' exists in the recipe's folder"),
        ('"sources/little"', '"tests/x"', "source[0].into: 'tests/x' is no place for sources"),
        ("strip = 1", "strip = -1", "source[0].strip: must be at least 0, not -1"),
        ('"nvidia/cu13/lib"', '"/usr/lib"', 'wheel.run-paths."cu13*"[0]: must be a relative path'),
        ('filename = "', 'filename = "x/', "source[0].filename: must be a plain file name"),
        ("[wheel]", "[[wheel]]", "wheel: must be a table"),
        ("schema = 1", 'schema = 1\nkind = "native"', "wheel: unknown key"),
        ("schema = 1", 'schema = 1\nkind = "app"', "kind: must be 'wheel' or 'native', not 'app'"),
    ],
)
def test_refused(spoil: Spoil, old: str, new: str, expected: str) -> None:
    found = lines(spoil((old, new)))
    assert any(expected in line for line in found), found


def test_a_required_profile(spoil: Spoil) -> None:
    folder = spoil(
        ("[profile.full]", "[profile.fast]"),
        ("[profile.full.defines]", "[profile.fast.defines]"),
        ("[profile.full.cuda", "[profile.fast.cuda"),
    )
    assert only(folder) == (
        "profile: must have 'full', the one that is published (there are fast, quick)"
    )


def test_an_architecture_a_cuda_lacks(spoil: Spoil) -> None:
    found = lines(spoil(('["7.5", "8.0+PTX"]', '["6.0", "8.0+PTX"]')))
    assert found == [
        "profile.quick.architectures: '6.0' is unknown to cu130: CUDA 13.0 has 7.5, 8.0, 8.6, 8.7,"
        " 8.8, 8.9, 9.0, 10.0, 10.3, 11.0, 12.0, 12.1"
    ]


def test_an_architecture_a_cuda_lacks_in_a_table(spoil: Spoil) -> None:
    table = '{ "cu1[12]*" = ["6.0"], "cu*" = ["6.1"] }'
    found = lines(spoil(('["7.5", "8.0+PTX"]', table)))
    # the first pattern that matches counts, so only CUDA 13 gets 6.1
    assert [line.partition(": CUDA")[0] for line in found] == [
        "profile.quick.architectures.\"cu*\": '6.1' is unknown to cu130"
    ]


def test_every_error_at_once(spoil: Spoil) -> None:
    folder = spoil(
        ("revision = 2", "revison = 2"),
        ("a" * 64, "abc"),
        ('"7.5"', '"4.0"'),
        ("always =", "allways ="),
        ("one.patch", "won.patch"),
    )
    found = "\n".join(lines(folder))
    for expected in (
        "revison: unknown key",
        "revision: is missing",
        "source[0].sha256",
        "'4.0' is unknown to cu118",
        "'4.0' is unknown to cu130",
        "dependencies.allways",
        "there is no file 'patches/0001-won.patch'",
        "'patches/0001-one.patch' is in the folder, and no source names it",
    ):
        assert expected in found
    with pytest.raises(RecipeError) as caught:
        load_recipe(folder)
    assert caught.value.message.count("\n") + 1 == len(lines(folder))
    assert "recipe schema" in str(caught.value.remedy)


def test_not_toml(spoil: Spoil) -> None:
    folder = spoil(("schema = 1", "schema = = 1"))
    assert re.search(r"is not TOML: .*line 1, column 10", only(folder))


def test_not_utf8(folder: Path) -> None:
    (folder / "recipe.toml").write_bytes(b"schema = 1\n# \xff\n")
    assert only(folder) == "is not UTF-8 (byte 13)"


def test_no_file(tmp_path: Path) -> None:
    assert only(tmp_path) == "cannot be read: No such file or directory"


def test_a_folder_that_lacks_things(folder: Path) -> None:
    (folder / "pyproject.toml").unlink()
    (folder / "tests/test_little.py").unlink()
    (folder / "src/link.cu").symlink_to("/etc/passwd")
    assert [line.partition(",")[0].partition(" in /")[0] for line in lines(folder)] == [
        "there is no pyproject.toml beside it",
        "'src/link.cu' is a symbolic link; put the file there",
        "tests: there is no tests/test_*.py",
    ]


def test_two_recipes_with_one_name(folder: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(folder, other)
    with pytest.raises(RecipeError, match="'little-cuda' is also the name of"):
        load_recipes([folder, other])


def test_problems_of_all_recipes_come_in_one_error(spoil: Spoil, tmp_path: Path) -> None:
    folder = spoil(("revision = 2", "revision = 0"))
    with pytest.raises(RecipeError) as caught:
        load_recipes([folder, tmp_path / "nothing"])
    assert "must be at least 1" in caught.value.message
    assert "cannot be read" in caught.value.message


# --- sizes and the schema ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"), [("1 B", 1), ("2kB", 2000), ("1.5 MB", 1_500_000), ("3 GB", 3 * 10**9)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@settings(deadline=None)
@given(st.text(alphabet="0123456789. kMGBi-e", max_size=8))
def test_sizes_are_read_or_refused(text: str) -> None:
    if re.fullmatch(r"\d+(\.\d+)? ?(B|kB|MB|GB)", text):
        assert parse_size(text) >= 0
    else:
        with pytest.raises(ValueError, match="must be a size"):
            parse_size(text)


def test_the_schema_names_every_key() -> None:
    text = json.dumps(json_schema())
    schema = json_schema()["$defs"]["Recipe"]
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {
        "schema",
        "name",
        "version",
        "revision",
        "summary",
        "wheel",
        "profile",
    }
    for key in ("py-api", "max-size", "run-paths", "sha256", "include", "architectures", "timeout"):
        assert f'"{key}": {{' in text


# Whatever a file says, it is read or refused with places; nothing else ever escapes.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = [field.alias for field in Recipe.model_fields.values()]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), VALUES, max_size=8))
def test_any_data_is_refused_in_an_orderly_way(data: dict[str, object]) -> None:
    from pydantic import ValidationError

    from builder.recipe.check import check_against_files, check_against_targets
    from builder.recipe.problems import from_validation
    from builder.targets import load_targets

    file = Path("/nonexistent/recipe.toml")
    with pytest.raises(ValidationError) as caught:  # `summary` and others can hardly all be right
        Recipe.model_validate(data)
    problems = from_validation(caught.value, Recipe, file)
    problems += check_against_targets(data, load_targets(), file)
    problems += check_against_files(data, file.parent, file)
    assert all(problem.message for problem in problems)
