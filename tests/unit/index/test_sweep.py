"""What a killed run left is cleared away, and nothing else: a folder may hold other things."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.files import atomic_file, write_bytes
from index.ledger import Settings
from index.pages import hosting, human
from index.site.sweep import sweep

LONG = f"tiny-1.0+{'a' * 150}-py3-none-any.whl"
NAMES = [
    "ledger.jsonl",
    "ledger.head.json",
    "index.html",
    "cu118/tiny/index.json",
    "project/tiny/index.html",
    ".deleting",
    "files/tiny-1.0+cu118-1-py3-none-any.whl",
    "files/tiny-1.0+cu118-1-py3-none-any.whl.metadata",
    "files/tiny-1.0+cu118-1-py3-none-any.whl.provenance",
    "wheels/tiny-1.0+cu118.tar.gz",
    f"files/{LONG}",
    *hosting.files(Settings()),
    *human.assets(),
]


@pytest.mark.parametrize("flush", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_what_the_index_writes_is_cleared_away_while_it_is_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, flush: bool
) -> None:
    path = tmp_path / name
    if flush:
        with atomic_file(path) as file:
            file.write(b"half")
            (half,) = path.parent.glob(".*.part")
            sweep(tmp_path)
            assert not half.exists()
            half.touch()  # so that the block can end
        return
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # killed: nobody tidies up
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"half", flush=False)
    monkeypatch.undo()
    assert len(list(path.parent.glob(".*.part"))) == 1
    sweep(tmp_path)
    assert not list(path.parent.glob(".*.part"))


@pytest.mark.parametrize(
    "name",
    [
        ".film.mkv.part",
        "sub/.letter.part",
        ".download.part",
        "files/.x.part",
        ".arriving-ab/guests",
    ],
)
def test_what_others_wrote_stays(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / name
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("somebody else's")
    sweep(tmp_path)
    assert theirs.read_text() == "somebody else's"


def test_a_wheel_that_was_arriving_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "files/.arriving-abcd1234"
    folder.mkdir(parents=True)
    (folder / "tiny-1.0-py3-none-any.whl").touch()
    (folder / ".tiny-1.0-py3-none-any.whl.abcd1234.part").touch()
    sweep(tmp_path)
    assert not folder.exists()
