"""What a published index has, from a folder and over HTTP."""

from __future__ import annotations

import functools
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import FetchError, UsageError
from builder.plan.facts import PublishedWheel
from builder.plan.published import read_index
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
    # Only fields that may be None are None, which a dict of all of them cannot say.
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
    assert read_index(str(site)).wheels == EXPECTED
    assert read_index(site.as_uri()).wheels == EXPECTED
    assert "%20" in site.as_uri()


@pytest.mark.parametrize("end", ["", "/"])
def test_an_address(address: str, end: str) -> None:
    assert read_index(address + end).wheels == EXPECTED


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


def test_the_headers_of_wheels_for_one_python_alone(site: Path, address: str) -> None:
    """They stand in the record's build spec; no other wheel's record is asked for them."""
    one = record("cu118").model_dump()
    name = "hello_cuda-1.0+cu118-1-{0}-manylinux_2_31_x86_64.whl"
    specs = {
        "cp312-cp312": {"python_headers": "3.12.1 " + "a" * 64},
        "cp313-cp313": None,
        "cp39-abi3": {"python_headers": "no such thing"},
    }
    events: list[Event] = []
    for tag, spec in specs.items():
        told = {**one, "filename": name.format(tag), "build_spec": spec}
        told["tags"] = (f"{tag}-manylinux_2_31_x86_64",)
        url = f"files/{told['filename']}"
        events.append(Add(record=Record(**told), url=url, uploaded="2026-11-02T00:00:00Z"))
    (site / "each").mkdir()
    append(site / "each", State.in_memory(), events)
    for where in (str(site / "each"), f"{address}/each"):
        published = read_index(where).wheels
        assert len(published) == len(specs)
        found = {one.filename: one.headers for one in published if one.headers}
        assert found == {name.format("cp312-cp312"): "3.12.1 " + "a" * 64}


def test_no_ledger(tmp_path: Path, address: str) -> None:
    for where in (str(tmp_path), tmp_path.as_uri(), f"{address}/nothing"):
        with pytest.raises(FetchError, match=r"there is no ledger\.jsonl at") as caught:
            read_index(where)
        assert "--published" in str(caught.value.remedy)
        assert read_index(where, new_is_fine=True).wheels == ()


def test_a_server_that_is_down(address: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with pytest.raises(FetchError, match="no connection"):
            read_index(f"http://127.0.0.1:{unused.getsockname()[1]}")


def test_a_shortened_ledger_is_not_taken_for_an_index(site: Path, address: str) -> None:
    ledger = site / "ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:2]))
    for where in (str(site), address):
        with pytest.raises(FetchError, match="was shortened"):
            read_index(where)


def test_a_ledger_of_something_else(site: Path, address: str) -> None:
    (site / "ledger.jsonl").write_text("<html>not found</html>\n")
    for where in (str(site), address):
        with pytest.raises(FetchError, match="ledger line 1"):
            read_index(where)
    (site / "ledger.jsonl").write_bytes(b"\xff\n")
    for where in (str(site), address):
        with pytest.raises(FetchError, match="ledger line 1 is not a sealed line"):
            read_index(where)


def test_a_ledger_with_no_head_is_read_whole_or_not_at_all(site: Path, address: str) -> None:
    (site / "ledger.head.json").unlink()
    for where in (str(site), address):
        assert read_index(where).wheels == EXPECTED
    ledger = site / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"\n", b"\r") + b"x")
    for where in (str(site), address):
        with pytest.raises(FetchError, match="ledger line 1 is cut off"):
            read_index(where)


def test_an_address_of_another_kind() -> None:
    with pytest.raises(UsageError, match="neither an http"):
        read_index("ftp://example.org/")


@pytest.mark.parametrize("where", ["https://[", "https://host:port/"])
def test_an_address_that_is_none_is_named(where: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        read_index(where)
