"""`builder index check` over http: what installers would meet, faults and bad hosts included."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from index.check import web
from index.check.run import check_site
from index.check.web import Web
from index.serve import Server
from tests.check_kit import CU118, CU124, FAULTS, Fault, make_site, place_wheel

pytestmark = pytest.mark.integration

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("right") / "site")


@pytest.fixture
def site(right: Path, tmp_path: Path) -> Path:
    shutil.copytree(right, tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "Web", lambda base: Web(base, backoff=0.01, timeout=(60, 60)))


@contextlib.contextmanager
def host(folder: Path, answer: Callable[[str, str], Answer | None]) -> Iterator[str]:
    """A host that serves a folder, but for what ``answer`` (method, path) says otherwise."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self._serve("GET")

        def do_HEAD(self) -> None:
            self._serve("HEAD")

        def _serve(self, method: str) -> None:
            told = answer(method, self.path)
            if told is None:
                super().do_GET() if method == "GET" else super().do_HEAD()
                return
            status, headers, body = told
            if not status:
                return  # hangs up, and says nothing
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if method == "GET":
                self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("fast", [False, True])
def test_a_right_site_has_no_findings(right: Path, fast: bool) -> None:
    with Server(right) as server:
        report = check_site(server.url, fast=fast)
        asked = server.requests
    assert report.findings == ()
    assert (report.files, report.fast) == (6, fast)
    assert any("from outside" in note for note in report.notes)
    assert len(asked) == len(set(asked)) + 1  # the head, once more at the end


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_is_found(site: Path, fault: Fault) -> None:
    fault.do(site)
    with Server(site) as server:
        fault.check(check_site(server.url))


def test_a_plain_server_in_a_folder_of_a_host(site: Path) -> None:
    with host(site.parent, lambda *_: None) as url:
        assert check_site(f"{url}/site/").findings == ()


