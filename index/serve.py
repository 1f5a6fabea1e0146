"""A small web server on loopback, for trying an index with real installers before it is public."""

from __future__ import annotations

import http.server
import posixpath
import shutil
import threading
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".metadata": "text/plain; charset=utf-8",
    ".whl": "application/zip",
    ".gz": "application/gzip",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CHUNK = 1024 * 1024


class Server:
    """A threaded server of static files, as a context manager.

    Args:
        site: The folder to serve, or None.
        extra: More files by path relative to the site, as bytes or as the file they lie in; they
            come before the folder's own.
        port: The port; 0 takes a free one.

    Only ``127.0.0.1`` is listened on. Nothing outside the folder is served, symbolic links out of
    it included.
    """

    def __init__(
        self,
        site: Path | None = None,
        *,
        extra: Mapping[str, bytes | Path] | None = None,
        port: int = 0,
    ) -> None:
        self.site = None if site is None else site.resolve()
        self.extra = dict(extra or {})
        self.requests: list[str] = []
        """Paths asked for so far, in order."""
        self._server = _Listener(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def find(self, path: str) -> bytes | Path | None:
        """The file at a decoded path such as ``/cu118/``, or None; a folder means its page."""
        parts = [part for part in path.split("/") if part]
        if any(part in (".", "..") or "\0" in part for part in parts):
            return None
        name = "/".join([*parts, "index.html"] if path.endswith("/") else parts)
        if name in self.extra:
            return self.extra[name]
        if self.site is None:
            return None
        found = (self.site / name).resolve()
        return found if found.is_relative_to(self.site) and found.is_file() else None


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], owner: Server) -> None:
        self.owner = owner
        super().__init__(address, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; whoever serves prints."""

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        owner = self.server.owner
        owner.requests.append(path)
        found = owner.find(path)
        if found is None and not path.endswith("/") and owner.find(path + "/") is not None:
            self._head(HTTPStatus.MOVED_PERMANENTLY, 0, {"Location": quote(path) + "/"})
        elif found is None:
            text = b"no such file\n"
            self._head(HTTPStatus.NOT_FOUND, len(text), {"Content-Type": "text/plain"})
            if body:
                self.wfile.write(text)
        elif isinstance(found, bytes):
            self._head(HTTPStatus.OK, len(found), {"Content-Type": content_type(path)})
            if body:
                self.wfile.write(found)
        else:
            with found.open("rb") as file:
                self._send_file(file, found.stat().st_size, path, body=body)

    def _send_file(self, file: BinaryIO, size: int, path: str, *, body: bool) -> None:
        self._head(HTTPStatus.OK, size, {"Content-Type": content_type(path)})
        if body:
            shutil.copyfileobj(file, self.wfile, CHUNK)

    def _head(self, status: HTTPStatus, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()


def content_type(path: str) -> str:
    """The media type of a served path; a folder is its page."""
    suffix = ".html" if path.endswith("/") else posixpath.splitext(path)[1]
    return CONTENT_TYPES.get(suffix, "application/octet-stream")
