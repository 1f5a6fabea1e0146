"""The pages as installers read them: golden bytes, order, links, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pip._internal.index.collector import IndexContent, parse_links
from pip._internal.models.link import Link

from index.errors import EntryError
from index.html import project_page, root_page
from index.model import Entry, check_url, make_roots
from index.records import Record
from index.render import render_pages, render_site

Make = Callable[..., Record]

GOLDEN_PROJECT = """\
<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="pypi:repository-version" content="1.1">
    <title>Links for opencv-cuda</title>
  </head>
  <body>
    <h1>Links for opencv-cuda</h1>
    <a href="../../files/opencv_cuda-4.14.0.94%2Bcu118-1-cp39-abi3-manylinux_2_31_x86_64.whl\
#sha256={wheel}" data-requires-python="&gt;=3.9" data-core-metadata="sha256={metadata}" \
data-dist-info-metadata="sha256={metadata}" data-yanked="crashes on &lt;sm_75&gt;" \
data-upload-time="2026-11-21T00:00:00Z" data-size="1000">\
opencv_cuda-4.14.0.94+cu118-1-cp39-abi3-manylinux_2_31_x86_64.whl</a><br>
  </body>
</html>
"""

GOLDEN_ROOT = """\
<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="pypi:repository-version" content="1.1">
    <title>Packages for cu118</title>
  </head>
  <body>
    <h1>Packages for cu118</h1>
    <a href="darknet-python/">darknet-python</a><br>
    <a href="opencv-cuda/">opencv-cuda</a><br>
  </body>
