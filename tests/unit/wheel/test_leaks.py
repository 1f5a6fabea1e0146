from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.wheel.leaks import GENERIC, find_leaks


def texts(data, *needles):
    return [(leak.needle, leak.text, leak.count) for leak in find_leaks("f", data, needles)]


def test_the_text_around_is_the_printable_string():
    data = b"\x01\x02-I/home/me/cache/x\x00other"
    assert texts(data, "/home/me/cache") == [("/home/me/cache", "-I/home/me/cache/x", 1)]


def test_a_longer_name_is_another_path():
    assert texts(b"/work/main2/x /work/main-old /work/main.d", "/work/main") == []
    assert texts(b"/work/main\0 /work/main/x (/work/main)", "/work/main")[0][2] == 3


def test_general_prefixes_must_begin_a_path():
    assert texts(b"https://example.org/home/x ../tmp/x $TMP/home/x ~/tmp/x", "/home/", "/tmp/")[
        :1
    ] == [("/home/", "https://example.org/home/x ../tmp/x $TMP/home/x ~/tmp/x", 1)]
    assert texts(b"see /home/ or /tmp/*", "/home/", "/tmp/") == []
    assert texts(b"\0/tmp/cc1.o\0", *GENERIC) == [("/tmp/", "/tmp/cc1.o", 1)]
    assert texts(b"-L/root/x", "/root/") == [("/root/", "-L/root/x", 1)]


def test_at_either_end_of_a_file():
    assert texts(b"/work/x", "/work/x") == [("/work/x", "/work/x", 1)]
    assert texts(b"/work/", "/work/x") == []


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_planted_path_is_found_in_anything(before, after):
    data = before + b"\0/work/cache/k\0" + after
    assert any(leak.needle == "/work/cache" for leak in find_leaks("f", data, ["/work/cache"]))
    assert all(leak.text.isprintable() for leak in find_leaks("f", data, ["/work/cache"]))
