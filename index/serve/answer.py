"""One request to the preview server: which bytes it gets, as what, whole or in part."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote, unquote, urlsplit

from index.serve.negotiate import JSON_TYPE, PLAIN_HTML_TYPE, choose_type
from index.serve.ranges import Part, UnsatisfiableError, parse_range

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".metadata": "text/plain; charset=utf-8",
    ".provenance": "application/json",
    ".whl": "application/zip",
    ".gz": "application/gzip",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HTML_PAGE, JSON_PAGE = "index.html", "index.json"
CHUNK = 1024 * 1024
IDLE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request and what came of it.

    Attributes:
        method: ``GET`` or ``HEAD``.
        path: As it was asked for, not decoded, printable.
        status: The HTTP status.
        size: Bytes of the body.
        content_type: Its media type, empty where there is none.
        agent: What the client calls itself, printable.
    """

    method: str
    path: str
    status: int
    size: int
    content_type: str
    agent: str


class Source(Protocol):
    """What is served, and who is told of it."""

    requests: list[str]
    said: Callable[[Answer], None]

    def find(self, path: str) -> bytes | Path | None:
        """The file at a decoded path, or None; a folder means its HTML page."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers `GET` and `HEAD`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: else 40 ms more each
    timeout = IDLE_SECONDS
    source: Source
    """Set by the subclass that a server makes."""

    def do_GET(self) -> None:
        """Answer with the file."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer as to GET, without the body."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; whoever serves prints."""

    def _answer(self) -> None:
        try:
            path = unquote(urlsplit(self.path).path)
        except ValueError:
            self._say(HTTPStatus.BAD_REQUEST, "not an address")
            return
        self.source.requests.append(path)
        if path.endswith("/") and self.source.find(path + JSON_PAGE) is not None:
            self._negotiate(path)
            return
        found = self.source.find(path)
        if found is not None:
            self._send(found, content_type(path))
        elif not path.endswith("/") and self.source.find(path + "/") is not None:
            location = "".join(f"/{quote(part)}" for part in path_parts(path) or ()) + "/"
            self._head(HTTPStatus.MOVED_PERMANENTLY, 0, {"Location": location})
        else:
            self._say(HTTPStatus.NOT_FOUND, "no such file")

    def _negotiate(self, path: str) -> None:
        chosen = choose_type(",".join(self.headers.get_all("Accept") or ()))
        if chosen is None:
            self._say(HTTPStatus.NOT_ACCEPTABLE, "HTML or JSON", {"Vary": "Accept"})
            return
        page = path + (JSON_PAGE if chosen == JSON_TYPE else HTML_PAGE)
        found = self.source.find(page)
        kind = CONTENT_TYPES[".html"] if chosen == PLAIN_HTML_TYPE else chosen
        if found is None:
            self._say(HTTPStatus.NOT_FOUND, "no such file", {"Vary": "Accept"})
        else:
            self._send(found, kind, {"Vary": "Accept"})

    def _send(
        self, found: bytes | Path, kind: str, headers: Mapping[str, str] | None = None
    ) -> None:
        if isinstance(found, bytes):
            tag = hashlib.sha256(found).hexdigest()[:32]
            self._send_open(io.BytesIO(found), len(found), f'"{tag}"', kind, headers or {})
            return
        try:
            file = found.open("rb")
        except OSError:
            self._say(HTTPStatus.NOT_FOUND, "no such file", headers or {})
            return
        with file:
            facts = os.fstat(file.fileno())
            tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}{found.suffix}"'
            self._send_open(file, facts.st_size, tag, kind, headers or {})

    def _send_open(
        self, file: IO[bytes], size: int, tag: str, kind: str, more: Mapping[str, str]
    ) -> None:
        # Asked for again each time: a preview is there to show the last change.
        headers = {**more, "ETag": tag, "Cache-Control": "no-cache"}
        if self._has(tag):
            self._head(HTTPStatus.NOT_MODIFIED, None, headers)
            return
        headers |= {"Content-Type": kind, "Accept-Ranges": "bytes"}
        try:
            part = self._part(size, tag)
        except UnsatisfiableError:
            self._say(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                "the file is shorter",
                {**more, "Content-Range": f"bytes */{size}"},
            )
            return
        if part is None:
            self._head(HTTPStatus.OK, size, headers)
            self._copy(file, size)
            return
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
        self._head(HTTPStatus.PARTIAL_CONTENT, part.length, headers)
        file.seek(part.first)
        self._copy(file, part.length)

    def _part(self, size: int, tag: str) -> Part | None:
        changed = self.headers.get("If-Range", tag) != tag
        if self.command != "GET" or changed:
            return None
        return parse_range(self.headers.get("Range"), size)

    def _has(self, tag: str) -> bool:
        held = self.headers.get("If-None-Match", "")
        tags = {one.strip().removeprefix("W/") for one in held.split(",")}
        return tag in tags or "*" in tags

    def _copy(self, file: IO[bytes], length: int) -> None:
        while self.command != "HEAD" and length:
            data = file.read(min(CHUNK, length))
            if not data:  # shorter than it was: the client must not wait for the rest
                self.close_connection = True
                return
            self.wfile.write(data)
            length -= len(data)

    def _say(self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> None:
        body = f"{text}\n".encode()
        kind = {"Content-Type": "text/plain; charset=utf-8"}
        self._head(status, len(body), {**kind, **(headers or {})})
        self._copy(io.BytesIO(body), len(body))

    def _head(self, status: HTTPStatus, length: int | None, headers: Mapping[str, str]) -> None:
        self.source.said(
            Answer(
                method=self.command,
                path=_printable(self.path),
                status=status.value,
                size=0 if self.command == "HEAD" else length or 0,
                content_type=headers.get("Content-Type", ""),
                agent=_printable(self.headers.get("User-Agent", "")),
            )
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def path_parts(path: str) -> list[str] | None:
    """The names in a decoded path, or None where one of them is never served."""
    parts = [part for part in path.split("/") if part]
    return None if any(part.startswith(".") or "\0" in part for part in parts) else parts


def content_type(path: str) -> str:
    """The media type of a served path; a folder is its page."""
    if posixpath.basename(path) == JSON_PAGE:
        return JSON_TYPE
    suffix = ".html" if path.endswith("/") else posixpath.splitext(path)[1]
    return CONTENT_TYPES.get(suffix, "application/octet-stream")


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)
