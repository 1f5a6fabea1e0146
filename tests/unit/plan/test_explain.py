"""Why two keys differ, and how a spec is found."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import UsageError
from builder.plan.explain import compare, differences, unkeyed_differences
from builder.plan.spec import BuildSpec
from builder.plan.specs import find_spec
from builder.store import Store
from index.records import Record, write_record

World = Any
NAME = "hello_cuda-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl"


def spec(world: World, cuda: str = "cu118", **options: Any) -> BuildSpec:
    (row,) = (row for row in world.plan(cuda, **options).rows if row.recipe.name == "hello-cuda")
    assert row.spec is not None
    return row.spec


def lines(old: BuildSpec, new: BuildSpec) -> list[str]:
    return [str(one) for one in differences(old, new)]


def test_equal_specs(world: World) -> None:
    assert lines(spec(world), spec(world)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("recipe.toml", "revision = 1", "revision = 2", ["revision: 1 -> 2"]),
        ("recipe.toml", 'WITH_X = "OFF"', 'WITH_X = "X"', ["defines.WITH_X: OFF -> X"]),
        ("recipe.toml", "WITH_Y = 1", "WITH_Z = 1", [
            "defines.WITH_Y: 1 -> (none)",
            "defines.WITH_Z: (none) -> 1",
        ]),
        ("recipe.toml", "a" * 64, "c" * 64, [f"sources.upstream.sha256: {'a' * 64} -> {'c' * 64}"]),
        ("recipe.toml", '"b/*", ', "", ["sources.upstream.include[b/*]: yes -> (none)"]),
        ("recipe.toml", ">=11.8,<12", ">=11.8", [
            "dependencies[nvidia-cuda-runtime-cu11>=11.8,<12]: yes -> (none)",
            "dependencies[nvidia-cuda-runtime-cu11>=11.8]: (none) -> yes",
        ]),
        (
            "recipe.toml",
            '0001-one.patch", "patches/0002-two',
            '0002-two.patch", "patches/0001-one',
            [
                "sources.upstream.patches (order): (none) ->"
                " patches/0002-two.patch, patches/0001-one.patch"
            ],
        ),
    ],
)  # fmt: skip
def test_one_difference(world: World, name: str, old: str, new: str, expected: list[str]) -> None:
    before = spec(world)
    world.edit(f"hello-cuda/{name}", old, new)
    assert lines(before, spec(world)) == expected


def test_files_are_named(world: World) -> None:
    before = spec(world)
    world.edit("hello-cuda/patches/0001-one.patch", "one", "two")
    world.edit("hello-cuda/src/hello.cu", "2", "3")
    (world.recipes / "hello-cuda/new.h").write_text("")
    assert [one.path for one in differences(before, spec(world))] == [
        "project.new.h",
        "project.src/hello.cu",
        "sources.upstream.patches.patches/0001-one.patch",
    ]


def test_architectures(world: World) -> None:
    found = lines(spec(world, archs=["7.5", "8.0"]), spec(world, archs=["7.5", "9.0+PTX"]))
    assert "architectures[8.0]: yes -> (none)" in found
    assert "architectures[9.0]: (none) -> yes" in found
    assert "ptx: (none) -> 9.0" in found
    assert "defines.WHEELHOUSE_CUDA_ARCH_PTX: (empty) -> 9.0" in found
    assert "defines.WHEELHOUSE_CUDA_ARCH_BIN: 7.5;8.0 -> 7.5;9.0" in found


def test_what_has_no_effect_is_told_apart(world: World) -> None:
    before = spec(world)
    world.edit("hello-cuda/recipe.toml", "https://example.org/", "https://example.com/")
    after = spec(world)
    assert differences(before, after) == ()
    assert [one.path for one in unkeyed_differences(before, after)] == [
        "sources.upstream.mirrors[https://example.com/hello-1.0.tar.gz]",
        "sources.upstream.mirrors[https://example.org/hello-1.0.tar.gz]",
    ]


LEAVES = st.none() | st.integers(0, 2) | st.sampled_from(["a", "b", "(none)"])
PAIRS = st.lists(st.tuples(st.sampled_from("abc"), LEAVES).map(list), unique_by=lambda p: p[0])
DATA = st.dictionaries(
    st.sampled_from(["x", "y"]),
    LEAVES | st.lists(st.sampled_from("abc"), unique=True) | PAIRS,
    max_size=2,
)


@settings(deadline=None)
@given(DATA)
def test_nothing_differs_from_itself(data: dict[str, Any]) -> None:
    assert compare(data, data) == ()


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), unique=True), st.lists(st.sampled_from("abcd"), unique=True)
)
def test_lists_that_differ_say_so(old: list[str], new: list[str]) -> None:
    assert bool(compare({"x": old}, {"x": new})) == (old != new)


# --- finding -------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def record(wheel: Path, spec: BuildSpec | None, key: str) -> Record:
    data = wheel.read_bytes()
    return Record(
        filename=wheel.name,
        name="hello-cuda",
        version="1.0+cu118",
        build_tag="1",
        tags=("py3-none-manylinux_2_31_x86_64",),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        metadata="x",
        metadata_sha256="0" * 64,
        build_key=key,
        build_spec=None if spec is None else spec.model_dump(mode="json"),
    )


def put(store: Store, tmp_path: Path, spec: BuildSpec) -> None:
    wheel = tmp_path / NAME
    wheel.write_bytes(b"x")
    store.put(spec.key, wheel, record(wheel, spec, spec.key))


def find(what: str, store: Store, *planned: BuildSpec) -> BuildSpec:
    return find_spec(what, store=store, planned=lambda: planned)


def test_a_key_of_the_store(world: World, store: Store, tmp_path: Path) -> None:
    wanted = spec(world)
    put(store, tmp_path, wanted)
    assert find(wanted.key, store) == wanted
    assert find(wanted.key[:6], store) == wanted


def test_a_key_that_could_be_built(world: World, store: Store) -> None:
    wanted = spec(world)
    assert find(wanted.key[:8], store, wanted, spec(world, "cu124")) == wanted


def test_a_prefix_must_be_unique(world: World, store: Store) -> None:
    wanted = spec(world)
    twin = SimpleNamespace(key=wanted.key[:4] + "0" * 28)
    with pytest.raises(UsageError, match="the start of several keys"):
        find_spec(wanted.key[:4], store=store, planned=lambda: [wanted, twin])


@pytest.mark.parametrize("what", ["abc", "xyzw", "ABCD", "opencv-cuda", "", "a" * 33])
def test_what_is_no_key(what: str, store: Store) -> None:
    with pytest.raises(UsageError, match="neither a file nor a build key"):
        find(what, store)


def test_a_key_nobody_knows(store: Store) -> None:
    with pytest.raises(UsageError, match="no key starts with 'abcd'"):
        find("abcd", store)


def test_files(world: World, store: Store, tmp_path: Path) -> None:
    wanted = spec(world)
    wheel = tmp_path / NAME
    wheel.write_bytes(b"x")
    beside = write_record(record(wheel, wanted, wanted.key), wheel)
    plain = tmp_path / "spec.json"
    plain.write_text(wanted.model_dump_json())
    for path in (wheel, beside, plain):
        assert find(str(path), store) == wanted


def test_the_spec_of_a_rendered_project(world: World, store: Store, tmp_path: Path) -> None:
    wanted = spec(world)
    path = tmp_path / "build-spec.json"
    path.write_text(json.dumps({"key": wanted.key, "spec": wanted.keyed()}))
    assert find(str(path), store).key == wanted.key


def test_the_spec_inside_a_wheel(world: World, store: Store, tmp_path: Path) -> None:
    wanted = spec(world)
    wheel = tmp_path / NAME
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("hello_cuda-1.0+cu118.dist-info/build-spec.json", wanted.document)
    assert find(str(wheel), store).key == wanted.key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "is neither a build spec nor a record"),
        ('{"recipe": "x"}', "is neither a build spec nor a record"),
        ('{"spec": {"sources": []}}', "is neither a build spec nor a record"),
    ],
)
def test_files_that_are_something_else(
    text: str, reason: str, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason):
        find(str(path), store)


def test_records_without_a_spec(store: Store, tmp_path: Path) -> None:
    wheel = tmp_path / NAME
    wheel.write_bytes(b"x")
    with pytest.raises(UsageError, match=r"no record .* beside the wheel"):
        find(str(wheel), store)
    write_record(record(wheel, None, "0" * 32), wheel)
    with pytest.raises(UsageError, match="has no build spec"):
        find(str(wheel), store)
