from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import RecipeError, UsageError
from builder.targets import (
    Architectures,
    Target,
    load_targets,
    parse_architectures,
    parse_targets,
    python_tag,
    python_version,
    select,
)
from builder.targets.architectures import ordered
from builder.targets.select import matches
from builder.targets.table import TABLE

TARGETS = load_targets()
ALL = TARGETS.all()


def names(*selectors: str) -> list[str]:
    return [str(target) for target in select(selectors, TARGETS)]


# --- the table -----------------------------------------------------------------------------------


def test_every_cuda_with_every_python() -> None:
    assert TARGETS.labels == ("cu118", "cu124", "cu126", "cu128", "cu129", "cu130")
    assert TARGETS.pythons == ("3.10", "3.11", "3.12", "3.13", "3.14")
    assert len(ALL) == 30


@pytest.mark.parametrize(
    ("label", "version", "real", "ptx"),
    [
        ("cu118", "11.8", "6.0 7.0 7.5 8.0", "8.0"),
        ("cu124", "12.4", "7.5 8.0 9.0", "9.0"),
        ("cu126", "12.6", "7.5 8.0 9.0", "9.0"),
        ("cu128", "12.8", "7.5 8.0 9.0", "9.0"),
        ("cu129", "12.9", "7.5 8.0 9.0", "9.0"),
        ("cu130", "13.0", "7.5 8.0 9.0 10.0 12.0", "12.0"),
    ],
)
def test_default_architectures(label: str, version: str, real: str, ptx: str) -> None:
    cuda = TARGETS.cuda(label)
    assert cuda.version == version
    assert cuda.default == Architectures(real=tuple(real.split()), ptx=ptx)
    assert not cuda.unknown(cuda.default)


@pytest.mark.parametrize(
    ("label", "known", "unknown"),
    [
        ("cu118", ["3.5", "9.0"], ["3.0", "10.0"]),
        ("cu124", ["5.0", "9.0"], ["3.7", "10.0"]),
        ("cu128", ["10.0", "12.0", "5.0"], ["10.3", "12.1"]),
        ("cu129", ["10.3", "12.1", "5.0"], ["8.8", "11.0"]),
        ("cu130", ["7.5", "8.8", "11.0", "12.1"], ["7.0", "10.1"]),
    ],
)
def test_what_nvcc_knows(label: str, known: list[str], unknown: list[str]) -> None:
    wanted = parse_architectures([*known, *unknown])
    assert TARGETS.cuda(label).unknown(wanted) == ordered(unknown)


def test_the_pinned_host_compiler_fits_every_cuda() -> None:
    assert all(TARGETS.host_gcc <= cuda.max_host_gcc for cuda in TARGETS.cudas)


