"""A record made from a wheel believes none of its claims unchecked."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import EntryError
from index.wheels import METADATA_LIMIT, read_headers, record_of_wheel

Make = Callable[..., Path]


def test_a_record_says_what_the_wheel_is(make_wheel: Make) -> None:
    text = "Metadata-Version: 2.1\nName: Tiny.GPU\nVersion: 1.0+cu118\nRequires-Python: >=3.10\n"
    wheel = make_wheel(text=text)
    record = record_of_wheel(wheel)
    assert (record.name, record.version, record.build_tag) == ("tiny-gpu", "1.0+cu118", "1")
    assert (record.cuda, record.requires_python) == ("cu118", ">=3.10")
    assert record.tags == ("py3-none-any",)
    assert record.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert record.size == wheel.stat().st_size
    assert record.metadata == text
    assert record.metadata_sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_a_local_part_that_is_no_cuda_is_no_label(make_wheel: Make) -> None:
    assert record_of_wheel(make_wheel("tiny_gpu-1.0+cpu-py3-none-any.whl")).cuda is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Name: other\nVersion: 1.0+cu118\n", "'other'"),
        ("Name: tiny-gpu\nVersion: 2.0+cu118\n", "'2.0"),
        ("Version: 1.0+cu118\n", "''"),
    ],
)
def test_a_lying_metadata_is_refused(make_wheel: Make, text: str, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        record_of_wheel(make_wheel(text=text))


def test_a_metadata_bomb_is_refused_unread(make_wheel: Make) -> None:
    text = "Name: tiny-gpu\nVersion: 1.0+cu118\n\n" + "0" * METADATA_LIMIT
    wheel = make_wheel(text=text)
    assert wheel.stat().st_size < 100_000
    with pytest.raises(EntryError, match="longer than"):
        record_of_wheel(wheel)


def test_two_metadata_files_are_refused(make_wheel: Make) -> None:
    wheel = make_wheel(members={"other-1.dist-info/METADATA": b"Name: other\n"})
    with pytest.raises(EntryError, match="2 METADATA"):
        record_of_wheel(wheel)


def test_a_truncated_wheel_is_refused(make_wheel: Make) -> None:
    wheel = make_wheel()
    wheel.write_bytes(wheel.read_bytes()[:-30])
    with pytest.raises(EntryError, match="not a readable wheel"):
        record_of_wheel(wheel)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.whl"
    path.write_bytes(b"")
    with pytest.raises(EntryError, match=r"notes\.whl"):
        record_of_wheel(path)


def test_a_folded_header_is_one_line(make_wheel: Make) -> None:
    text = "Name: tiny-gpu\nVersion: 1.0+cu118\nRequires-Python: >=3.10,\n\t <4\n"
    assert record_of_wheel(make_wheel(text=text)).requires_python == ">=3.10, <4"


@pytest.mark.parametrize("header", ["Name: tiny-gpu", "Version: 1.0+cu118", "Requires-Python: >=3"])
def test_a_header_said_twice_is_refused(make_wheel: Make, header: str) -> None:
    text = "Name: tiny-gpu\nVersion: 1.0+cu118\nRequires-Python: >=3\n"
    with pytest.raises(EntryError, match=f"{header.partition(':')[0]} twice"):
        record_of_wheel(make_wheel(text=text + header + "\n"))


def test_metadata_in_the_folder_of_another_project_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "tiny_gpu-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("numpy-1.0.dist-info/METADATA", "Name: tiny-gpu\nVersion: 1.0\n")
    with pytest.raises(EntryError, match=r"lies in 'numpy-1\.0\.dist-info/METADATA'"):
        record_of_wheel(wheel)


_PIECES = st.sampled_from(
    ["Name:", "name: ", "VERSION:", "Requires-Python:\t", " ", "\t", "\n", "\n", "a", "1.0", " >=3",
     "\r", "\x0b", "\x85", "From x", "é", ":", "X-Y: z", "\n\n", "Name : b"]
)  # fmt: skip


@given(metadata=st.lists(_PIECES, max_size=14).map("".join))
def test_headers_are_read_as_python_s_own_parser_does(metadata: str) -> None:
    message = HeaderParser().parsestr(metadata)
    expected = {
        header: [str(value) for value in message.get_all(header, [])]
        for header in ("Name", "Version", "Requires-Python")
    }
    assert read_headers(metadata) == expected
