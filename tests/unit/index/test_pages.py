"""The pages as installers read them: golden bytes, order, links, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pip._internal.index.collector import IndexContent, parse_links
from pip._internal.models.link import Link

from index.addresses import check_url
from index.errors import EntryError
from index.model import File, Project, in_order
from index.pages.plain import simple_pages
from index.pages.simple_html import project_page, root_page
from index.records import Record
from index.wheels import check_wheel, record_of_wheel

Make = Callable[..., Record]

GOLDEN_PROJECT = """\
<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="pypi:repository-version" content="1.4">
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
    <meta name="pypi:repository-version" content="1.4">
    <title>Packages for cu118</title>
  </head>
  <body>
    <h1>Packages for cu118</h1>
    <a href="darknet-python/">darknet-python</a><br>
    <a href="opencv-cuda/">opencv-cuda</a><br>
  </body>
</html>
"""


def pages(*files: File, **options: str) -> dict[str, str]:
    return {page.path: page.content for page in simple_pages(files, **options)}


def links(page: str, url: str = "http://host/cu118/opencv-cuda/") -> list[Link]:
    """What pip itself finds in a page."""
    content = IndexContent(page.encode(), "text/html", "utf-8", url, cache_link_parsing=False)
    return list(parse_links(content))


def test_project_page_is_golden(make_record: Make) -> None:
    record = make_record()
    file = File.of_wheel(record, uploaded="2026-11-21T00:00:00Z", yanked="crashes on <sm_75>")
    wanted = GOLDEN_PROJECT.format(wheel=record.sha256, metadata=record.metadata_sha256)
    assert project_page(Project(name="opencv-cuda", files=(file,))) == wanted


def test_root_page_is_golden(make_record: Make) -> None:
    darknet = make_record("darknet_python-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl")
    site = pages(File.of_wheel(make_record()), File.of_wheel(darknet))
    assert site["cu118/index.html"] == GOLDEN_ROOT
    assert root_page("cu118", ["darknet-python", "opencv-cuda"]) == GOLDEN_ROOT


def test_pip_reads_back_what_went_in(make_record: Make) -> None:
    record = make_record()
    site = pages(File.of_wheel(record, yanked="no"))
    (link,) = links(site["cu118/opencv-cuda/index.html"])
    assert link.filename == record.filename
    assert link.url_without_fragment == f"http://host/files/{record.filename.replace('+', '%2B')}"
    assert link.hash == record.sha256
    assert link.requires_python == ">=3.9"
    assert link.yanked_reason == "no"
    assert link.metadata_file_data is not None
    assert link.metadata_file_data.hashes == {"sha256": record.metadata_sha256}


@pytest.mark.parametrize(
    "release",
    [
        "https://github.com/o/r/releases/download/v1+2",
        "https://github.com/o/r/releases/download/v1",
    ],
)
def test_absolute_links_have_no_plus(make_record: Make, release: str) -> None:
    record = make_record()
    site = pages(File.of_wheel(record, url=f"{release}/{record.filename}"))
    (link,) = links(site["cu118/opencv-cuda/index.html"])
    assert link.url.startswith("https://github.com/o/r/releases/download/v1")
    assert "+" not in link.url
    assert link.filename == record.filename


def test_a_query_or_a_host_is_no_part_of_the_path(make_record: Make) -> None:
    """What an address has before its path is left alone, whatever it looks like."""
    record = make_record()
    page = project_page(
        Project(name="a", files=(File.of_wheel(record, url=f"https://h:1/h+1/{record.filename}"),))
    )
    assert f'"https://h:1/h%2B1/{record.filename.replace("+", "%2B")}#sha256=' in page


def test_files_beside_the_site(make_record: Make) -> None:
    record = make_record()
    site = pages(File.of_wheel(record, url=f"../wheels/{record.filename}"))
    (link,) = links(
        site["cu118/opencv-cuda/index.html"], "file:///drive/My%20Drive/site/cu118/opencv-cuda/"
    )
    assert link.url_without_fragment == (
        f"file:///drive/My%20Drive/wheels/{record.filename.replace('+', '%2B')}"
    )


def test_one_root_per_cuda_and_simple_for_the_default(make_record: Make) -> None:
    names = [
        "a-1.0+cu118-py3-none-any.whl",
        "a-1.0+cu124-py3-none-any.whl",
        "everywhere-1.0-py3-none-any.whl",
    ]
    site = pages(*(File.of_wheel(make_record(name)) for name in names), default_cuda="cu124")
    for root, label in (("cu118", "cu118"), ("cu124", "cu124"), ("simple", "cu124")):
        assert f"%2B{label}-" in site[f"{root}/a/index.html"]
        assert site[f"{root}/a/index.html"].count("<a ") == 1
        assert f"{root}/everywhere/index.html" in site
        assert site[f"{root}/index.html"].count("<a ") == 2


def test_files_stand_in_version_order(make_record: Make) -> None:
    names = [f"a-{version}+cu118-{build}-py3-none-any.whl" for version, build in
             (("1.10", 1), ("1.9", 10), ("1.9", 2), ("1.9rc1", 1))]  # fmt: skip
    ordered = in_order(File.of_wheel(make_record(name)) for name in names)
    assert [file.filename for file in ordered] == names[::-1]


def test_metadata_and_projects_come_before_roots(make_record: Make) -> None:
    order = [page.path for page in simple_pages([File.of_wheel(make_record())])]
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
        pages(File.of_wheel(make_record(**changes)))


@pytest.mark.parametrize("where", ["name", "case", "spelling"])
def test_two_files_of_one_name_are_refused(make_record: Make, where: str) -> None:
    one = make_record("a_b-1.0+cu118-py3-none-any.whl")
    name, message = {
        "name": (one.filename, "twice"),
        "case": ("A_b-1.0+cu118-py3-none-any.whl", "case only"),
        "spelling": ("a.b-1.0+cu118-py3-none-any.whl", "spelling only"),
    }[where]
    with pytest.raises(EntryError, match=message):
        pages(File.of_wheel(one), File.of_wheel(make_record(name, name="a-b")))


@pytest.mark.parametrize(
    "url",
    ["../a/../x.whl", "files/../x.whl", "/x.whl", "javascript:x", "https://h/ x.whl", "",
     "files//x", 'https://h/"x.whl', "ftp://h/x.whl", "files/%2e%2e/x", "../files/../x.whl",
     "..", ".", "https://h/x.whl?a=b", "https://h/x.whl#a", "https://h/\x00x.whl", "https://h/\u202ex.whl"],
)  # fmt: skip
def test_other_addresses_are_refused(make_record: Make, url: str) -> None:
    with pytest.raises(EntryError, match="address"):
        check_url(url)
    if url:  # none at all means the site's own files
        with pytest.raises(EntryError, match="address"):
            pages(File.of_wheel(make_record(), url=url))


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


@given(reason=st.text(max_size=40))
def test_no_reason_breaks_out_of_its_attribute(reason: str) -> None:
    file = File(
        filename="a-1-py3-none-any.whl", name="a", version="1", cuda=None, sha256="0" * 64,
        size=1, url="files/a-1-py3-none-any.whl", yanked=reason,
    )  # fmt: skip
    page = project_page(Project(name="a", files=(file,)))
    parser = _Texts()
    parser.feed(page)
    assert parser.tags == ["html", "head", "meta", "meta", "title", "body", "h1", "a", "br"]
    (link,) = links(page)
    assert link.is_yanked


def test_plain_addresses_are_taken() -> None:
    for url in (
        "files/a-1+cu118.whl",
        "../wheels/a.whl",
        "../../wheels/a.whl",
        "https://host/a%2B.whl",
        "file:///a/b.whl",
        "https://host/A/b_c~d/x-1!2.0-py3-none-any.whl",
    ):
        check_url(url)


@pytest.mark.parametrize("fault", ["missing", "longer", "other"])
def test_a_wheel_that_is_not_the_recorded_one_is_refused(
    make_wheel: Callable[..., Path], fault: str
) -> None:
    wheel = make_wheel()
    record = record_of_wheel(wheel)
    check_wheel(record, wheel)
    data = bytearray(wheel.read_bytes())
    if fault == "missing":
        wheel.unlink()
    elif fault == "longer":
        wheel.write_bytes(data + b"x")
    else:
        data[0] ^= 1
        wheel.write_bytes(data)
    with pytest.raises(EntryError, match=wheel.name.replace("+", r"\+")):
        check_wheel(record, wheel)
