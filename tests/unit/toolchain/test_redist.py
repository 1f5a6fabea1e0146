from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import RecipeError, ToolchainError
from builder.toolchain.pins import RedistProduct, load_pins
from builder.toolchain.redist import components, manifest_pins

BASE = "https://developer.download.nvidia.com/compute/cuda/redist"
ROW = {"relative_path": "cuda_nvcc/linux-x86_64/a.tar.xz", "sha256": "a" * 64, "size": "12"}


def product(*names: str, variant: str | None = None) -> RedistProduct:
    return RedistProduct(
        product="cuda",
        version="12.6.3",
        components=names,
        variant=variant,
        include=("bin/*",),
        size=1,
        installed_size=1,
    )


def manifest(**changes: Any) -> str:
    row = {key: value for key, value in (ROW | changes).items() if value is not None}
    return json.dumps(
        {"release_date": "x", "cuda_nvcc": {"version": "12.6.85", "linux-x86_64": row}}
    )


def test_a_component_is_named_hashed_and_located() -> None:
    (found,) = components(manifest(), product("cuda_nvcc"), base=BASE)
    assert found.version == "12.6.85"
    assert found.artifact.source == f"{BASE}/cuda_nvcc/linux-x86_64/a.tar.xz"
    assert (found.artifact.filename, found.artifact.size) == ("a.tar.xz", 12)
    assert found.artifact.sha256 == "a" * 64


def test_a_variant_is_looked_up_below_the_platform() -> None:
    text = json.dumps({"cudnn": {"version": "9", "linux-x86_64": {"cuda12": ROW, "cuda11": {}}}})
    (found,) = components(text, product("cudnn", variant="cuda12"), base=BASE)
    assert found.artifact.filename == "a.tar.xz"
    with pytest.raises(ToolchainError, match="no 'cudnn' for linux-x86_64 and cuda13"):
        components(text, product("cudnn", variant="cuda13"), base=BASE)


def test_a_missing_component_is_named() -> None:
    with pytest.raises(ToolchainError, match=r"12\.6\.3's manifest has no 'libnpp'"):
        components(manifest(), product("cuda_nvcc", "libnpp"), base=BASE)


@pytest.mark.parametrize(
    "changes",
    [
        {"relative_path": "../x.tar.xz"},
        {"relative_path": "/x.tar.xz"},
        {"relative_path": ""},
        {"relative_path": None},
        {"relative_path": 3},
        {"sha256": None},
        {"sha256": "A" * 64},
        {"sha256": "a"},
    ],
)
def test_a_row_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ToolchainError, match="cuda_nvcc"):
        components(manifest(**changes), product("cuda_nvcc"), base=BASE)


@settings(deadline=None)
@given(st.text() | st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["cuda_nvcc", "linux-x86_64", "relative_path", "sha256", "version"]), inner
    ),
).map(json.dumps))  # fmt: skip
def test_whatever_a_manifest_holds_the_answer_is_components_or_our_error(text: str) -> None:
    try:
        found = components(text, product("cuda_nvcc"), base=BASE)
    except ToolchainError:
        return
    assert all(len(one.artifact.sha256) == 64 for one in found)


def test_a_version_without_a_pin_is_refused(data: Path) -> None:
    path = data / "cu126.toml"
    path.write_text(path.read_text().replace("12.6.3", "12.6.9"))
    (wanted,) = load_pins("cu126", data=data).redist
    with pytest.raises(RecipeError, match=r"no manifest for 12\.6\.9"):
        manifest_pins(data=data).find(wanted)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("sha256 =", "sha =", 'cuda.12.6.3.sha256: must be given'),
        ("https://developer", "http://developer", "cuda.12.6.3.manifest"),
        ("https://developer", "https://elsewhere", "cuda.12.6.3.manifest"),
        ("schema = 1", "schema = 1\n[other]", "other: unknown key"),
    ],
)  # fmt: skip
def test_a_manifest_pin_that_is_not_whole_is_refused(
    tmp_path: Path, make_data: Callable[..., Path], old: str, new: str, place: str
) -> None:
    data = make_data(tmp_path / "data")
    path = data / "nvidia-redist.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RecipeError) as caught:
        manifest_pins(data=data)
    assert place in caught.value.message
