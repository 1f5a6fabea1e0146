"""What a published index has, from a folder and over HTTP."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import FetchError, UsageError
from builder.plan.facts import PublishedWheel
from builder.plan.published import read_index, read_published
from index.ledger import Add, Event, Remove, Yank
from index.records import Record
from index.site.disk import append
from index.state.state import State


def record(cuda: str, *, revision: str = "1", key: str | None = "1" * 32) -> Record:
    metadata = f"Metadata-Version: 2.4\nName: hello-cuda\nVersion: 1.0+{cuda}\n"
    return Record(
        filename=f"hello_cuda-1.0+{cuda}-{revision}-py3-none-manylinux_2_31_x86_64.whl",
        name="hello-cuda",
        version=f"1.0+{cuda}",
        build_tag=revision,
        tags=("py3-none-manylinux_2_31_x86_64",),
        sha256="0" * 64,
        size=1,
        metadata=metadata,
        metadata_sha256=hashlib.sha256(metadata.encode()).hexdigest(),
        cuda=cuda,
        profile="full",
        build_key=key,
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with three wheels: one is yanked, one removed."""
    events: list[Event] = []
    for cuda in ("cu118", "cu124", "cu130"):
        one = record(cuda)
        add = Add(record=one, url=f"files/{one.filename}", uploaded="2026-11-01T00:00:00Z")
        events.append(add)
    events.append(Yank(filename=record("cu124").filename, reason="slow"))
    events.append(Remove(filename=record("cu130").filename, reason="broken"))
    folder = tmp_path / "my site"
    folder.mkdir()
    append(folder, State.in_memory(), events)
    return folder


def expected(cuda: str, **changes: str | None) -> PublishedWheel:
    values: dict[str, str | None] = {
        "filename": record(cuda).filename,
        "name": "hello-cuda",
        "version": f"1.0+{cuda}",
        "build_tag": "1",
        "key": "1" * 32,
        "profile": "full",
        **changes,
    }
    return PublishedWheel(**values)  # type: ignore[arg-type]


EXPECTED = (
    expected("cu118"),
    expected("cu124"),
    expected("cu130", key=None, profile=None, removed="broken"),
)


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_folder(site: Path) -> None:
    assert read_published(str(site)) == EXPECTED
    assert read_published(site.as_uri()) == EXPECTED
    assert "%20" in site.as_uri()


@pytest.mark.parametrize("end", ["", "/"])
def test_an_address(address: str, end: str) -> None:
    assert read_published(address + end) == EXPECTED


def test_what_must_be_tried_under_a_python_that_came_later(site: Path, address: str) -> None:
    """cu124 is yanked and cu130 removed: installers take neither."""
    for where in (str(site), address):
        index = read_index(where)
        assert index.pythons == ("3.10", "3.11", "3.12", "3.13", "3.14")
        name = record("cu118").filename
        assert index.untried(("3.14", "3.15"), []) == {"3.15": (name,)}
        assert index.untried(("3.15",), [("hello-cuda", "cu118", "3.15")]) == {}
        assert index.untried(("3.15",), [("hello-cuda", "cu118", "3.14")]) == {"3.15": (name,)}
    nothing = read_index(f"{address}/nothing", new_is_fine=True)
    assert nothing.untried(("3.15",), []) == {}, "what is built first is tried anyway"


def test_no_ledger(tmp_path: Path, address: str) -> None:
    for where in (str(tmp_path), tmp_path.as_uri(), f"{address}/nothing"):
        with pytest.raises(FetchError, match=r"there is no ledger\.jsonl at") as caught:
            read_published(where)
        assert "--published" in str(caught.value.remedy)
        assert read_published(where, new_is_fine=True) == ()


def test_a_server_that_is_down(address: str) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        port = server.server_address[1]
    with pytest.raises(FetchError, match="no connection"):
        read_published(f"http://127.0.0.1:{port}")


def test_a_shortened_ledger_is_not_taken_for_an_index(site: Path, address: str) -> None:
    ledger = site / "ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:2]))
    for where in (str(site), address):
        with pytest.raises(FetchError, match="was shortened"):
            read_published(where)


def test_a_ledger_of_something_else(site: Path, address: str) -> None:
    (site / "ledger.jsonl").write_text("<html>not found</html>\n")
    for where in (str(site), address):
        with pytest.raises(FetchError, match="ledger line 1"):
            read_published(where)
    (site / "ledger.jsonl").write_bytes(b"\xff\n")
    for where in (str(site), address):
        with pytest.raises(FetchError, match="ledger line 1 is not a sealed line"):
            read_published(where)


def test_a_ledger_with_no_head_is_read_whole_or_not_at_all(site: Path, address: str) -> None:
    (site / "ledger.head.json").unlink()
    for where in (str(site), address):
        assert read_published(where) == EXPECTED
    ledger = site / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"\n", b"\r") + b"x")
    for where in (str(site), address):
        with pytest.raises(FetchError, match="ledger line 1 is cut off"):
            read_published(where)


def test_an_address_of_another_kind() -> None:
    with pytest.raises(UsageError, match="neither an http"):
        read_published("ftp://example.org/")


@pytest.mark.parametrize("where", ["https://[", "https://host:port/"])
def test_an_address_that_is_none_is_named(where: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        read_index(where)