def test_wheels_on_another_host(tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    with Server(far) as files:
        site = tmp_path / "site"
        events = []
        for name in (CU118, CU124):
            events.append(place_wheel(site, name, files=f"{files.url}/v1"))
            place_wheel(far, name, files="v1")
        make_site(site, events)
        with Server(site) as server:
            assert check_site(server.url).findings == ()
            assert check_site(site).findings == ()
            (far / "v1" / CU118).unlink()
            for where in (server.url, site):
                (finding,) = check_site(where).findings
                assert finding.kind == "missing"
                assert finding.place == f"{files.url}/v1/{CU118.replace('+', '%2B')}"
                assert "404" in finding.found
    report = check_site(site)
    assert {finding.kind for finding in report.findings} == {"unreachable"}


def test_who_interrupts_a_check_waits_for_no_file(tmp_path: Path) -> None:
    """A wheel of gigabytes on its way is let go; it would be read to its end otherwise."""
    size, sent, begun = 10_000 * web.CHUNK, 0, threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            nonlocal sent
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                while sent < size:
                    self.wfile.write(bytes(web.CHUNK))
                    sent += web.CHUNK
                    begun.set()
                    time.sleep(0.02)  # slow, so that an end that is waited for shows

    class Impatient:
        def update(self, done: int, total: int | None = None, detail: str = "") -> None:
            if begun.wait(240):
                raise KeyboardInterrupt

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        far = f"http://127.0.0.1:{server.server_address[1]}"
        event = place_wheel(tmp_path / "site", CU118, files=far)
        big = event.record.model_copy(update={"size": size})
        make_site(tmp_path / "site", [event.model_copy(update={"record": big})])
        with pytest.raises(KeyboardInterrupt):
            check_site(tmp_path / "site", watch=Impatient())
    finally:
        server.shutdown()
        server.server_close()  # once its threads are done
        thread.join()
    assert 0 < sent < size


def test_busy_hosts_are_asked_again(site: Path) -> None:
    seen: dict[str, int] = {}

    def busy(method: str, path: str) -> Answer | None:
        seen[path] = seen.get(path, 0) + 1
        status = (503, 429, 0)[min(seen[path], 3) - 1]
        return (status, {"Content-Length": "0", "Retry-After": "3600"}, b"") if status else None

    with host(site, busy) as url:
        assert check_site(url).findings == ()


@pytest.mark.parametrize(
    ("answer", "kind", "found"),
    [
        ((500, {"Content-Length": "0"}, b""), "unreachable", "500"),
        ((403, {"Content-Length": "0"}, b""), "unreachable", "403"),
        ((410, {"Content-Length": "0"}, b""), "missing", "410"),
        ((200, {"Content-Length": "9", "Content-Type": "application/zip"}, b"short"),
         "unreachable", "broke off (Connection broken: IncompleteRead(5 bytes read, 4 more expect"),
        ((200, {"Content-Type": "application/zip"}, b"x" * 5_000_000), "size", "bytes"),
        ((302, {"Location": "http://127.0.0.1:1/x", "Content-Length": "0"}, b""), "unreachable",
         "refused"),
        ((302, {"Location": "/files/x.whl", "Content-Length": "0"}, b""), "missing", "404"),
    ],
)  # fmt: skip
def test_bad_answers_for_a_wheel(site: Path, answer: Answer, kind: str, found: str) -> None:
    name = CU118.replace("+", "%2B")
    with host(site, lambda _, path: answer if path.endswith(name) else None) as url:
        (finding,) = check_site(url).findings
        assert (finding.kind, finding.place) == (kind, f"{url}/files/{name}")
        assert found in finding.found


def test_a_host_that_hangs_up_is_told_in_words(site: Path) -> None:
    with host(site, lambda _, path: (0, {}, b"") if path.endswith(".whl") else None) as url:
        findings = check_site(url).findings
    assert {finding.found for finding in findings} == {
        "Connection aborted. Remote end closed connection without response"
    }


@pytest.mark.parametrize(
    ("headers", "found"),
    [({"Content-Type": "application/octet-stream"}, "octet-stream"), ({}, "no content type"),
     ({"Content-Type": "text/html; charset=latin-1"}, "latin-1")],
)  # fmt: skip
def test_a_page_of_a_type_installers_refuse(
    site: Path, headers: dict[str, str], found: str
) -> None:
    page = (site / "cu118/tiny-gpu/index.html").read_bytes()
    answer = (200, {**headers, "Content-Length": str(len(page))}, page)
    at = "/cu118/tiny-gpu/"
    with host(site, lambda _, path: answer if path == at else None) as url:
        (finding,) = check_site(url).findings
        assert (finding.kind, finding.place) == ("type", url + at)
        assert found in finding.found


def test_a_page_that_comes_from_elsewhere(site: Path) -> None:
    away = (302, {"Location": "/cu118/", "Content-Length": "0"}, b"")
    with host(site, lambda _, path: away if path == "/cu118/tiny-gpu/" else None) as url:
        kinds = {finding.kind for finding in check_site(url).findings}
        assert "type" in kinds


def test_fast_without_head(site: Path) -> None:
    refused = (405, {"Content-Length": "0"}, b"")
    with host(site, lambda method, _: refused if method == "HEAD" else None) as url:
        assert check_site(url, fast=True).findings == ()
        (site / "files" / CU118).write_bytes(b"x")
        (finding,) = check_site(url, fast=True).findings
        assert (finding.kind, finding.found) == ("size", "1 bytes")


def test_no_more_at_once_than_asked(site: Path) -> None:
    here, now, most = threading.Condition(), 0, 0

    def count(method: str, path: str) -> Answer | None:
        nonlocal now, most
        with here:
            now += 1
            most = max(most, now)
            here.notify_all()
            if "/files/" in path:  # they are asked for together: the first waits for another
                here.wait_for(lambda: most > 1, 60)
            here.wait(0.02)  # for one too many
            now -= 1
        return None

    with host(site, count) as url:
        assert check_site(url, workers=2).findings == ()
    assert most == 2


def test_nobody_there() -> None:
    report = check_site("http://127.0.0.1:1/site")
    (finding,) = report.findings
    assert (finding.kind, finding.place) == ("unreachable", "http://127.0.0.1:1/site/ledger.jsonl")


def builder(*arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "builder", "--cache-dir", str(cache), "index", "check", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command(site: Path, tmp_path: Path) -> None:
    done = builder(str(site), cache=tmp_path / "cache")
    assert (done.returncode, done.stderr) == (0, "")
    assert "all as promised" in done.stdout
    (site / "files" / CU118).write_bytes(b"x")
    with Server(site) as server:
        done = builder(server.url, cache=tmp_path / "cache")
        assert done.returncode == 23
        assert f"size: {server.url}/files/{CU118.replace('+', '%2B')}" in done.stdout
        assert "  there is: 1 bytes" in done.stdout
        assert "  try: put back" in done.stdout
        assert done.stderr == f"error: {server.url}: 1 promise is not kept\n"
    done = builder(str(site), "--json", "--fast", "--jobs", "2", cache=tmp_path / "cache")
    assert done.returncode == 23
    data = json.loads(done.stdout)
    assert (data["schema_version"], data["ok"], data["fast"]) == (1, False, True)
    assert [one["kind"] for one in data["findings"]] == ["size"]
