"""What changes a build key, and of which build; and what does not."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.build.render import render
from builder.plan.resolve import resolve
from builder.plan.spec import BuildSpec
from builder.recipe import load_recipe
from builder.targets import load_targets
from builder.ui import Silent

# World and its fixture come from conftest; importlib mode has no package to import the type from.
World = Any
LABELS = {"cu118", "cu124", "cu128", "cu130"}
EVERY = {(name, label) for name in ("hello-cuda", "other-cuda") for label in LABELS}
HELLO = {("hello-cuda", label) for label in LABELS}


def changed(world: World, before: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    after = world.keys()
    assert set(after) == set(before) == EVERY
    return {place for place in after if after[place] != before[place]}


def test_every_build_has_a_key_of_its_own(world: World) -> None:
    keys = {**world.keys(), **{("smoke", *k): v for k, v in world.keys(profile="smoke").items()}}
    assert len(set(keys.values())) == len(keys) == 16
    assert all(re.fullmatch(r"[0-9a-f]{32}", key) for key in keys.values())


def test_every_python_of_a_cuda_shares_one_build(world: World) -> None:
    for row in world.plan("cu118").rows:
        assert [target.python for target in row.targets] == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert world.keys("cu118-py310") == world.keys("cu118-py314") == world.keys("cu118")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("patches/0001-one.patch", "one", "onE", HELLO),
        ("patches/0002-two.patch", "two", "twO", HELLO),
        ("src/hello.cu", "*value *= 2", "*value *= 3", HELLO),
        ("src/hello_cuda/__init__.py", "Twice", "twice", HELLO),
        ("CMakeLists.txt", "SHARED", "MODULE", HELLO),
        ("pyproject.toml", "strip = true", "strip = false", HELLO),
        ("recipe.toml", "a" * 64, "a" * 63 + "b", HELLO),
        ("recipe.toml", "WITH_Y = 1", "WITH_Y = 2", HELLO),
        ("recipe.toml", 'WITH_X = "OFF"', 'WITH_X = "Off"', {("hello-cuda", "cu118")}),
        ("recipe.toml", "cuda.cu118]", 'cuda."cu1[13]*"]', {("hello-cuda", "cu130")}),
        ("recipe.toml", 'WITH_X = "ON"', 'WITH_X = "1"', HELLO - {("hello-cuda", "cu118")}),
        ("recipe.toml", ">=11.8,<12", ">=11.7,<12", {("hello-cuda", "cu118")}),
        (
            "recipe.toml",
            '"nvidia/cu13/lib"',
            '"nvidia/cu13/lib", "x"',
            {("hello-cuda", "cu130")},
        ),
        ("recipe.toml", "[profile.full]", '[profile.full]\narchitectures = ["8.0"]', HELLO),
        (
            "recipe.toml",
            "[profile.full]",
            '[profile.full]\narchitectures = { cu124 = ["8.0"] }',
            {("hello-cuda", "cu124")},
        ),
        ("recipe.toml", "revision = 1", "revision = 2", HELLO),
        ("recipe.toml", 'version = "1.0"', 'version = "1.0.1"', HELLO),
        ("recipe.toml", 'py-api = "py3"', 'py-api = "cp39"', HELLO),
        ("recipe.toml", '">=3.10"', '">=3.9"', HELLO),
        ("recipe.toml", 'into = "sources/hello"', 'into = "sources/hi"', HELLO),
        ("recipe.toml", '"b/*", "a/*"', '"b/*"', HELLO),
        (
            "recipe.toml",
            '0001-one.patch", "patches/0002-two',
            '0002-two.patch", "patches/0001-one',
            HELLO,
        ),
        # and what cannot change the bytes
        ("recipe.toml", "https://example.org/", "https://example.com/", set()),
        ("recipe.toml", '"pypi:hello==1.0"', '"https://example.org/x.tar.gz"', set()),
        ("recipe.toml", "size = 10000000", "size = 10000001", set()),
        ("recipe.toml", '"b/*", "a/*"', '"a/*", "b/*"', set()),
        ("recipe.toml", "timeout = 60", "timeout = 61", set()),
        ("recipe.toml", 'max-size = "1 MB"', 'max-size = "2 MB"', set()),
        ("recipe.toml", 'imports = ["hello_cuda"]', 'imports = ["hello_cuda", "os"]', set()),
        ("recipe.toml", '["7.5+PTX"]', '["8.0"]', set()),  # another profile
        ("tests/test_hello.py", "21", "22", set()),
    ],
)
def test_one_change(
    world: World, name: str, old: str, new: str, expected: set[tuple[str, str]]
) -> None:
    before = world.keys()
    world.edit(f"hello-cuda/{name}", old, new)
    assert changed(world, before) == expected


def test_a_toolchain_changes_its_cuda_alone(world: World) -> None:
    before = world.keys()
    old = world.toolchains["cu118"]
    world.toolchains["cu118"] = dataclasses.replace(old, digest="1" * 63 + "2")
    assert changed(world, before) == {("hello-cuda", "cu118"), ("other-cuda", "cu118")}


def test_the_build_environment_changes_every_key(world: World) -> None:
    before = world.keys()
    world.build_env = "f" * 64
    assert changed(world, before) == EVERY


def test_archs_change_the_key_of_what_is_built_with_them(world: World) -> None:
    default, ptx, order = (
        {row.key for row in world.plan("cu130", archs=archs).rows}
        for archs in (["7.5", "8.0"], ["7.5", "8.0+PTX"], ["8.0", "7.5"])
    )
    assert default.isdisjoint(ptx)
    assert default == order


def test_the_default_list_spelled_out_is_the_same_build(world: World) -> None:
    spelled = world.plan("cu118", archs=["6.0", "7.0", "7.5", "8.0+PTX"])
    assert [row.key for row in spelled.rows] == [row.key for row in world.plan("cu118").rows]


def test_new_files_count_and_what_tools_leave_does_not(world: World) -> None:
    before = world.keys()
    hello = world.recipes / "hello-cuda"
    for name in (
        "src/__pycache__/x.pyc",
        ".git/config",
        "README.md",
        "tests/more.py",
        "src/.x.swp",
    ):
        (hello / name).parent.mkdir(exist_ok=True)
        (hello / name).write_text("x")
        assert changed(world, before) == set(), name
    (hello / "src/new.h").write_text("")
    assert changed(world, before) == HELLO


@given(st.randoms(use_true_random=False))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_order_of_keys_and_tables_does_not_matter(world: World, random: Any) -> None:
    before = world.keys()
    path = world.recipes / "hello-cuda/recipe.toml"
    original = path.read_text()
    try:
        path.write_text(shuffled(original, random))
        assert changed(world, before) == set()
    finally:
        path.write_text(original)


def shuffled(text: str, random: Any) -> str:
    """A TOML text with its tables, and the keys in each, in another order."""
    head, *tables = re.split(r"(?m)^(?=\[)", text)
    random.shuffle(tables)
    return "".join(lines_shuffled(part, random) for part in (head, *tables))


def lines_shuffled(part: str, random: Any) -> str:
    lines = [line for line in part.splitlines() if line and not line.startswith("#")]
    first = lines[:1] if lines[0].startswith("[") else []
    rest = lines[len(first) :]
    random.shuffle(rest)
    return "\n".join([*first, *rest]) + "\n"


@given(position=st.integers(0, 10**6), digit=st.integers(1, 255))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_byte_of_any_keyed_file_counts(world: World, position: int, digit: int) -> None:
    """Byte by byte through the patches and project files, as if they were one."""
    before = world.keys("cu118", "cu130")
    folder = world.recipes / "hello-cuda"
    facts = world.facts(folder)
    names = [*facts.files.patches, *(name for name, _ in facts.files.project)]
    place = position % sum((folder / name).stat().st_size for name in names)
    for name in names:
        data = bytearray((folder / name).read_bytes())
        if place < len(data):
            break
        place -= len(data)
    original = bytes(data)
    data[place] ^= digit
    try:
        (folder / name).write_bytes(data)
        after = world.keys("cu118", "cu130")
    finally:
        (folder / name).write_bytes(original)
    assert {key for key in after if after[key] != before[key]} == {
        ("hello-cuda", "cu118"),
        ("hello-cuda", "cu130"),
    }


def test_what_a_spec_says(world: World) -> None:
    spec = hello_spec(world, "cu118")
    assert spec.public_version == "1.0+cu118"
    assert dict(spec.defines) == {
        "WHEELHOUSE_CUDA_VERSION": "11.8",
        "WHEELHOUSE_CUDA_ARCHITECTURES": "60-real;70-real;75-real;80-real;80-virtual",
        "WHEELHOUSE_CUDA_ARCH_BIN": "6.0;7.0;7.5;8.0",
        "WHEELHOUSE_CUDA_ARCH_PTX": "8.0",
        "WHEELHOUSE_RUN_PATHS": "nvidia/cuda_runtime/lib",
        "WITH_X": "OFF",
        "WITH_Y": "1",
    }
    assert list(spec.defines) == sorted(spec.defines)
    assert spec.dependencies == ("nvidia-cuda-runtime-cu11>=11.8,<12",)
    assert spec.sources[0].artifact().mirrors == ("https://example.org/hello-1.0.tar.gz",)
    assert [name for name, _ in spec.project] == [
        "CMakeLists.txt",
        "pyproject.toml",
        "src/hello.cu",
        "src/hello_cuda/__init__.py",
    ]


def test_resolving_gives_the_plans_spec(world: World) -> None:
    (row,) = (row for row in world.plan("cu124").rows if row.recipe.name == "hello-cuda")
    assert row.spec == hello_spec(world, "cu124")


def test_a_spec_survives_its_record(world: World) -> None:
    spec = hello_spec(world, "cu130")
    again = BuildSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.key == spec.key


def test_the_third_recipe_is_rendered_with_no_change_in_the_builder(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "recipes" / "hello-cuda"
    spec = resolve(
        load_recipe(folder), folder=folder, cuda="cu118", profile="smoke", toolchain_digest="1" * 64
    )
    project = render(spec, folder, tmp_path / "project", sources={}, reporter=Silent())
    assert "1.0+cu118" in (project / "pyproject.toml").read_text()
    assert (project / "src/hello.cu").is_file()
    assert not (project / "tests").exists()


def hello_spec(world: World, label: str) -> BuildSpec:
    folder = world.recipes / "hello-cuda"
    return resolve(
        load_recipe(folder),
        folder=folder,
        cuda=label,
        profile="full",
        toolchain_digest=world.toolchains[label].digest,
        build_env=world.build_env,
        targets=load_targets(),
    )