</html>
"""


def pages(*entries: Entry, **options: str) -> dict[str, str]:
    return {page.path: page.content for page in render_pages(entries, **options)}


def links(page: str, url: str = "http://host/cu118/opencv-cuda/") -> list[Link]:
    """What pip itself finds in a page."""
    content = IndexContent(page.encode(), "text/html", "utf-8", url, cache_link_parsing=False)
    return list(parse_links(content))


def test_project_page_is_golden(make_record: Make) -> None:
    record = make_record()
    entry = Entry(record=record, uploaded="2026-11-21T00:00:00Z", yanked="crashes on <sm_75>")
    (root,) = make_roots([entry])
    wanted = GOLDEN_PROJECT.format(wheel=record.sha256, metadata=record.metadata_sha256)
    assert project_page(root.projects[0]) == wanted


def test_root_page_is_golden(make_record: Make) -> None:
    darknet = make_record("darknet_python-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl")
    (root,) = make_roots([Entry(record=make_record()), Entry(record=darknet)])
    assert root_page(root) == GOLDEN_ROOT


def test_pip_reads_back_what_went_in(make_record: Make) -> None:
    record = make_record()
    site = pages(Entry(record=record, yanked="no"))
    (link,) = links(site["cu118/opencv-cuda/index.html"])
    assert link.filename == record.filename
    assert link.url_without_fragment == f"http://host/files/{record.filename.replace('+', '%2B')}"
    assert link.hash == record.sha256
    assert link.requires_python == ">=3.9"
    assert link.yanked_reason == "no"
    assert link.metadata_file_data is not None
    assert link.metadata_file_data.hashes == {"sha256": record.metadata_sha256}


def test_files_url_and_absolute_links_have_no_plus(make_record: Make) -> None:
    release = "https://github.com/o/r/releases/download/v1+2"
    absolute = Entry(record=make_record(), url=f"{release}/{make_record().filename}")
    for site in (
        pages(absolute),
        pages(
            Entry(record=make_record()), files_url="https://github.com/o/r/releases/download/v1/"
        ),
    ):
        (link,) = links(site["cu118/opencv-cuda/index.html"])
        assert link.url.startswith("https://github.com/o/r/releases/download/v1")
        assert "+" not in link.url
        assert link.filename == make_record().filename


def test_one_root_per_cuda_and_simple_for_the_default(make_record: Make) -> None:
    files = [
        "a-1.0+cu118-py3-none-any.whl",
        "a-1.0+cu124-py3-none-any.whl",
        "everywhere-1.0-py3-none-any.whl",
    ]
    site = pages(*(Entry(record=make_record(name)) for name in files), default_cuda="cu124")
    for root, label in (("cu118", "cu118"), ("cu124", "cu124"), ("simple", "cu124")):
        assert f"%2B{label}-" in site[f"{root}/a/index.html"]
        assert site[f"{root}/a/index.html"].count("<a ") == 1
        assert f"{root}/everywhere/index.html" in site
        assert site[f"{root}/index.html"].count("<a ") == 2


def test_files_stand_in_version_order(make_record: Make) -> None:
    names = [f"a-{version}+cu118-{build}-py3-none-any.whl" for version, build in
             (("1.10", 1), ("1.9", 10), ("1.9", 2), ("1.9rc1", 1))]  # fmt: skip
    (root,) = make_roots(Entry(record=make_record(name)) for name in names)
    assert [entry.record.filename for entry in root.projects[0].files] == names[::-1]


def test_metadata_and_projects_come_before_roots(make_record: Make) -> None:
    order = [page.path for page in render_pages([Entry(record=make_record())])]
    assert [path.split("/")[0] for path in order] == ["files", "cu118", "cu118"]
    assert order[-1] == "cu118/index.html"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "opencv"}, "name 'opencv'"),
        ({"version": "4.14.0.95+cu118"}, "version"),
        ({"build_tag": "2"}, "build tag"),
        ({"tags": ("py3-none-any",)}, "tags"),
        ({"metadata": "Name: other\n"}, "METADATA"),
        ({"requires_python": '"><script>'}, "Invalid specifier"),
        ({"cuda": "../up"}, "index root"),
        ({"cuda": "files"}, "index root"),
        ({"cuda": "simple"}, "index root"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(
    make_record: Make, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(EntryError, match=message):
        pages(Entry(record=make_record(**changes)))


@pytest.mark.parametrize("where", ["name", "case"])
def test_two_files_of_one_name_are_refused(make_record: Make, where: str) -> None:
    one = make_record("a-1.0+cu118-py3-none-any.whl")
    name = one.filename if where == "name" else "A-1.0+cu118-py3-none-any.whl"
    with pytest.raises(EntryError, match="twice" if where == "name" else "case only"):
        pages(Entry(record=one), Entry(record=make_record(name, name="a")))


@pytest.mark.parametrize(
    "url",
    ["../x.whl", "files/../x.whl", "/x.whl", "javascript:x", "https://h/ x.whl", "", "files//x",
     'https://h/"x.whl', "ftp://h/x.whl", "files/%2e%2e/x"],
)  # fmt: skip
def test_other_addresses_are_refused(make_record: Make, url: str) -> None:
    with pytest.raises(EntryError, match="address"):
        pages(Entry(record=make_record(), url=url))


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


@given(reason=st.text(max_size=40))
def test_no_reason_breaks_out_of_its_attribute(make_record_static: Make, reason: str) -> None:
    (root,) = make_roots([Entry(record=make_record_static(), yanked=reason)])
    page = project_page(root.projects[0])
    parser = _Texts()
    parser.feed(page)
    assert parser.tags == ["html", "head", "meta", "meta", "title", "body", "h1", "a", "br"]
    (link,) = links(page)
    assert link.is_yanked


@pytest.fixture(scope="module")
def make_record_static() -> Make:
    text = "Metadata-Version: 2.1\nName: a\nVersion: 1\n"
    record = Record(
        filename="a-1-py3-none-any.whl",
        name="a",
        version="1",
        tags=("py3-none-any",),
        sha256="0" * 64,
        size=1,
        metadata=text,
        metadata_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    return lambda: record


def test_plain_addresses_are_taken() -> None:
    for url in ("files/a-1+cu118.whl", "https://host/a%2B.whl", "file:///a/b.whl"):
        check_url(url)


def test_a_site_is_written_once(
    make_record: Make, make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    from index.wheels import record_of_wheel

    wheel = make_wheel()
    record = record_of_wheel(wheel)
    site = tmp_path / "site"
    first = render_site([Entry(record=record)], site, wheels=wheel.parent)
    assert set(first.written) == {
        path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()
    }
    assert (site / "files" / wheel.name).read_bytes() == wheel.read_bytes()
    assert (site / "files" / f"{wheel.name}.metadata").read_text() == record.metadata
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*")}
    second = render_site([Entry(record=record)], site, wheels=wheel.parent)
    assert second.written == ()
    assert set(second.unchanged) == set(first.written)
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*")} == before


@pytest.mark.parametrize("fault", ["missing", "longer", "other"])
def test_a_wheel_that_is_not_the_recorded_one_is_refused(
    make_wheel: Callable[..., Path], tmp_path: Path, fault: str
) -> None:
    from index.wheels import record_of_wheel

    wheel = make_wheel()
    entry = Entry(record=record_of_wheel(wheel))
    data = bytearray(wheel.read_bytes())
    if fault == "missing":
        wheel.unlink()
    elif fault == "longer":
        wheel.write_bytes(data + b"x")
    else:
        data[0] ^= 1
        wheel.write_bytes(data)
    with pytest.raises(EntryError, match=wheel.name.replace("+", r"\+")):
        render_site([entry], tmp_path / "site", wheels=wheel.parent)
    assert not list((tmp_path / "site").rglob("*.html"))
