"""`builder index check` on a folder: a right site passes, each fault gives just its own finding."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pip._internal.index.collector import IndexContent, parse_links
from pypi_simple import ProjectPage

from index.check import Report, check_site
from index.check.advertised import provenance_problem
from index.check.links import links_of_css, links_of_html, resolve
from index.check.listed import is_time
from index.check.read_html import read_project_html, read_root_html
from index.check.read_json import read_project_json, read_root_json
from index.errors import CheckError
from index.ledger import Remove, Yank
from tests.check_kit import (
    CU118,
    CU124,
    FAULTS,
    FOLDER_FAULTS,
    GUARD,
    OTHER,
    Fault,
    change,
    make_site,
    make_wheel,
    place_wheel,
    put,
    reseal,
)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("right") / "site")


@pytest.fixture
def site(right: Path, tmp_path: Path) -> Path:
    shutil.copytree(right, tmp_path / "site")
    return tmp_path / "site"


def test_a_right_site_has_no_findings(right: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in right.rglob("*")}
    report = check_site(right)
    assert report.findings == ()
    assert report.notes == ()
    assert (report.files, report.events) == (6, 7)
    # Two roots and /simple/: a root page and its projects in two forms, and pages for people.
    assert report.pages == 2 * (2 + 3 + 3) + 3
    assert {path: path.stat().st_mtime_ns for path in right.rglob("*")} == before
    report.raise_if_broken()


@pytest.mark.parametrize("fault", [*FAULTS, *FOLDER_FAULTS], ids=lambda fault: fault.name)
def test_each_fault_is_found(site: Path, fault: Fault) -> None:
    fault.do(site)
    report = check_site(site)
    fault.check(report)
    with pytest.raises(CheckError) as caught:
        report.raise_if_broken()
    assert caught.value.exit_code == 23


def test_all_faults_are_told_at_once(site: Path) -> None:
    (site / "files" / CU118).write_bytes(b"x")
    (site / "cu124/index.html").unlink()
    (site / "files/stray.whl").write_bytes(b"")
    report = check_site(f"file://{site}")
    assert {finding.kind for finding in report.findings} == {"missing", "size", "leftover"}
    assert list(report.findings) == sorted(report.findings)
    assert all(finding.place and finding.expected and finding.found for finding in report.findings)
    data = report.as_data()
    assert (data["schema_version"], data["ok"], len(data["findings"])) == (1, False, 3)
    assert all(finding["remedy"] for finding in data["findings"])


def test_fast_reads_no_bytes(site: Path) -> None:
    wheel = site / "files" / CU118
    wheel.write_bytes(b"x" * wheel.stat().st_size)
    report = check_site(site, fast=True)
    assert report.findings == ()
    assert "--fast" in report.notes[0]
    wheel.write_bytes(b"x")
    assert [finding.kind for finding in check_site(site, fast=True).findings] == ["size"]


def test_yanks_and_removals_are_as_the_ledger_says(site: Path) -> None:
    reason = 'a <b>"reason"</b> & more'
    change(site, [Yank(filename=OTHER, reason=reason), Remove(filename=CU124, reason="wrong")])
    report = check_site(site)
    assert report.findings == ()
    assert any(CU124 in note for note in report.notes)
    put(site / "cu124/other-one/index.html", "&quot;reason&quot;", "reason")
    (finding,) = check_site(site).findings
    assert finding.kind == "content"
    assert "yanked" in finding.expected


def test_what_is_not_of_the_index_is_noted(site: Path) -> None:
    (site / "CNAME").write_text("wheels.example\n")
    (site / "files/.half.part").write_text("")
    (site / ".git").mkdir()
    (site / ".git/config").write_text("")
    report = check_site(site)
    assert report.findings == ()
    (note,) = report.notes
    assert ".git/config, CNAME, files/.half.part" in note


def test_a_drive_folder_has_no_json_and_no_pages_for_people(tmp_path: Path) -> None:
    site = make_site(tmp_path / "My Drive" / "gpu wheels", layout="drive", base_url=None)
    assert check_site(site).findings == ()
    assert not (site / "index.html").exists()
    (site / "cu118/index.json").write_text("{}")
    (site / "cu118/tiny-gpu/index.json").write_text("{}")
    assert {finding.kind for finding in check_site(site).findings} == {"leftover"}


def test_wheels_in_a_folder_beside_the_site(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    make_site(folder, [place_wheel(folder, CU124, files="../wheels", provenance=True)])
    assert check_site(folder).findings == ()
    (tmp_path / "wheels" / CU124).unlink()
    (finding,) = check_site(folder).findings
    assert (finding.kind, finding.place) == ("missing", f"{folder}/../wheels/{CU124}")


def test_a_wheel_at_a_file_address(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    add = place_wheel(folder, CU124, files="../elsewhere")
    url = (tmp_path / "elsewhere" / CU124).as_uri().replace("%2B", "+")
    make_site(folder, [add.model_copy(update={"url": url})])
    assert check_site(folder).findings == ()


def test_an_unreachable_host_is_a_finding_each_and_asked_once(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    far = "http://127.0.0.1:1/wheels"
    make_site(folder, [place_wheel(folder, name, files=far) for name in (CU118, CU124)])
    report = check_site(folder)
    kinds = [finding.kind for finding in report.findings]
    assert kinds == ["unreachable"] * 4  # each wheel, and its metadata
    assert all("refused" in finding.found for finding in report.findings)


def test_a_record_that_lies_about_its_wheel(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    add = place_wheel(folder, CU124)
    other = place_wheel(tmp_path / "other", CU124)
    wheel = make_wheel(folder / "files", CU124, "Summary: another")
    from index.wheels import record_of_wheel

    truth = record_of_wheel(wheel)
    record = other.record.model_copy(update={"sha256": truth.sha256, "size": truth.size})
    make_site(folder, [add.model_copy(update={"record": record})])
    (finding,) = check_site(folder).findings
    assert (finding.kind, finding.place) == ("metadata", str(folder / "files" / CU124))


def test_a_site_that_changes_meanwhile(site: Path) -> None:
    class Meddler:
        def update(self, done: int, total: int | None = None, detail: str = "") -> None:
            if done == total:
                put(site / "ledger.head.json", '"count"', ' "count"')

    report = check_site(site, watch=Meddler())
    assert [finding.kind for finding in report.findings] == ["changed"]


def test_progress_reaches_its_end(site: Path) -> None:
    seen: list[tuple[int, int | None]] = []

    class Watch:
        def update(self, done: int, total: int | None = None, detail: str = "") -> None:
            seen.append((done, total))

    check_site(site, watch=Watch())
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1] == (len(seen), len(seen))


def test_an_event_that_does_not_fit_is_the_ledgers_fault(site: Path) -> None:
    reseal(site, [Yank(filename="not-there.whl", reason="x")])
    (finding,) = check_site(site).findings
    assert finding.kind == "ledger"
    assert "not-there.whl" in finding.found


# -- readers ----------------------------------------------------------------------------------


def test_pip_and_pypi_simple_read_the_same_files(right: Path) -> None:
    html = (right / "cu124/tiny-gpu/index.html").read_bytes()
    page = (right / "cu124/tiny-gpu/index.json").read_bytes()
    ours = read_project_html(html)
    ours_json, versions = read_project_json(page, "tiny-gpu")
    assert ours.problems == ours_json.problems == ()
    assert ours.files == ours_json.files
    assert {file.filename for file in ours.files} == {CU124, GUARD}
    assert versions == ("1.0+cu124",)
    url = "http://host/cu124/tiny-gpu/"
    for data, kind in ((html, "text/html"), (page, "application/vnd.pypi.simple.v1+json")):
        links = list(parse_links(IndexContent(data, kind, "utf-8", url, cache_link_parsing=False)))
        for file, link in zip(ours.files, links, strict=True):
            assert link.filename == file.filename
            assert link.url_without_fragment == f"http://host/{file.url.removeprefix('../../')}"
            assert link.hash == file.sha256
            assert link.requires_python == file.requires_python
            assert link.yanked_reason == file.yanked
            told = link.metadata_file_data
            assert (told.hashes if told else None) == (
                {"sha256": file.core_metadata} if file.core_metadata else None
            )
    for theirs in (
        ProjectPage.from_html("tiny-gpu", html.decode(), base_url=url),
        ProjectPage.from_json_data(json.loads(page), base_url=url),
    ):
        for file, package in zip(ours.files, theirs.packages, strict=True):
            assert package.filename == file.filename
            assert package.digests == {"sha256": file.sha256}
            assert package.requires_python == file.requires_python
            assert package.is_yanked == (file.yanked is not None)
            assert (package.metadata_digests or {}).get("sha256") == file.core_metadata


READERS: list[Callable[[bytes], object]] = [
    read_project_html,
    read_root_html,
    lambda data: read_project_json(data, "a"),
    read_root_json,
    provenance_problem,
    lambda data: links_of_html(data.decode("utf-8", "replace")),
    lambda data: list(links_of_css(data.decode("utf-8", "replace"))),
]
PIECES = st.sampled_from(
    [b"<!DOCTYPE html>", b"<a href='", b"#sha256=", b"'>", b"</a>", b"<!--", b"<![", b"<?", b"&#x",
     b"<a data-size=", b"<base href=http://[", b'{"files":', b'[{"filename":', b'"\\ud800"', b"}",
     b"]", b"null", b"1e999", b"NaN", b"9" * 5000, b"[" * 3000, b"<meta name=", b"\xff", b"\0"]
)  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@given(data=st.binary(max_size=200) | st.lists(PIECES, max_size=12).map(b"".join))
def test_no_bytes_crash_a_reader(reader: Callable[[bytes], object], data: bytes) -> None:
    reader(data)


@pytest.mark.parametrize(
    "path",
    ["cu124/tiny-gpu/index.html", "cu124/tiny-gpu/index.json", "cu124/index.html",
     "cu124/index.json", "index.html", "assets/site.css", "ledger.jsonl", "ledger.head.json",
     f"files/{CU124}.metadata", f"files/{OTHER}.provenance", f"files/{CU124}"],
)  # fmt: skip
def test_any_bytes_as_a_page_are_a_finding(site: Path, path: str) -> None:
    for data in (
        b"",
        b"\xff\0<![",
        b"[" * 100_000,
        b"{}",
        b"<a href='http://[' x=\x1b[31m>",
    ):
        (site / path).write_bytes(data)
        report: Report = check_site(site)
        assert report.findings
        assert all(finding.found.isprintable() for finding in report.findings)


@pytest.mark.parametrize(
    ("link", "page", "path", "elsewhere"),
    [
        ("project/a/", "index.html", "project/a/index.html", None),
        ("../../cu124/a/#x", "project/a/index.html", "cu124/a/index.html", None),
        ("../../", "project/a/index.html", "index.html", None),
        ("../../files/a%2Bb.whl#sha256=0", "project/a/index.html", "files/a+b.whl", None),
        ("../../../wheels/a.whl", "project/a/index.html", "../wheels/a.whl", None),
        ("https://o.example/r/cu124/", "404.html", "cu124/index.html", None),
        ("https://o.example/r", "404.html", "index.html", None),
        ("https://o.example/rest", "a.html", "https://o.example/rest", "https://o.example"),
        ("//cdn.example/x.js", "a.html", "//cdn.example/x.js", "http://cdn.example"),
        ("/cu124/", "a.html", "/cu124/", "the root of the host"),
        ("javascript:x()", "a.html", "javascript:x()", "javascript://"),
    ],
)
def test_where_links_lead(link: str, page: str, path: str, elsewhere: str | None) -> None:
    target = resolve(link, page, "https://o.example/r")
    assert target is not None
    assert (target.path, target.elsewhere) == (path, elsewhere)


@pytest.mark.parametrize("link", ["#top", "", "data:image/png;base64,AA==", "?x=1"])
def test_links_that_ask_nobody(link: str) -> None:
    assert resolve(link, "a.html", None) is None


def test_every_kind_of_link_is_seen() -> None:
    page = """<!DOCTYPE html><meta http-equiv="refresh" content="0; url=m"><base href=b>
    <link href=c><img src=d srcset="e 1x, f 2x" style="background:url('g')"><form action=h>
    <style>@import "i"; p { background: url(j) }</style><svg><use xlink:href=k /></svg>"""
    links, problem = links_of_html(page)
    assert problem is None
    assert sorted(links) == list("bcdefghijkm")


@pytest.mark.parametrize(
    ("text", "right"),
    [("2026-11-21T00:00:00Z", True), ("2026-11-21T00:00:00.123456Z", True),
     ("2026-13-21T00:00:00Z", False), ("2026-11-21 00:00:00Z", False), ("yesterday", False),
     ("2026-11-21T00:00:00", False), ("٢026-11-21T00:00:00Z", False)],
)  # fmt: skip
def test_times(text: str, right: bool) -> None:
    assert is_time(text) is right


def test_every_kind_of_finding_has_a_fault() -> None:
    from typing import get_args

    from index.check.findings import MEND, Kind

    assert set(get_args(Kind)) == MEND.keys()
    shown = {kind for fault in (*FAULTS, *FOLDER_FAULTS) for kind in fault.kinds}
    # The other three need a host, or a moment.
    assert set(get_args(Kind)) - shown == {"unreachable", "changed", "type"}
    assert all(re.search(r"[a-z]", text) for text in MEND.values())
