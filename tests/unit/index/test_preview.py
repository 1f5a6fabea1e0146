"""`builder index serve`: what it prints, how it ends, and what it finds beside a site."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.ledger import Add
from index.ledger.seal import EMPTY, seal_event
from index.model import File
from index.pages.plain import simple_pages
from index.records import Record
from index.serve import Server
from index.serve.beside import folders_beside
from index.serve.preview import preview_lines, roots_of

Make = Callable[..., Record]
TIME = "2026-11-21T00:00:00Z"


def write_site(site: Path, *files: File) -> Path:
    for page in simple_pages(files, default_cuda="cu118"):
        (site / page.path).parent.mkdir(parents=True, exist_ok=True)
        (site / page.path).write_text(page.content)
    (site / "ledger.jsonl").touch()
    return site


@pytest.fixture
def site(tmp_path: Path, make_record: Make) -> Path:
    return write_site(
        tmp_path / "site",
        File.of_wheel(make_record("aa-1.0+cu118-py3-none-any.whl")),
        File.of_wheel(make_record("tiny_gpu-1.9+cu118-py3-none-any.whl")),
        File.of_wheel(make_record("tiny_gpu-1.10+cu118-py3-none-any.whl")),
        File.of_wheel(make_record("tiny_gpu-2.0+cu118-py3-none-any.whl"), yanked="broken"),
        File(
            filename="tiny_gpu-1.10+cu118.tar.gz", name="tiny-gpu", version="1.10+cu118",
            cuda="cu118", sha256="0" * 64, size=1, url="files/tiny_gpu-1.10+cu118.tar.gz",
        ),
    )  # fmt: skip


def test_a_line_per_root_for_a_project_with_a_guard_and_no_yanked_version(site: Path) -> None:
    (site / "project").mkdir()
    (site / "project/index.html").write_text("")
    assert roots_of(site) == ["cu118", "simple"]
    assert dict(preview_lines(site, "http://127.0.0.1:8000")) == {
        root: f'pip install --extra-index-url http://127.0.0.1:8000/{root} "tiny-gpu==1.10+cu118"'
        for root in ("cu118", "simple")
    }


def test_folders_beside_a_site_are_those_its_ledger_names(
    tmp_path: Path, make_record: Make
) -> None:
    site = tmp_path / "a/site"
    site.mkdir(parents=True)
    assert folders_beside(site) == {}
    urls = ("files/", "https://host/wheels/", "../wheels/", "../far/away/", "../")
    head, data = EMPTY, b""
    for number, url in enumerate(urls):
        record = make_record(f"a-{number}-py3-none-any.whl", build_spec={"url": "../inside/x"})
        event = Add(record=record, url=url + record.filename, uploaded=TIME)
        line, head = seal_event(event, head)
        data += line
    (site / "ledger.jsonl").write_bytes(data)
    assert folders_beside(site) == {
        "wheels": tmp_path / "a/wheels",
        "far/away": tmp_path / "a/far/away",
        "": tmp_path / "a",
    }


@contextlib.contextmanager
def serving(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    command = [sys.executable, "-m", "builder", "index", "serve", *map(str, arguments)]
    with subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            while lines[-1] and not lines[-1].startswith("Ctrl-C"):
                lines.append(process.stdout.readline())
            yield process, lines
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_lines_shows_requests_and_ends_well(site: Path, end: signal.Signals) -> None:
    with serving(site, "--port", "0") as (process, lines):
        url = lines[0].strip()
        assert lines[1] == f'  pip install --extra-index-url {url}cu118 "tiny-gpu==1.10+cu118"\n'
        assert lines[-1] == "Ctrl-C ends it.\n"
        asked = urllib.request.Request(f"{url}cu118/", headers={"User-Agent": "me/1 x"})
        with urllib.request.urlopen(asked, timeout=240) as answer:
            size = len(answer.read())
        process.send_signal(end)
        _, said = process.communicate(timeout=240)
    assert f"GET  /cu118/  200  {size} bytes  text/html  me/1\n" in said
    assert process.returncode == 0


def test_quiet_shows_no_requests(site: Path) -> None:
    with serving(site, "--port", "0", "--quiet") as (process, lines):
        with urllib.request.urlopen(f"{lines[0].strip()}cu118/", timeout=240) as answer:
            answer.read()
        process.terminate()
        _, said = process.communicate(timeout=240)
    assert "GET" not in said
    assert process.returncode == 0


def test_a_taken_port_and_an_empty_folder_say_what_to_do(site: Path, tmp_path: Path) -> None:
    with Server(site) as taken, serving(site, "--port", taken.url.rpartition(":")[2]) as (busy, _):
        _, said = busy.communicate(timeout=240)
    assert busy.returncode == 10
    assert "is taken" in said
    assert "--port 0" in said
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "empty") as (empty, _):
        _, said = empty.communicate(timeout=240)
    assert empty.returncode == 2
    assert "has no index yet" in said


def test_a_folder_with_pages_and_no_ledger_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/index.html").write_text("somebody's own")
    with serving(tmp_path, "--port", "0") as (process, _):
        process.kill()
        _, said = process.communicate(timeout=240)
    assert process.returncode == 2, "it serves"
    assert "is no index" in said
