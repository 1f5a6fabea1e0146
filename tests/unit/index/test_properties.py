"""For names, versions, tags and reasons nobody thought of: what goes in comes out the same.

Out of pip's own reader of index pages, that is, and out of the ledger.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import string
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version
from pip._internal.index.collector import IndexContent, parse_links
from pip._internal.models.link import Link
from pip._internal.models.wheel import Wheel

from index.addresses import check_url
from index.consistent import check_record
from index.errors import EntryError, LedgerError
from index.ledger import (
    Add,
    Configure,
    Event,
    Guard,
    Head,
    Remove,
    Settings,
    Unyank,
    Yank,
    read_lines,
)
from index.ledger.seal import check_seals
from index.model import File, Project, in_order
from index.pages.simple_html import project_page, root_page
from index.pages.simple_json import project_json, root_json
from index.records import Record
from index.serve.negotiate import JSON_TYPE
from tests.index_kit import TIME, sealed, state_of

PAGE = "https://host/repo/cu118/name/"
LETTERS = string.ascii_lowercase + string.digits

words = st.text(LETTERS, min_size=1, max_size=6)
names = st.lists(words, min_size=1, max_size=3).map("-".join)
numbers = st.integers(0, 10**6)


@st.composite
def versions(draw: st.DrawFn) -> str:
    """Every part a version may have, normalised: epoch, pre, post, dev, local."""
    parts = [str(number) for number in draw(st.lists(numbers, min_size=1, max_size=4))]
    text = ".".join(parts)
    if draw(st.booleans()):
        text = f"{draw(st.integers(0, 20))}!{text}"
    text += draw(st.sampled_from(["", "a1", "b0", "rc12", ".pre3"]))
    text += draw(st.sampled_from(["", ".post1", "-2"]))
    text += draw(st.sampled_from(["", ".dev3"]))
    local = draw(st.lists(words, max_size=3))
    return str(Version(text + ("+" + ".".join(local) if local else "")))


tags = st.sampled_from(
    [
        "py3-none-any",
        "py2.py3-none-any",
        "cp39-abi3-manylinux_2_31_x86_64",
        "cp313-cp313t-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp310-cp310-macosx_11_0_arm64",
    ]
)
build_tags = st.one_of(
    st.none(),
    st.builds(lambda number, rest: f"{number}{rest}", st.integers(0, 9999),
              st.text(string.ascii_lowercase + "_.", max_size=4)),
)  # fmt: skip
specifiers = st.builds(
    lambda operator, version, rest: f"{operator}{version}{rest}",
    st.sampled_from([">=", "<=", "<", ">", "!=", "=="]),
    st.sampled_from(["3", "3.9", "3.10", "2.7.0"]),
    st.sampled_from(["", "", " "]),
)
odd_specifiers = st.sampled_from(["===<script>", "===\"&amp'", "~=3.9", "==3.*", "!=3.11.*"])
requirements = st.one_of(
    st.none(),
    st.lists(st.one_of(specifiers, odd_specifiers), min_size=1, max_size=4).map(", ".join),
)
reasons = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and text.isprintable())
segments = st.text(LETTERS + "._~!$&()*,;=:@-+%", min_size=1, max_size=8)
folders = st.one_of(
    st.just("files"),
    st.just("../wheels"),
    st.builds(
        lambda scheme, host, path: f"{scheme}://{host}/{'/'.join(path)}",
        st.sampled_from(["http", "https"]), st.sampled_from(["h", "h.example:81", "127.0.0.1"]),
        st.lists(segments.filter(lambda text: text.strip(".") and "%" not in text), min_size=1,
                 max_size=3),
    ),
)  # fmt: skip


@st.composite
def records(draw: st.DrawFn, name: str | None = None) -> Record:
    name = draw(names) if name is None else name
    version, build, tag = draw(versions()), draw(build_tags), draw(tags)
    parts = [name.replace("-", "_"), version, *([build] if build else []), tag]
    filename = "-".join(parts) + ".whl"
    requires = draw(requirements)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    _, _, number, named = parse_wheel_filename(filename)
    return Record(
        filename=filename,
        name=name,
        version=version,
        build_tag=f"{number[0]}{number[1]}" if number else None,
        tags=tuple(sorted(str(one) for one in named)),
        requires_python=requires,
        sha256=hashlib.sha256(filename.encode()).hexdigest(),
        size=draw(st.integers(0, 2**62)),
        metadata=text,
        metadata_sha256=hashlib.sha256(text.encode()).hexdigest(),
        cuda=draw(st.sampled_from([None, "cu118", "cu1300"])),
    )


@st.composite
def files(draw: st.DrawFn, name: str | None = None) -> File:
    record = draw(records(name))
    return File.of_wheel(
        record,
        url=f"{draw(folders)}/{record.filename}",
        uploaded=TIME,
        yanked=draw(st.one_of(st.none(), reasons)),
    )


def read_by_pip(page: str, content_type: str) -> list[Link]:
    content = IndexContent(page.encode(), content_type, "utf-8", PAGE, cache_link_parsing=False)
    return list(parse_links(content))


def both_forms(project: Project) -> list[tuple[str, str]]:
    return [(project_page(project), "text/html"), (project_json(project).decode(), JSON_TYPE)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(file=files())
def test_pip_reads_the_same_out_of_both_forms(file: File) -> None:
    assert file.record is not None
    check_record(file.record)
    check_url(file.url)
    for page, content_type in both_forms(Project(name=file.name, files=(file,))):
        (link,) = read_by_pip(page, content_type)
        assert link.filename == file.filename
        base = "https://host/repo/" if "://" not in file.url else ""
        assert unquote(link.url_without_fragment) == urljoin(base, file.url)
        assert "+" not in urlsplit(link.url_without_fragment).path
        assert link.hash_name == "sha256"
        assert link.hash == file.sha256
        assert (link.requires_python or None) == file.requires_python
        assert SpecifierSet(link.requires_python or "") == SpecifierSet(file.requires_python or "")
        assert link.yanked_reason == file.yanked
        assert link.metadata_file_data is not None
        assert link.metadata_file_data.hashes == {"sha256": file.metadata_sha256}
        metadata = link.metadata_link()
        assert metadata is not None
        assert metadata.url_without_fragment == f"{link.url_without_fragment}.metadata"
        wheel = Wheel(link.filename)
        assert canonicalize_name(wheel.name) == file.name
        assert Version(wheel.version) == Version(file.version)
        assert {str(tag) for tag in wheel.file_tags} == set(file.record.tags)
        name, version, build, _ = parse_wheel_filename(link.filename)
        assert (name, str(version)) == (file.name, file.version)
        assert (f"{build[0]}{build[1]}" if build else None) == file.record.build_tag
    told = project_json(Project(name=file.name, files=(file,))).decode()
    (json_link,) = read_by_pip(told, JSON_TYPE)
    assert json_link.upload_time == datetime.fromisoformat(TIME)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(some=st.lists(files("one-name"), max_size=5, unique_by=lambda file: file.filename))
def test_files_come_out_in_their_order(some: Sequence[File]) -> None:
    ordered = in_order(some)
    listed = [Version(file.version) for file in ordered]
    assert listed == sorted(listed)
    project = Project(name="one-name", files=ordered)
    for page, content_type in both_forms(project):
        assert [link.filename for link in read_by_pip(page, content_type)] == [
            file.filename for file in ordered
        ]
    told = json.loads(project_json(project))["versions"]
    assert [Version(version) for version in told] == sorted({*listed})


@given(some=st.lists(names, max_size=8, unique=True))
def test_projects_come_out_in_their_order(some: list[str]) -> None:
    content = IndexContent(
        root_page("cu118", some).encode(), "text/html", "utf-8", PAGE, cache_link_parsing=False
    )
    assert [link.url for link in parse_links(content)] == [f"{PAGE}{name}/" for name in some]
    assert [project["name"] for project in json.loads(root_json(some))["projects"]] == some


@given(filename=st.text(max_size=40), name=st.text(max_size=20), version=st.text(max_size=10))
def test_what_is_not_plain_is_refused(filename: str, name: str, version: str) -> None:
    text = "Metadata-Version: 2.1\n"
    record = Record.model_construct(
        filename=filename, name=name, version=version, build_tag=None, tags=(), cuda=None,
        requires_python=None, sha256="0" * 64, size=0, metadata=text,
        metadata_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )  # fmt: skip
    with pytest.raises(EntryError):
        check_record(record)


@given(url=st.one_of(st.text(max_size=30), st.text("./%?#:+ a\\", max_size=12)))
def test_an_address_that_is_taken_is_plain(url: str) -> None:
    try:
        check_url(url)
    except EntryError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert not set(url) & set(" \"'<>\\?#")
    if "://" not in url:
        assert not url.startswith("/")
        assert posixpath.normpath(url) == url


# -- the ledger -----------------------------------------------------------------------------

guards = st.builds(
    lambda name, version, message: Guard(
        filename=f"{name.replace('-', '_')}-{version}.tar.gz", name=name, version=version,
        message=message, sha256="0" * 64, size=len(message), uploaded=TIME,
        url=f"files/{name.replace('-', '_')}-{version}.tar.gz",
    ),
    names, versions(), st.text(max_size=50),
)  # fmt: skip
adds = st.builds(
    lambda record, folder, told: Add(
        record=record, url=f"{folder}/{record.filename}", uploaded=TIME, provenance=told
    ),
    records(),
    folders,
    st.booleans(),
)
events = st.one_of(
    adds,
    guards,
    st.builds(Yank, filename=st.text(max_size=20), reason=reasons),
    st.builds(Unyank, filename=st.text(max_size=20), reason=reasons),
    st.builds(Remove, filename=st.text(max_size=20), reason=reasons),
    st.builds(Configure, settings=st.builds(Settings, title=reasons)),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(some=st.lists(events, max_size=5))
def test_events_come_out_of_the_ledger_as_they_went_in(some: list[Event]) -> None:
    data, head = sealed(some)
    lines = data.splitlines(keepends=True)
    assert data.count(b"\n") == len(some)
    read = list(read_lines([line + b"\n" for line in data.split(b"\n")[:-1]], reach=head))
    assert [line.event for line in read] == some
    assert (read[-1].head if read else head) == head
    assert len(lines) == len(some)  # no other kind of line break either
    for line in read:
        start, end = line.offset, line.head.size
        assert data[start:end].endswith(line.head.digest.encode() + b'"}\n')


@pytest.fixture(scope="module")
def ledger() -> tuple[bytes, Head]:
    names_of = [f"a-{number}-py3-none-any.whl" for number in range(4)]
    text = "Metadata-Version: 2.1\n"
    some: list[Event] = [
        Add(
            record=Record(
                filename=name, name="a", version=name[2:3], tags=("py3-none-any",),
                sha256="0" * 64, size=1, metadata=text,
                metadata_sha256=hashlib.sha256(text.encode()).hexdigest(),
            ),
            url=f"files/{name}", uploaded=TIME,
        )
        for name in names_of
    ]  # fmt: skip
    some += [Yank(filename=names_of[0], reason="é"), Yank(filename=names_of[0], reason="é")]
    data, head = sealed(some)
    assert state_of(data, head).head == head
    return data, head


def noticed(data: bytes, head: Head) -> None:
    with pytest.raises(LedgerError):
        state_of(data, head)
    lines = [line + b"\n" for line in data.split(b"\n")]
    assert not check_seals([*lines[:-1], lines[-1][:-1]], head)


@settings(deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_noticed(ledger: tuple[bytes, Head], data: st.DataObject) -> None:
    text, head = ledger
    position = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != text[position]))
    noticed(text[:position] + bytes([byte]) + text[position + 1 :], head)


@settings(deadline=None)
@given(data=st.data())
def test_any_dropped_or_inserted_byte_is_noticed(
    ledger: tuple[bytes, Head], data: st.DataObject
) -> None:
    text, head = ledger
    position = data.draw(st.integers(0, len(text) - 1))
    noticed(text[:position] + text[position + 1 :], head)
    byte = bytes([data.draw(st.integers(0, 255))])
    longer = text[:position] + byte + text[position:]
    noticed(longer, head)


@settings(deadline=None)
@given(data=st.data())
def test_lines_dropped_doubled_or_swapped_are_noticed(
    ledger: tuple[bytes, Head], data: st.DataObject
) -> None:
    text, head = ledger
    lines = text.splitlines(keepends=True)
    one = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(st.integers(0, len(lines) - 1))
    assume(one != other)
    noticed(b"".join(lines[:one] + lines[one + 1 :]), head)
    swapped = list(lines)
    swapped[one], swapped[other] = lines[other], lines[one]
    noticed(b"".join(swapped), head)
    doubled = [*lines[: one + 1], lines[one], *lines[one + 1 :]]
    with pytest.raises(LedgerError):
        state_of(b"".join(doubled), head)
