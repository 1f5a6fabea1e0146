"""What an index offers by itself, and `builder publish fetch`: wheels back from where they lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.errors import PublishError
from index.publish.offered import best_for, offered, reading
from index.records import read_record, record_path
from index.serve import Server
from index.site.add import add_wheels
from index.site.change import yank
from index.site.finish import finish
from index.site.placing import placing
from tests.index_kit import TIME, opened

Make = Callable[..., Path]
OLD, NEW = "tiny_gpu-1.0+cu118-1-py3-none-any.whl", "tiny_gpu-2.0+cu118-1-py3-none-any.whl"
AGAIN = "tiny_gpu-2.0+cu118-2-py3-none-any.whl"
CU124 = "tiny_gpu-1.0+cu124-1-py3-none-any.whl"
ONE_PYTHON = "other_gpu-1.0+cu118-1-cp310-cp310-manylinux_2_31_x86_64.whl"
NEEDY, EMPTY = "needy-1.0+cu118-py3-none-any.whl", "empty-0.9+cu118-py3-none-any.whl"


@pytest.fixture
def site(tmp_path: Path, make_wheel: Make) -> Path:
    """Two versions, a second build, two CUDAs, one for one Python, one that pins another."""

    def text(name: str, version: str, needs: str) -> str:
        return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: {needs}\n"

    wheels = [make_wheel(name) for name in (OLD, NEW, AGAIN, CU124, ONE_PYTHON)]
    wheels.append(make_wheel(NEEDY, text=text("needy", "1.0+cu118", "empty==0.9+cu118")))
    wheels.append(make_wheel(EMPTY, text=text("empty", "0.9+cu118", "needy==1.0+cu118")))
    with opened(tmp_path) as place:
        add_wheels(place, wheels, placing(tmp_path / "site", uploaded=TIME))
        finish(place, uploaded=TIME)
    return tmp_path / "site"


def fetch(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["publish", "fetch", *map(str, words)])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.whl")}


def test_what_is_offered_is_the_newest_of_each(site: Path) -> None:
    with reading(str(site)) as at:
        assert at is not None
        found = offered(at.site)
        assert {one.filename for one in found} == {NEW, AGAIN, CU124, ONE_PYTHON, NEEDY, EMPTY}
        best = {one.filename for one in best_for(found, "3.12")}
        assert best == {AGAIN, CU124, NEEDY, EMPTY}
        assert ONE_PYTHON in {one.filename for one in best_for(found, "3.10")}


def test_a_version_that_was_taken_back_is_not_offered(site: Path, tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        yank(place, [NEW, AGAIN], "wrong")
    with reading(site.as_uri()) as at:
        assert at is not None
        assert OLD in {one.filename for one in offered(at.site)}


def test_fetched_with_records_and_with_what_they_pin(site: Path, tmp_path: Path) -> None:
    with Server(site) as server:
        done = fetch(server.url, "--dist", tmp_path / "back", "--untried-under", "3.15")
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "back") == {AGAIN, CU124, NEEDY, EMPTY}
    for path in (tmp_path / "back").glob("*.whl"):
        assert path.read_bytes() == (site / "files" / path.name).read_bytes()
        assert read_record(record_path(path)).filename == path.name
    again = fetch(site, "--dist", tmp_path / "back", "--untried-under", "3.15")
    assert again.exit_code == 0, "what is there already is left alone"


def test_nothing_under_a_python_that_is_advertised(site: Path, tmp_path: Path) -> None:
    done = fetch(site, "--dist", tmp_path / "back", "--untried-under", "3.12")
    assert "0 published wheels" in done.output
    assert names(tmp_path / "back") == set()
    fetch(site, "--dist", tmp_path / "all")
    assert len(names(tmp_path / "all")) == 6


def test_what_is_built_anew_is_not_fetched(site: Path, tmp_path: Path, make_wheel: Make) -> None:
    make_wheel("tiny_gpu-3.0+cu118-1-py3-none-any.whl")
    make_wheel("other_gpu-2.0+cu118-1-cp311-cp311-manylinux_2_31_x86_64.whl")
    for name in (OLD, NEW, AGAIN, CU124, ONE_PYTHON, NEEDY, EMPTY):
        (tmp_path / "dist" / name).unlink()
    done = fetch(site, "--dist", tmp_path / "dist", "--untried-under", "3.15")
    assert done.exit_code == 0, done.output
    assert {CU124, NEEDY, EMPTY} < names(tmp_path / "dist")
    assert not {NEW, AGAIN} & names(tmp_path / "dist")


def test_other_bytes_than_the_ledger_names_are_refused(site: Path, tmp_path: Path) -> None:
    path = site / "files" / AGAIN
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    done = fetch(site, "--dist", tmp_path / "back", "--untried-under", "3.15")
    assert isinstance(done.exception, PublishError)
    assert f"{AGAIN}: it is published with other bytes" in str(done.exception)
    assert AGAIN not in names(tmp_path / "back")
    path.unlink()
    done = fetch(site, "--dist", tmp_path / "back", "--untried-under", "3.15")
    assert f"{AGAIN} cannot be fetched" in str(done.exception)


@pytest.mark.parametrize("python", ["3", "abc", "2.7", "3.x", "3.15.1", ""])
def test_a_python_that_is_none_is_named(site: Path, tmp_path: Path, python: str) -> None:
    done = fetch(site, "--dist", tmp_path / "back", "--untried-under", python)
    assert done.exit_code == 2
    assert f"'{python}' is not a Python such as 3.12" in done.output


def test_where_nothing_is_published(tmp_path: Path) -> None:
    done = fetch(tmp_path / "nowhere", "--dist", tmp_path / "back")
    assert isinstance(done.exception, PublishError)
    assert "--new-is-fine" in str(done.exception)
    assert fetch(tmp_path / "nowhere", "--dist", tmp_path / "back", "--new-is-fine").exit_code == 0
    done = fetch("http://127.0.0.1:9", "--dist", tmp_path / "back", "--new-is-fine")
    assert "cannot be seen" in str(done.exception), "out of reach is not new"
