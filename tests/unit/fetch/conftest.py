"""A real HTTP server on loopback that misbehaves as it is told, and a cache to fetch into."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from builder.fetch.artifact import Artifact
from builder.fetch.pipconfig import PipSettings
from builder.fetch.settings import FetchSettings
from builder.paths import Cache


@dataclass
class Answer:
    """How one request is answered."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    """Close the connection after this many bytes of the body, whatever length was announced."""
    delay: float = 0.0
    """Seconds before the answer."""


@dataclass
class Served:
    """A file, the answers given first, one each, and how the server treats it."""

    data: bytes
    first: list[Answer]
    ranges: bool = True
    etag: str | None = None
    kind: str = "application/octet-stream"
    chunk: int = 64 * 1024
    pause: float = 0.0
    """Seconds between two chunks."""
    gate: threading.Event | None = None
    """The last chunk waits for it."""
    length: bool = True


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away, into whatever test runs by then."""


class Server:
    """Serves what it was given; `seen` has every request as (path, Range, If-Range)."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.seen: list[tuple[str, str | None, str | None]] = []
        self.sent = 0
        self.lock = threading.Lock()
        self.http = _Quiet(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def put(self, path: str, data: bytes, *first: dict[str, Any], **options: Any) -> str:
        """Serve ``data`` at ``path``, after the answers ``first``; the address."""
        self.files[path] = Served(data, [Answer(**answer) for answer in first], **options)
        return self.url + path

    @property
    def ranges(self) -> list[str | None]:
        return [seen[1] for seen in self.seen]


def _handler(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            with server.lock:
                wanted = self.headers.get("Range")
                server.seen.append((self.path, wanted, self.headers.get("If-Range")))
                served = server.files.get(self.path)
                answer = served.first.pop(0) if served and served.first else Answer()
            if served is None:
                self.reply(404, {}, b"")
                return
            time.sleep(answer.delay)
            body = served.data if answer.body is None else answer.body
            headers = {"Content-Type": served.kind, **answer.headers}
            if served.etag:
                headers["ETag"] = served.etag
            if answer.status != 200:
                self.reply(answer.status, headers, answer.body or b"")
                return
            changed = self.headers.get("If-Range") not in (None, served.etag)
            if wanted and served.ranges and not changed:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    self.reply(416, {"Content-Range": f"bytes */{len(body)}"}, b"")
                    return
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                self.reply(206, headers, body[start:], served, answer.cut)
                return
            self.reply(200, headers, body, served, answer.cut)

        def reply(
            self,
            status: int,
            headers: dict[str, str],
            body: bytes,
            served: Served | None = None,
            cut: int | None = None,
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if served is None or served.length:
                self.send_header("Content-Length", str(len(body)))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if cut is not None:
                body = body[:cut]
                self.close_connection = True
            step = served.chunk if served else len(body) or 1
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for at in range(0, len(body), step):
                    if served and served.gate and at + step >= len(body):
                        served.gate.wait(240)
                    with server.lock:  # before: who has the last bytes may ask at once
                        server.sent += len(body[at : at + step])
                    self.wfile.write(body[at : at + step])
                    if served and served.pause:
                        self.wfile.flush()
                        time.sleep(served.pause)

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server."""
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(root=tmp_path / "cache")


@pytest.fixture
def settings(tmp_path: Path) -> FetchSettings:
    """Quick to try again, and shut off from this machine's own configuration."""
    return FetchSettings(
        connect_timeout=240,
        read_timeout=240,
        backoff=0.01,
        longest_wait=1.5,
        apt=tmp_path / "no-apt",
        pip=PipSettings(),
        env={},
    )


@pytest.fixture
def make() -> Callable[..., Artifact]:
    """An artifact of these bytes: ``make(data, source, *mirrors)``."""

    def made(data: bytes, source: str, *mirrors: str, name: str = "a.bin", **more: Any) -> Artifact:
        digest = hashlib.sha256(data).hexdigest()
        return Artifact(filename=name, source=source, sha256=digest, mirrors=mirrors, **more)

    return made


class Heard:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.tasks: list[str] = []
        self.updates: list[tuple[int, int | None]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    @contextlib.contextmanager
    def task(self, label: str, *, total: int | None = None, unit: str = "") -> Iterator[Heard]:
        self.tasks.append(label)
        yield self

    def update(self, done: int, total: int | None = None, detail: str = "") -> None:
        self.updates.append((done, total))


@pytest.fixture
def heard() -> Heard:
    return Heard()
