"""NVIDIA's licence is said once for a cache, before the first download."""

from __future__ import annotations

from builder.fetch import fetch, licence_note
from builder.fetch.licence import NVIDIA_EULA


def test_the_note(make):
    ours = make(b"x", "pypi:cmake==4.0", name="cmake-4.0.whl")
    theirs = make(b"y", "pypi:nvidia-npp-cu11==11", name="nvidia_npp_cu11-11.whl")
    debian = make(b"z", "debian:pool/non-free/n/nvidia-cuda-toolkit/x_11.8.deb", name="x_11.8.deb")
    assert licence_note([ours]) is None
    assert licence_note([]) is None
    note = licence_note([ours, theirs])
    assert note is not None
    assert NVIDIA_EULA in note
    assert "\n" not in note
    assert "2 packages" in str(licence_note([ours, theirs, debian]))


def test_said_once_before_the_first_download(server, cache, settings, make, heard):
    plain = make(b"p", server.put("/p", b"p"), name="p")
    one = make(b"1", server.put("/1", b"1"), name="nvidia_one.whl")
    two = make(b"2", server.put("/2", b"2"), name="nvidia_two.whl")
    fetch(plain, cache=cache, reporter=heard, settings=settings)
    assert heard.said == []
    fetch(one, cache=cache, reporter=heard, settings=settings)
    assert len(heard.said) == 1
    assert NVIDIA_EULA in heard.said[0]
    fetch(two, cache=cache, reporter=heard, settings=settings)
    assert len(heard.said) == 1
