from __future__ import annotations

import importlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.fetch.settings import FetchSettings
from builder.toolchain.availability import availability

module = importlib.import_module("builder.toolchain.availability")


class Handler(BaseHTTPRequestHandler):
    status = 200
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def archive() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("Own", (Handler,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mirror", handler
        server.shutdown()


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROBE_SECONDS", 240.0)  # here a server that is slow is no other
    module._refusal.cache_clear()
    module._unreachable.clear()


def ask(label: str, data: Path, mirror: str) -> str | None:
    return availability(label, settings=FetchSettings(nvidia_mirror=mirror), data=data)


def test_packages_from_registries_are_never_asked_about(
    data: Path, archive: tuple[str, type[Handler]]
) -> None:
    assert ask("cu118", data, archive[0]) is None
    assert archive[1].asked == []


def test_an_archive_that_answers_is_available(
    data: Path, archive: tuple[str, type[Handler]]
) -> None:
    assert ask("cu126", data, archive[0]) is None
    assert archive[1].asked == ["/mirror/cuda/redist/redistrib_12.6.3.json"]
    ask("cu126", data, archive[0])
    assert len(archive[1].asked) == 1


@pytest.mark.parametrize("status", [404, 403, 503])
def test_an_archive_that_refuses_is_not(
    data: Path, archive: tuple[str, type[Handler]], status: int
) -> None:
    archive[1].status = status
    reason = ask("cu126", data, archive[0])
    assert reason is not None
    assert reason.startswith("not built here: NVIDIA's archive is out of reach")
    assert str(status) in reason
    assert "BUILDER_NVIDIA_MIRROR" in reason


def test_an_archive_that_does_not_answer_is_asked_once(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        mirror = f"http://127.0.0.1:{unused.getsockname()[1]}"
        first = ask("cu126", data, mirror)
        assert first is not None
        assert len(module._unreachable) == 1
        second = module._refusal(mirror, "/cuda/redist/another.json")
        assert second is not None
        assert second in first
