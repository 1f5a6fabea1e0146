"""The simple repository API rule by rule: PEP 503, 592, 629, 658, 691, 700, 714, 740, 792, 833.

Read in the specification's text of August 2026 (simple-repository-api, file-yanking,
project-status-markers) and in PEP 714.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from index.ledger import Settings
from index.model import File, Project, check_label, in_order
from index.pages import hosting
from index.pages.simple_html import project_page, root_page
from index.pages.simple_json import project_json, root_json
from index.records import Record

Make = Callable[..., Record]
BASE = "https://owner.github.io/repo"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: list[tuple[dict[str, str | None], str]] = []
        self.metas: dict[str | None, str | None] = {}
        self.doctype = ""
        self.inside = False
        self.feed(text)

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "meta":
            self.metas[told.get("name")] = told.get("content")
        if tag == "a":
            self.anchors.append((told, ""))
            self.inside = True

    def handle_data(self, data: str) -> None:
        if self.inside:
            told, text = self.anchors[-1]
            self.anchors[-1] = (told, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "a"


@pytest.fixture
def wheel(make_record: Make) -> File:
    return File.of_wheel(
        make_record(), uploaded="2026-11-21T00:00:00Z", yanked="wrong <cuDNN>", provenance=True
    )


@pytest.fixture
def guard() -> File:
    name = "opencv_cuda-4.14.0.94+cu118.tar.gz"
    digest = hashlib.sha256(name.encode()).hexdigest()
    return File(
        filename=name, name="opencv-cuda", version="4.14.0.94+cu118", cuda="cu118",
        sha256=digest, size=900, url=f"files/{name}", uploaded="2026-11-21T00:00:00.5Z",
    )  # fmt: skip


def html(*files: File, base_url: str | None = BASE) -> Page:
    return Page(project_page(Project(name="opencv-cuda", files=files), base_url=base_url))


def as_json(*files: File, base_url: str | None = BASE) -> dict[str, Any]:
    loaded = json.loads(project_json(Project(name="opencv-cuda", files=files), base_url=base_url))
    assert isinstance(loaded, dict)
    return loaded


# -- PEP 503 and 629: HTML --------------------------------------------------------------------


def test_503_both_kinds_of_page_are_html5(wheel: File) -> None:
    for page in (html(wheel), Page(root_page("cu118", ["opencv-cuda"]))):
        assert page.doctype == "DOCTYPE html"


def test_503_a_root_has_one_anchor_per_project_with_its_name_and_a_slash_at_the_end() -> None:
    page = Page(root_page("cu118", ["darknet-python", "opencv-cuda"]))
    assert page.anchors == [
        ({"href": "darknet-python/"}, "darknet-python"),
        ({"href": "opencv-cuda/"}, "opencv-cuda"),
    ]


def test_503_an_anchors_text_is_the_last_part_of_its_address(wheel: File, guard: File) -> None:
    page = html(guard, wheel)
    assert len(page.anchors) == 2
    for told, text in page.anchors:
        path = urlsplit(str(told["href"])).path
        assert unquote(path.rpartition("/")[2]) == text


def test_503_an_address_ends_in_the_sha256(wheel: File) -> None:
    ((told, _),) = html(wheel).anchors
    assert urlsplit(str(told["href"])).fragment == f"sha256={wheel.sha256}"


def test_503_less_and_greater_are_escaped_in_requires_python(wheel: File) -> None:
    text = project_page(Project(name="opencv-cuda", files=(wheel,)))
    assert 'data-requires-python="&gt;=3.9"' in text


def test_629_and_833_both_forms_say_1_4(wheel: File) -> None:
    for page in (html(wheel), Page(root_page("cu118", []))):
        assert page.metas["pypi:repository-version"] == "1.4"
    for loaded in (as_json(wheel), json.loads(root_json([]))):
        assert loaded["meta"] == {"api-version": "1.4"}


def test_792_no_status_means_active(wheel: File) -> None:
    assert "pypi:project-status" not in html(wheel).metas
    assert "project-status" not in as_json(wheel)


# -- PEP 592: yanked ----------------------------------------------------------------------------


def test_592_the_reason_stands_in_both_forms(wheel: File) -> None:
    assert html(wheel).anchors[0][0]["data-yanked"] == "wrong <cuDNN>"
    assert as_json(wheel)["files"][0]["yanked"] == "wrong <cuDNN>"


def test_592_a_file_that_is_not_yanked_has_no_attribute(guard: File) -> None:
    assert "data-yanked" not in html(guard).anchors[0][0]
    assert as_json(guard)["files"][0]["yanked"] is False


def test_691_an_empty_reason_is_still_a_yank(make_record: Make) -> None:
    file = File.of_wheel(make_record(), yanked="")
    assert html(file).anchors[0][0]["data-yanked"] == ""
    assert as_json(file)["files"][0]["yanked"] is True


# -- PEP 658 and 714: metadata ------------------------------------------------------------------


def test_714_html_says_it_under_both_names_alike(wheel: File) -> None:
    told = html(wheel).anchors[0][0]
    assert told["data-core-metadata"] == f"sha256={wheel.metadata_sha256}"
    assert told["data-dist-info-metadata"] == told["data-core-metadata"]


def test_714_json_says_it_under_the_new_name_only_because_older_pips_fail(wheel: File) -> None:
    (file,) = as_json(wheel)["files"]
    assert file["core-metadata"] == {"sha256": wheel.metadata_sha256}
    assert "dist-info-metadata" not in file


def test_658_a_guard_has_none(guard: File) -> None:
    assert not [name for name in html(guard).anchors[0][0] if "metadata" in name]
    assert not [name for name in as_json(guard)["files"][0] if "metadata" in name]


# -- PEP 691 and 700: JSON ----------------------------------------------------------------------


def test_691_a_root_is_an_object_with_meta_and_projects() -> None:
    assert json.loads(root_json(["a", "b"])) == {
        "meta": {"api-version": "1.4"}, "projects": [{"name": "a"}, {"name": "b"}],
    }  # fmt: skip


def test_691_and_700_a_project_has_these_keys(wheel: File, guard: File) -> None:
    loaded = as_json(guard, wheel)
    assert set(loaded) == {"meta", "name", "versions", "files"}
    assert loaded["name"] == "opencv-cuda"
    optional = {"requires-python", "core-metadata", "upload-time", "provenance", "yanked"}
    for file in loaded["files"]:
        assert {"filename", "url", "hashes", "size"} <= set(file)
        assert set(file) <= {"filename", "url", "hashes", "size"} | optional
        assert re.fullmatch(r"[0-9a-f]{64}", file["hashes"]["sha256"])
        assert type(file["size"]) is int


def test_700_versions_are_a_set_of_normalised_ones(make_record: Make) -> None:
    files = in_order(
        File.of_wheel(make_record(f"a-{version}-py3-none-any.whl", cuda=None))
        for version in ("1.0+cu118", "1.00+CU118", "1.0", "0.9rc1")
    )
    assert as_json(*files)["versions"] == ["0.9rc1", "1.0", "1.0+cu118"]


def test_700_every_file_is_of_a_listed_version(wheel: File, guard: File) -> None:
    loaded = as_json(guard, wheel)
    assert loaded["versions"] == ["4.14.0.94+cu118"]


def test_700_upload_times_are_utc_with_at_most_six_digits(wheel: File, guard: File) -> None:
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
    assert all(form.fullmatch(file["upload-time"]) for file in as_json(guard, wheel)["files"])


def test_700_no_key_begins_with_an_underscore(wheel: File) -> None:
    loaded = as_json(wheel)
    assert not [key for key in (*loaded, *loaded["files"][0]) if key.startswith("_")]


def test_both_forms_say_the_same(wheel: File, guard: File) -> None:
    page, loaded = html(guard, wheel), as_json(guard, wheel)
    for (told, text), file in zip(page.anchors, loaded["files"], strict=True):
        assert told["href"] == f"{file['url']}#sha256={file['hashes']['sha256']}"
        assert text == file["filename"]
        assert told.get("data-requires-python") == file.get("requires-python")
        assert told.get("data-upload-time") == file.get("upload-time")
        assert told["data-size"] == str(file["size"])
        assert told.get("data-provenance") == file.get("provenance")


# -- PEP 740: attestations ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "base_url", "address"),
    [
        ("files/X.whl", BASE, f"{BASE}/files/X.whl.provenance"),
        ("files/X+1.whl", f"{BASE}/", f"{BASE}/files/X%2B1.whl.provenance"),
        ("../wheels/X.whl", BASE, "https://owner.github.io/wheels/X.whl.provenance"),
        ("https://host/r/X.whl", None, "https://host/r/X.whl.provenance"),
        # No whole address, or none on a secure origin: none at all.
        ("files/X.whl", None, None),
        ("files/X.whl", "http://host", None),
        ("http://host/X.whl", BASE, None),
        ("files/X.whl", "file:///content/drive", None),
    ],
)
def test_740_provenance_is_a_whole_address_on_a_secure_origin(
    make_record: Make, url: str, base_url: str | None, address: str | None
) -> None:
    file = File.of_wheel(make_record(), url=url, provenance=True)
    assert html(file, base_url=base_url).anchors[0][0].get("data-provenance") == address
    assert as_json(file, base_url=base_url)["files"][0].get("provenance") == address


def test_740_no_attestations_no_address(make_record: Make) -> None:
    file = File.of_wheel(make_record(), provenance=False)
    assert "data-provenance" not in html(file).anchors[0][0]
    assert "provenance" not in as_json(file)["files"][0]


# -- hosts --------------------------------------------------------------------------------------


def rule(pattern: str) -> re.Pattern[str]:
    """A rule as both hosts document it: ``*`` is anything, ``:name`` is one part of a path."""
    return re.compile(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", pattern.replace("*", "(?P<splat>.*)")))


def headers_of(path: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    fits = False
    for line in hosting.files(Settings())["_headers"].splitlines():
        if not line.startswith(" "):
            fits = rule(line).fullmatch(path) is not None
        elif fits:
            name, _, value = line.strip().partition(": ")
            found.setdefault(name, []).append(value)
    return found


def rewritten(path: str) -> str | None:
    for line in hosting.files(Settings())["_redirects"].splitlines():
        old, new, status = line.split()
        match = rule(old).fullmatch(path)
        if match:
            assert status == "200"
            for name, value in match.groupdict().items():
                new = new.replace(f":{name}", value)
            return new
    return None


JSON = "application/vnd.pypi.simple.v1+json"
SHORT, LONG = "public, max-age=300", "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/cu118/", None, SHORT),
        ("/cu118/opencv-cuda/", None, SHORT),
        ("/project/opencv-cuda/", None, SHORT),
        ("/cu118/index.json", JSON, SHORT),
        ("/cu118/opencv-cuda/index.json", JSON, SHORT),
        ("/files/X.whl", None, LONG),
        ("/files/X.whl.metadata", None, LONG),
        ("/assets/site.css", None, SHORT),
        ("/ledger.jsonl", None, None),
        ("/json/cu118/", JSON, SHORT),
        ("/json/cu118/opencv-cuda/", JSON, None),
    ],
)
def test_no_header_is_set_twice(path: str, kind: str | None, cache: str | None) -> None:
    wanted = {"X-Content-Type-Options": ["nosniff"]}
    wanted |= {"Content-Type": [kind]} if kind else {}
    wanted |= {"Cache-Control": [cache]} if cache else {}
    assert headers_of(path) == wanted


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/json/cu118/", "/cu118/index.json"),
        ("/json/cu118/opencv-cuda/", "/cu118/opencv-cuda/index.json"),
        ("/json/files/X%2B1.whl", "/files/X%2B1.whl"),
        ("/json/files/X.whl.metadata", "/files/X.whl.metadata"),
        ("/cu118/opencv-cuda/", None),
    ],
)
def test_hosts_that_cannot_negotiate_have_a_second_address_for_json(
    path: str, file: str | None
) -> None:
    assert rewritten(path) == file


def test_the_links_of_the_json_pages_hold_at_their_second_address(guard: File) -> None:
    (file,) = as_json(guard)["files"]
    found = urljoin("https://host/json/cu118/opencv-cuda/", file["url"])
    assert rewritten(urlsplit(found).path) == f"/files/{guard.filename.replace('+', '%2B')}"


def test_no_root_can_be_called_like_that_address() -> None:
    with pytest.raises(Exception, match="'json' cannot be the name"):
        check_label("json")


def test_a_missing_page_is_not_the_landing_page() -> None:
    """Cloudflare Pages answers with the landing page and 200 where there is no 404.html."""
    told = hosting.files(Settings(title="<b>", base_url=BASE))
    assert f'<a href="{BASE}/">&lt;b&gt;</a>' in told["404.html"]
    assert "<a" not in hosting.files(Settings())["404.html"]


def test_the_drive_layout_has_no_hosts_files() -> None:
    assert hosting.files(Settings(layout="drive")) == {}
    assert set(hosting.files(Settings())) == {".nojekyll", "404.html", "_headers", "_redirects"}
