from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import CheckError
from builder.wheel.cuda_code import architecture, containers, sort_key, summarise


def read(data):
    return list(containers(data, label="x"))


def complaint(data):
    """The error reading gives, or None; anything but a CheckError comes through."""
    try:
        read(data)
    except CheckError as error:
        return str(error)
    return None


def test_architectures_are_written_as_people_do():
    assert [architecture(number, 0) for number in (75, 86, 100, 121)] == [
        "7.5",
        "8.6",
        "10.0",
        "12.1",
    ]
    assert architecture(90, 0x100000) == "9.0a"
    assert architecture(100, 0x1200011) == "10.0f"
    assert sorted(["10.0", "9.0a", "9.0", "7.5"], key=sort_key) == ["7.5", "9.0", "9.0a", "10.0"]


def test_several_containers_with_padding_between_them(make_fatbin):
    one = make_fatbin(("elf", "7.5"), ("ptx", "8.0"))
    two = make_fatbin(("elf", "7.5"), payload=128)
    modules = read(one + bytes(40) + two + bytes(8))
    assert [[(e.kind, e.architecture, e.size) for e in module] for module in modules] == [
        [("elf", "7.5", 128), ("ptx", "8.0", 128)],
        [("elf", "7.5", 192)],
    ]
    summary = summarise(modules)
    assert summary.modules == 2
    assert [(c.kind, c.architecture, c.size, c.modules) for c in summary.codes] == [
        ("elf", "7.5", 320, 2),
        ("ptx", "8.0", 128, 1),
    ]
    assert summary.architectures("elf") == {"7.5"}


def test_nothing_is_nothing():
    assert read(b"") == []
    assert read(bytes(10_000)) == []
    assert summarise([]) is None
    assert summarise([()]) is None


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["elf", "ptx", "lto"]),
                st.sampled_from(["5.0", "7.5", "9.0", "9.0a", "10.0f", "12.1"]),
            ),
            max_size=5,
        ),
        max_size=5,
    ),
    st.integers(0, 9000),
)
def test_what_is_written_is_read_back(make_fatbin, modules, padding):
    data = b"".join(make_fatbin(*entries) + bytes(padding) for entries in modules)
    assert [[(e.kind, e.architecture) for e in module] for module in read(data)] == modules


def test_an_unknown_kind_is_named(make_fatbin):
    data = bytearray(make_fatbin(("elf", "7.5")))
    struct.pack_into("<H", data, 16, 16)
    assert [entry.kind for entry in read(bytes(data))[0]] == ["kind-16"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: b"\x01" + d[1:], "no fat binary at byte 0"),
        (lambda d: d[:4] + b"\x09" + d[5:], "unknown fat binary version 9"),
        (lambda d: d[:6] + b"\x00\x00" + d[8:], "unknown fat binary version"),
        (lambda d: d[:-1], "cut short"),
        (lambda d: d + b"\x50\xed", "2 stray bytes"),
        (lambda d: d[:8] + struct.pack("<Q", 20) + d[16:36], "entry at byte 16 is cut short"),
        (lambda d: d[:20] + struct.pack("<I", 0) + d[24:], "impossible sizes"),
        (lambda d: d[:24] + struct.pack("<Q", 2**63) + d[32:], "impossible sizes"),
        (lambda d: d[:44] + struct.pack("<I", 0) + d[48:], "for no GPU"),
    ],
)
def test_damage_is_a_clear_error(make_fatbin, change, message):
    with pytest.raises(CheckError, match=message):
        read(change(make_fatbin(("elf", "7.5"))))


@given(st.binary(max_size=400))
def test_garbage_never_crashes(data):
    assert (complaint(data) or "x: ").startswith("x: ")


@given(st.data())
def test_mutations_never_crash(make_fatbin, data):
    good = make_fatbin(("elf", "7.5"), ("ptx", "8.0")) * 2
    start = data.draw(st.integers(0, len(good)))
    stop = data.draw(st.integers(start, min(len(good), start + 16)))
    changed = good[:start] + data.draw(st.binary(max_size=16)) + good[stop:]
    assert (complaint(changed) or "x: ").startswith("x: ")
