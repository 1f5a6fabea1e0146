"""The loopback server: what it serves, as what, and what it never does."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.serve import Server


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


def ask(server: Server, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path)
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