def test_a_row_is_all_a_new_cuda_takes() -> None:
    row = (
        '\n[cuda.cu132]\nversion = "13.2"\narchitectures = ["7.5", "12.0"]\n'
        'default = ["12.0"]\nptx = ""\nmax-host-gcc = 15\n'
    )
    table = parse_targets(TABLE.read_text("utf-8") + row)
    assert [str(one) for one in select(["cu132-py31[34]"], table)] == [
        "cu132-py313",
        "cu132-py314",
    ]
    assert table.cuda("cu132").default.ptx is None


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('version = "11.8"', 'version = "11.7"', "cuda.cu118"),
        ('ptx = "8.0"', 'ptx = "8.1"', "'8.1' is not among"),
        ("max-host-gcc = 11", 'max-host-gcc = "11"', "cuda.cu118.max-host-gcc"),
        ("host-gcc = 10 ", "host-gc = 10 ", "host-gc: unknown key"),
        ('"3.14"]', '"314"]', "'314' is no Python version"),
        ("[cuda.cu118]", "[cuda.cu118", "at line"),
        ("schema = 1", "schema = 2", "schema: must be 1"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(old: str, new: str, place: str) -> None:
    text = TABLE.read_text("utf-8")
    assert old in text
    with pytest.raises(RecipeError, match=re.escape(place)):
        parse_targets(text.replace(old, new, 1))


def test_several_faults_of_the_table_come_at_once() -> None:
    text = TABLE.read_text("utf-8").replace("schema = 1", "schema = 2").replace('"11.8"', '"1.8"')
    with pytest.raises(RecipeError) as caught:
        parse_targets(text)
    assert "schema: must be 1" in caught.value.message
    assert "cuda.cu118" in caught.value.message


# --- selectors -----------------------------------------------------------------------------------


def test_selectors() -> None:
    assert names("cu118-py310") == ["cu118-py310"]
    assert names("cu118") == [f"cu118-py3{minor}" for minor in range(10, 15)]
    assert names("cu1[13]*-py31[01]") == [
        "cu118-py310",
        "cu118-py311",
        "cu130-py310",
        "cu130-py311",
    ]
    assert names("all") == [str(target) for target in ALL]
    assert names("cu130-py314", "cu118-py310", "cu118*") == [*names("cu118"), "cu130-py314"]


@pytest.mark.parametrize(
    ("selector", "near"),
    [("cu119", "cu118"), ("cu118-py39", "cu118-py3"), ("cu118-310", "cu118-py310")],
)
def test_a_selector_that_names_nothing(selector: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(["all", selector], TARGETS)
    assert f"'{selector}'" in caught.value.message
    assert near in str(caught.value.remedy)


def test_no_selector() -> None:
    with pytest.raises(UsageError, match="no target named"):
        select([], TARGETS)


@settings(deadline=None)
@given(st.lists(st.sampled_from([*map(str, ALL), *TARGETS.labels, "all", "cu12*"]), min_size=1))
def test_selecting_is_a_union_in_the_tables_order(selectors: list[str]) -> None:
    found = select(selectors, TARGETS)
    assert list(found) == [target for target in ALL if target in found]
    one_by_one = {target for selector in selectors for target in select([selector], TARGETS)}
    assert set(found) == one_by_one


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_selector_names_something_or_is_refused(selector: str) -> None:
    if any(matches(selector, target) for target in ALL):
        assert set(select([selector], TARGETS)) <= set(ALL)
    else:
        with pytest.raises(UsageError, match="no target matches"):
            select([selector], TARGETS)


# --- names ---------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 99))
def test_python_tags_go_both_ways(minor: int) -> None:
    assert python_version(python_tag(f"3.{minor}")) == f"3.{minor}"


@pytest.mark.parametrize("text", ["310", "2.7", "3.10.1", "", "3.x", "py310", "3.100"])
def test_bad_python_versions(text: str) -> None:
    with pytest.raises(ValueError, match="no Python version"):
        python_tag(text)


@settings(deadline=None)
@given(st.sampled_from(ALL))
def test_targets_are_read_back(target: Target) -> None:
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize("text", ["cu118", "cu118-310", "CU118-py310", "cu118-py310 ", "-py310"])
def test_bad_targets(text: str) -> None:
    with pytest.raises(ValueError, match="no target"):
        Target.parse(text)


# --- architectures -------------------------------------------------------------------------------


def test_architectures_as_cmake_wants_them() -> None:
    found = parse_architectures(["8.0+PTX", "12.0", "7.5"])
    assert found == Architectures(real=("7.5", "8.0", "12.0"), ptx="8.0")
    assert found.cmake() == "75-real;80-real;120-real;80-virtual"
    assert parse_architectures(["7.5"]).cmake() == "75-real"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "at least one"),
        (["75"], "'75' is no architecture"),
        (["7.5", "7.5+PTX"], "twice"),
        (["7.5+PTX", "8.0+PTX"], "once is enough"),
        (["8.0+ptx"], "no architecture"),
        (["0.5"], "no architecture"),
    ],
)
def test_bad_architectures(words: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_architectures(words)


@settings(deadline=None)
@given(st.permutations(["5.0", "7.5", "8.0+PTX", "10.0", "12.1"]))
def test_the_order_written_does_not_matter(words: list[str]) -> None:
    assert parse_architectures(words) == Architectures(
        real=("5.0", "7.5", "8.0", "10.0", "12.1"), ptx="8.0"
    )
