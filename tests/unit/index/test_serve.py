"""The loopback server: what it serves, as what, and what it never does."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.serve import Server
from index.serve.answer import Answer


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    (root / "cu118/a").mkdir(parents=True)
    (root / "cu118/a/index.html").write_text("<h1>a</h1>")
    (root / "a+b.whl").write_bytes(b"wheel")
    (tmp_path / "secret").write_text("secret")
    (root / "out").symlink_to(tmp_path / "secret")
    return root


@pytest.fixture
def server(site: Path, tmp_path: Path) -> Iterator[Server]:
    elsewhere = tmp_path / "elsewhere.whl"
    elsewhere.write_bytes(b"elsewhere")
    with Server(site, extra={"files/x.whl": elsewhere, "files/x.whl.metadata": b"M"}) as running:
        yield running


def ask(
    server: Server, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=240)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/cu118/a/", "text/html; charset=utf-8", b"<h1>a</h1>"),
        ("/cu118/a/index.html?x=1", "text/html; charset=utf-8", b"<h1>a</h1>"),
        ("/a%2Bb.whl", "application/zip", b"wheel"),
        ("/files/x.whl", "application/zip", b"elsewhere"),
        ("/files/x.whl.metadata", "text/plain; charset=utf-8", b"M"),
    ],
)
def test_files_come_with_their_type(server: Server, path: str, kind: str, body: bytes) -> None:
    status, headers, content = ask(server, path)
    assert (status, headers["Content-Type"], content) == (200, kind, body)
    status, headers, content = ask(server, path, "HEAD")
    assert (status, headers["Content-Length"], content) == (200, str(len(body)), b"")


def test_a_folder_is_redirected_to_its_page(server: Server) -> None:
    status, headers, _ = ask(server, "/cu118/a")
    assert (status, headers["Location"]) == (301, "/cu118/a/")


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/../secret", "/%2e%2e/secret", "/cu118/../../secret", "/out", "/%00",
     "//etc/passwd", "/cu118/"],
)  # fmt: skip
def test_nothing_else_is_served(server: Server, path: str) -> None:
    status, _, content = ask(server, path)
    assert (status, content) == (404, b"no such file\n")


def test_only_loopback_is_listened_on_and_requests_are_kept(server: Server) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    ask(server, "/a%2Bb.whl")
    assert server.requests == ["/a+b.whl"]


def test_the_port_is_free_again_afterwards(site: Path) -> None:
    with Server(site) as running:
        url = running.url
    with pytest.raises(ConnectionRefusedError):
        ask(running, "/")
    assert url == running.url


# -- HTML or JSON, as the client asks ---------------------------------------------------------


@pytest.fixture
def both(site: Path) -> Iterator[Server]:
    for folder in ("cu118", "cu118/a"):
        (site / folder / "index.html").write_text("<h1>html</h1>")
        (site / folder / "index.json").write_text('{"json": 1}')
    (site / ".lock").write_text("")
    (site / "files").mkdir()
    (site / "files/.x.whl.part").write_bytes(b"half")
    (site / "files/long.whl").write_bytes(bytes(range(256)) * 10)
    with Server(site) as running:
        yield running


JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PLAIN = "text/html; charset=utf-8"
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
UV = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, PLAIN),
        ("", PLAIN),
        ("*/*", PLAIN),
        (BROWSER, PLAIN),
        ("text/html", PLAIN),
        ("TEXT/HTML;charset=utf-8", PLAIN),
        ("text/*", PLAIN),
        (PIP, JSON),
        (UV, JSON),
        (JSON, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        (HTML, HTML),
        ("application/vnd.pypi.simple.latest+html", HTML),
        (f"{JSON};q=0.1, text/html;q=0.9", PLAIN),
        (f"{JSON};q=0, {HTML}", HTML),
        (f"{JSON};q=0, */*", PLAIN),
        (f"text/html, {JSON}", JSON),
        ("application/*", JSON),
        (f"{JSON};q=bad, text/html;q=0.001", PLAIN),
    ],
)
@pytest.mark.parametrize("page", ["/cu118/", "/cu118/a/"])
def test_a_page_comes_as_the_client_asks(
    both: Server, page: str, accept: str | None, kind: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    status, told, body = ask(both, page, headers=headers)
    assert (status, told["Content-Type"], told["Vary"]) == (200, kind, "Accept")
    assert body == (b'{"json": 1}' if kind == JSON else b"<h1>html</h1>")


@pytest.mark.parametrize(
    "accept",
    ["application/json", "image/png, text/plain", "text/html;q=0", "*/*;q=0",
     "application/vnd.pypi.simple.v2+json", f"{JSON};q=7"],
)  # fmt: skip
def test_what_nobody_can_send_is_406(both: Server, accept: str) -> None:
    status, told, _ = ask(both, "/cu118/a/", headers={"Accept": accept})
    assert (status, told["Vary"]) == (406, "Accept")


def test_several_accept_headers_are_one(both: Server) -> None:
    connection = http.client.HTTPConnection(both.url.removeprefix("http://"), timeout=240)
    connection.putrequest("GET", "/cu118/")
    connection.putheader("Accept", "text/html;q=0.1")
    connection.putheader("Accept", JSON)
    connection.endheaders()
    assert connection.getresponse().headers["Content-Type"] == JSON
    connection.close()


def test_a_page_of_one_form_is_not_negotiated(server: Server) -> None:
    status, told, _ = ask(server, "/cu118/a/", headers={"Accept": JSON})
    assert (status, told["Content-Type"], "Vary" in told) == (200, PLAIN, False)


def test_a_json_page_by_its_own_name_has_its_type(both: Server) -> None:
    assert ask(both, "/cu118/a/index.json")[1]["Content-Type"] == JSON


# -- parts of files, and files that did not change ----------------------------------------------

WHOLE = bytes(range(256)) * 10


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=2500-", slice(2500, None)),
        ("bytes=-10", slice(-10, None)),
        ("bytes=-99999", slice(0, None)),
        ("bytes=2550-99999", slice(2550, None)),
        ("BYTES = 5 - 5", slice(5, 6)),
    ],
)
def test_a_part_of_a_wheel(both: Server, asked: str, part: slice) -> None:
    status, told, body = ask(both, "/files/long.whl", headers={"Range": asked})
    first, last, _ = part.indices(len(WHOLE))
    assert (status, body) == (206, WHOLE[part])
    assert told["Content-Range"] == f"bytes {first}-{last - 1}/{len(WHOLE)}"
    assert told["Content-Length"] == str(len(body))


@pytest.mark.parametrize("asked", ["bytes=2560-", "bytes=9999-99999", "bytes=-0"])
def test_a_part_beyond_the_end_is_416(both: Server, asked: str) -> None:
    status, told, _ = ask(both, "/files/long.whl", headers={"Range": asked})
    assert (status, told["Content-Range"]) == (416, "bytes */2560")


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "pages=1-2", "bytes=0-1,5-6", "x", ""])
def test_other_ranges_get_the_whole(both: Server, asked: str) -> None:
    status, _, body = ask(both, "/files/long.whl", headers={"Range": asked})
    assert (status, body) == (200, WHOLE)


def test_an_empty_file_has_no_parts(both: Server, site: Path) -> None:
    (site / "files/empty.whl").write_bytes(b"")
    assert ask(both, "/files/empty.whl", headers={"Range": "bytes=-1"})[0] == 416
    assert ask(both, "/files/empty.whl")[0] == 200


def test_head_says_that_parts_can_be_had(both: Server) -> None:
    status, told, body = ask(both, "/files/long.whl", "HEAD", {"Range": "bytes=0-1"})
    assert (status, told["Accept-Ranges"], told["Content-Length"]) == (200, "bytes", "2560")
    assert body == b""


def test_bytes_in_memory_come_in_parts_too(server: Server, tmp_path: Path) -> None:
    assert ask(server, "/files/x.whl", headers={"Range": "bytes=-4"})[2] == b"here"
    assert ask(server, "/files/x.whl.metadata", headers={"Range": "bytes=0-0"})[0] == 206


def test_what_did_not_change_is_not_sent_again(both: Server, site: Path) -> None:
    _, told, _ = ask(both, "/files/long.whl")
    tag = told["ETag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, told, body = ask(both, "/files/long.whl", headers={"If-None-Match": held})
        assert (status, body, told["ETag"]) == (304, b"", tag)
    assert ask(both, "/files/long.whl", headers={"If-None-Match": '"other"'})[0] == 200
    (site / "files/long.whl").write_bytes(b"changed")
    assert ask(both, "/files/long.whl", headers={"If-None-Match": tag})[0] == 200


def test_a_part_of_what_changed_is_the_whole(both: Server) -> None:
    _, told, _ = ask(both, "/files/long.whl")
    asked = {"Range": "bytes=0-0", "If-Range": told["ETag"]}
    assert ask(both, "/files/long.whl", headers=asked)[0] == 206
    assert ask(both, "/files/long.whl", headers={**asked, "If-Range": '"old"'})[0] == 200


def test_the_two_forms_have_different_tags(both: Server, site: Path) -> None:
    (site / "cu118/index.html").write_text('{"json": 2}')
    for form in ("html", "json"):
        os.utime(site / f"cu118/index.{form}", (1, 1))
    tags = {ask(both, "/cu118/", headers={"Accept": kind})[1]["ETag"] for kind in (HTML, JSON)}
    assert len(tags) == 2


# -- what is found, and what never is -----------------------------------------------------------


@pytest.mark.parametrize("path", ["/a+b.whl", "/a%2Bb.whl", "/a%2bb.whl"])
def test_a_plus_is_found_both_ways(server: Server, path: str) -> None:
    assert ask(server, path)[2] == b"wheel"


@pytest.mark.parametrize(
    "path",
    ["/.lock", "/files/.x.whl.part", "/files/", "/files", "/%2elock", "/" + "x" * 5000,
     "/cu118%2f..%2f..%2fsecret", "/loop"],
)  # fmt: skip
def test_no_dot_files_no_listings_no_tricks(both: Server, site: Path, path: str) -> None:
    (site / "loop").symlink_to(site / "loop")
    assert ask(both, path)[0] == 404


def test_what_is_no_address_is_answered(both: Server) -> None:
    host, port = both.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=240) as connection:
        connection.sendall(b"GET http://[ HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b" 400 " in connection.recv(100)


def test_a_redirect_never_leads_to_another_host(both: Server) -> None:
    assert ask(both, "//cu118")[1]["Location"] == "/cu118/"
    assert ask(both, "/cu118//a")[1]["Location"] == "/cu118/a/"


def test_wheels_beside_the_site_and_nothing_else_there(site: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    (wheels / "deep").mkdir(parents=True)
    for name in ("x+1.whl", "x+1.whl.metadata", "x+1.whl.json", "notes.txt", "deep/y.whl"):
        (wheels / name).write_bytes(b"beside")
    (wheels / "out.whl").symlink_to(tmp_path / "secret")
    (site / "wheels").mkdir()
    (site / "wheels/own.whl").write_bytes(b"own")
    (wheels / "own.whl").write_bytes(b"beside")
    with Server(site, beside={"wheels": wheels, "": tmp_path}) as server:
        found = {
            path: ask(server, f"/wheels/{path}")[0]
            for path in ("x%2B1.whl", "x+1.whl.metadata", "x+1.whl.json", "notes.txt",
                         "deep/y.whl", "out.whl", "", "../secret")
        }  # fmt: skip
        assert found.pop("x%2B1.whl") == found.pop("x+1.whl.metadata") == 200
        assert set(found.values()) == {404}
        assert ask(server, "/wheels/own.whl")[2] == b"own"
        assert ask(server, "/secret")[0] == 404


def test_requests_are_told_before_the_body_is_sent(site: Path) -> None:
    told: list[Answer] = []
    with Server(site, said=told.append) as server:
        ask(server, "/a%2Bb.whl", headers={"User-Agent": "pip/24.1.2 \x1b[2J"})
        ask(server, "/nothing", "HEAD")
    assert told == [
        Answer(method="GET", path="/a%2Bb.whl", status=200, size=5,
               content_type="application/zip", agent="pip/24.1.2 \\x1b[2J"),
        Answer(method="HEAD", path="/nothing", status=404, size=0,
               content_type="text/plain; charset=utf-8", agent=""),
    ]  # fmt: skip


def test_a_taken_port_is_an_error(site: Path) -> None:
    with Server(site) as running, pytest.raises(OSError, match="in use"):
        Server(site, port=int(running.url.rpartition(":")[2]))
