"""Wheel names taken apart part by part come out as `packaging` has them whole."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from index.wheelname import parse_wheel_name

PARTS = st.one_of(
    st.sampled_from(
        ["a", "A.b_c", "a__b", "", "1.0", "1.0+cu118", "1!2.0rc1", "1.0.", "1", "1a", "x1", "01"]
    ),
    st.sampled_from(
        ["py3", "cp310", "py2.py3", "cp3 1", "none", "abi3", "any", "linux_x86_64.any"]
    ),
    st.text(max_size=4),
)


@given(st.lists(PARTS, min_size=3, max_size=8), st.sampled_from([".whl", ".zip", "", ".whl.whl"]))
@example(["a", "1.0", "1", "py3", "none", "any"], ".whl")
@example(["a", "1.0", "py2.py3", "none", "any"], ".whl")
@example(["a", "1.0", "b1", "py3", "none", "any"], ".whl")
def test_it_is_what_packaging_says(parts: list[str], suffix: str) -> None:
    filename = "-".join(parts) + suffix
    try:
        name, version, build, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        with pytest.raises(InvalidWheelFilename) as caught:
            parse_wheel_name(filename)
        assert str(caught.value) == str(error)  # noqa: PT017 -- the reference, not what is tested
        return
    found = parse_wheel_name(filename)
    assert (found.name, found.version) == (name, version)
    assert str(found.version) == str(version)
    assert found.build == (f"{build[0]}{build[1]}" if build else "")
    assert found.tags == tuple(sorted(map(str, tags)))
