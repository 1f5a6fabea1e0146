"""The ledger on disk: whole after a kill at any moment, a full disk, and two runs at once."""

from __future__ import annotations

import errno
import os
import random
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.errors import LedgerError, SiteError
from index.ledger import EMPTY, HEAD_NAME, LEDGER_NAME, Event, Remove, Yank
from index.records import Record
from index.site import disk
from index.site.disk import head_on_disk, read_state
from index.site.site import open_site
from tests.index_kit import add, opened, sealed, state_of, tell
from tests.process_kit import end_of, killed_at, start

Make = Callable[..., Record]


def wheel(number: int, project: str = "a") -> str:
    return f"{project}-{number}+cu118-py3-none-any.whl"


def fill(folder: Path, make_record: Make, *numbers: int, project: str = "a") -> None:
    with opened(folder) as site:
        site.append([add(make_record(wheel(number, project))) for number in numbers])


def names(folder: Path) -> list[str]:
    """What the index says is there: by the kept state, by the ledger alone, and both agree."""
    with opened(folder) as site:
        kept = tell(site.state)
        listed = [known.filename for known in site.state.all_files()]
    assert kept == tell(read_state(folder / "site"))
    data = (folder / "site" / LEDGER_NAME).read_bytes()
    head = head_on_disk(folder / "site")
    assert head is not None
    assert head.size == len(data)
    assert state_of(data, head).head == head
    return listed


def test_events_are_appended(tmp_path: Path, make_record: Make) -> None:
    fill(tmp_path, make_record, 1)
    first = (tmp_path / "site" / LEDGER_NAME).read_bytes()
    fill(tmp_path, make_record, 2, 3)
    data, head = sealed(add(make_record(wheel(number))) for number in (1, 2, 3))
    assert (tmp_path / "site" / LEDGER_NAME).read_bytes() == data
    assert data.startswith(first)
    assert head_on_disk(tmp_path / "site") == head


def test_nothing_appended_is_nothing(tmp_path: Path, make_record: Make) -> None:
    with opened(tmp_path) as site:
        assert site.append([]) == 0
        assert site.append([add(make_record())]) == 1
        assert site.append([]) == 0
    assert names(tmp_path) == [make_record().filename]


def test_a_reader_changes_nothing(tmp_path: Path, make_record: Make) -> None:
    assert read_state(tmp_path / "nothing").head == EMPTY
    fill(tmp_path, make_record, 1)
    path = tmp_path / "site" / LEDGER_NAME
    path.write_bytes(path.read_bytes() + b'{"torn')
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert read_state(tmp_path / "site").count() == 1
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_kept_state_reads_only_what_is_new(
    tmp_path: Path, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, make_record, 1)

    def never(*args: object) -> bool:
        raise AssertionError("the ledger was read again")

    monkeypatch.setattr(disk, "check_seals", never)
    fill(tmp_path, make_record, 2)
    with opened(tmp_path) as site:
        assert site.state.count() == 2


# -- damage ---------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path, make_record: Make) -> Path:
    fill(tmp_path, make_record, 1, 2)
    with opened(tmp_path) as site:
        site.append([Yank(filename=wheel(1), reason="broken")])
    return tmp_path


def refused(folder: Path, message: str) -> None:
    """The site is refused with its state and without, and nothing of it is changed."""
    site = folder / "site"
    before = {path.name: path.read_bytes() for path in site.glob("ledger*")}
    for cache in (folder / "cache", folder / "other cache"):
        with pytest.raises(LedgerError, match=message) as caught, open_site(site, cache):
            pass
        assert caught.value.remedy is not None
    with pytest.raises(LedgerError, match=message):
        read_state(site)
    assert {path.name: path.read_bytes() for path in site.glob("ledger*")} == before


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_shortened_ledger_is_refused(three: Path, kept: int) -> None:
    path = three / "site" / LEDGER_NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    refused(three, f"has {kept} events and once had 3")


def test_a_missing_ledger_is_refused(three: Path) -> None:
    (three / "site" / LEDGER_NAME).unlink()
    refused(three, "once had 3 events: it was shortened to nothing")


def test_a_last_line_cut_off_before_the_head_is_refused(three: Path) -> None:
    path = three / "site" / LEDGER_NAME
    os.truncate(path, path.stat().st_size - 1)
    refused(three, "line 3 is cut off")


def test_a_change_in_the_middle_is_refused(three: Path) -> None:
    path = three / "site" / LEDGER_NAME
    data = path.read_bytes().replace(b"2026-11-21", b"2026-11-22", 1)
    path.write_bytes(data)
    refused(three, "line 1 does not follow")


def test_a_change_that_keeps_size_and_time_is_refused(three: Path) -> None:
    path = three / "site" / LEDGER_NAME
    found = path.stat()
    data = path.read_bytes().replace(b"2026-11-21", b"2026-11-22", 1)
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        found.st_size, found.st_mtime_ns, found.st_ino,
    )  # fmt: skip
    refused(three, "line 1 does not follow")


def test_a_head_of_something_else_is_refused(three: Path) -> None:
    (three / "site" / HEAD_NAME).write_text("<html>\n")
    refused(three, HEAD_NAME)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_head_of_another_ledger_is_refused(three: Path, make_record: Make, count: int) -> None:
    _, head = sealed(add(make_record(wheel(number, "other"))) for number in range(count))
    (three / "site" / HEAD_NAME).write_text(head.dump())
    refused(three, f"line {count} is not the one its head names")


def test_a_missing_head_is_written_again(three: Path) -> None:
    expected = (three / "site" / HEAD_NAME).read_bytes()
    (three / "site" / HEAD_NAME).unlink()
    assert names(three) == [wheel(1), wheel(2)]
    assert (three / "site" / HEAD_NAME).read_bytes() == expected


def test_with_no_head_nothing_may_be_torn(three: Path) -> None:
    (three / "site" / HEAD_NAME).unlink()
    path = three / "site" / LEDGER_NAME
    path.write_bytes(path.read_bytes()[:-1])
    refused(three, "line 3 is cut off")


def test_an_older_head_is_brought_up(three: Path, make_record: Make) -> None:
    newest = (three / "site" / HEAD_NAME).read_bytes()
    _, head = sealed([add(make_record(wheel(1)))])
    (three / "site" / HEAD_NAME).write_text(head.dump())
    assert names(three) == [wheel(1), wheel(2)]
    assert (three / "site" / HEAD_NAME).read_bytes() == newest


def test_a_torn_line_beyond_the_head_is_dropped(three: Path, make_record: Make) -> None:
    path = three / "site" / LEDGER_NAME
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:100])
    assert names(three) == [wheel(1), wheel(2)]
    assert path.read_bytes() == whole
    fill(three, make_record, 3)
    assert names(three) == [wheel(1), wheel(2), wheel(3)]


def test_a_torn_first_line_of_all_is_dropped(tmp_path: Path, make_record: Make) -> None:
    def events() -> Iterator[Event]:
        # Only beside a head can a torn line be told from a lost end.
        assert head_on_disk(tmp_path / "site") == EMPTY
        yield add(make_record(wheel(1)))

    with opened(tmp_path) as site:
        site.append(events())
    path = tmp_path / "site" / LEDGER_NAME
    path.write_bytes(path.read_bytes()[:100])
    (tmp_path / "site" / HEAD_NAME).write_text(EMPTY.dump())
    fill(tmp_path, make_record, 2)
    assert names(tmp_path) == [wheel(2)]


def test_a_ledger_put_back_from_an_older_copy_is_followed(three: Path, make_record: Make) -> None:
    saved = {path: path.read_bytes() for path in (three / "site").glob("ledger*")}
    fill(three, make_record, 3)
    for path, data in saved.items():
        path.write_bytes(data)
    assert names(three) == [wheel(1), wheel(2)]
    fill(three, make_record, 4)
    assert names(three) == [wheel(1), wheel(2), wheel(4)]


def test_a_site_begun_again_forgets_the_old_one(three: Path, make_record: Make) -> None:
    for path in (three / "site").glob("ledger*"):
        path.unlink()
    fill(three, make_record, 7)
    assert names(three) == [wheel(7)]


@pytest.mark.parametrize("what", ["appended", "changed", "gone"])
def test_a_ledger_changed_under_an_open_site_is_not_written_over(
    three: Path, make_record: Make, what: str
) -> None:
    path = three / "site" / LEDGER_NAME
    with opened(three) as site:
        data = path.read_bytes()
        if what == "gone":
            path.unlink()
        else:
            new = data + b"{}\n" if what == "appended" else data.replace(b"broken", b"broker")
            path.write_bytes(new)
        with pytest.raises(LedgerError, match="another program changed"):
            site.append([add(make_record(wheel(3)))])
        assert path.is_file() == (what != "gone")
        assert what == "gone" or path.read_bytes() == new


# -- errors half-way ------------------------------------------------------------------------


def test_an_error_of_the_events_undoes_them_all(three: Path, make_record: Make) -> None:
    path = three / "site" / LEDGER_NAME
    before = path.read_bytes()

    def broken() -> Iterator[Event]:
        for number in range(3, 2000):
            yield add(make_record(wheel(number)))
        raise KeyboardInterrupt

    with opened(three) as site:
        with pytest.raises(KeyboardInterrupt):
            site.append(broken())
        with pytest.raises(LedgerError, match="no 'b' to remove"):
            site.append([add(make_record(wheel(3))), Remove(filename="b", reason="x")])
        assert path.read_bytes() == before
        site.append([add(make_record(wheel(4)))])
    assert names(three) == [wheel(1), wheel(2), wheel(4)]


def large(make_record: Make, number: int) -> Record:
    import hashlib

    text = f"Metadata-Version: 2.1\nName: a\nVersion: {number}+cu118\n\n" + "x" * 200_000
    digest = hashlib.sha256(text.encode()).hexdigest()
    return make_record(wheel(number), metadata=text, metadata_sha256=digest)


@pytest.mark.parametrize("room", [0, 1, 100_000, 500_000, 1_500_000])
def test_a_full_disk_leaves_the_ledger_as_it_was(three: Path, make_record: Make, room: int) -> None:
    path = three / "site" / LEDGER_NAME
    with opened(three) as site:  # larger than the cache, which the limit holds for as well
        site.append([add(large(make_record, number)) for number in (3, 4)])
    before = path.read_bytes()

    def overflow() -> None:
        with opened(three) as site:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, resource.RLIM_INFINITY))
            with pytest.raises(OSError, match="File too large"):
                site.append([add(large(make_record, number)) for number in range(5, 15)])
            assert path.read_bytes() == before
            resource.setrlimit(
                resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
            site.append([add(make_record(wheel(99)))])  # somebody made room

    assert end_of(start(overflow)) == 0
    assert path.read_bytes().startswith(before)
    assert names(three) == sorted([wheel(n) for n in (1, 2, 3, 4, 99)])


def test_a_full_disk_is_told_in_plain_words(three: Path, make_record: Make) -> None:
    def full() -> Iterator[Event]:
        yield add(make_record(wheel(3)))
        raise OSError(errno.ENOSPC, "No space left on device", "wheel")

    with pytest.raises(SiteError, match="No space left") as caught, opened(three) as site:
        site.append(full())
    assert "run the command again" in str(caught.value)
    assert names(three) == [wheel(1), wheel(2)]


def test_a_full_disk_at_the_head_takes_the_line_back(
    three: Path, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = three / "site" / LEDGER_NAME
    before = path.read_bytes()

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with opened(three) as site:
        with monkeypatch.context() as patch:
            patch.setattr(disk, "write_text", full)
            with pytest.raises(OSError, match="No space"):
                site.append([add(make_record(wheel(3)))])
        assert path.read_bytes() == before
        site.append([add(make_record(wheel(4)))])
    assert names(three) == [wheel(1), wheel(2), wheel(4)]


def test_an_error_after_the_head_is_in_place_loses_nothing(
    three: Path, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = disk.write_text

    def late(path: Path, text: str) -> None:
        write_text(path, text)
        raise KeyboardInterrupt

    with opened(three) as site, monkeypatch.context() as patch:
        patch.setattr(disk, "write_text", late)
        with pytest.raises(KeyboardInterrupt):
            site.append([add(make_record(wheel(3)))])
        # This run does not know what the disk has; it writes nothing more.
        with pytest.raises(LedgerError, match="another program"):
            site.append([add(make_record(wheel(4)))])
    assert names(three) == [wheel(1), wheel(2), wheel(3)]


# -- kills ----------------------------------------------------------------------------------

MODULES = ("index.site.disk", "index.site.site", "index.site.sweep", "index.files",
           "index.state.state", "index.state.schema", "index.state.database")  # fmt: skip


def test_a_kill_at_any_line_of_the_first_append(tmp_path: Path, make_record: Make) -> None:
    _kill_everywhere(tmp_path, make_record, first=True)


def test_a_kill_at_any_line_of_a_later_append(tmp_path: Path, make_record: Make) -> None:
    _kill_everywhere(tmp_path, make_record, first=False)


def _kill_everywhere(folder: Path, make_record: Make, *, first: bool) -> None:
    outcomes = set()
    step = random.Random(1)  # some lines, in each run the same
    line = 0
    while True:
        place = folder / str(line)
        place.mkdir()
        if not first:
            fill(place, make_record, 0)
        came_so_far = killed_at(lambda at=place: fill(at, make_record, 1, 2), MODULES, line)
        fill(place, make_record, 9)
        there = names(place)
        old = [] if first else [wheel(0)]
        assert there in (
            [*old, wheel(9)],
            [*old, wheel(1), wheel(2), wheel(9)],
        ), (line, there)  # fmt: skip
        assert not list((place / "site").glob(".*.part"))
        outcomes.add(len(there) - len(old))
        if not came_so_far:
            break
        line += step.randint(1, 25)
    assert outcomes == {1, 3}
    assert line > 50


def test_kills_at_random_moments_lose_nothing_acknowledged(
    tmp_path: Path, make_record: Make
) -> None:
    chance = random.Random()
    fill(tmp_path, make_record, 0)
    acknowledged = {wheel(0)}
    for turn in range(15):
        reader, writer = os.pipe()

        def work(turn: int = turn, writer: int = writer) -> None:
            for number in range(10_000):
                with opened(tmp_path) as site:
                    pair = [wheel(number, f"p{turn}"), wheel(number, f"q{turn}")]
                    site.append([add(make_record(name)) for name in pair])
                os.write(writer, f"{pair[0]}\n{pair[1]}\n".encode())

        child = start(work)
        os.close(writer)
        with os.fdopen(reader) as said:
            if turn % 2:  # in its stride; else wherever a busy machine lets it come to
                acknowledged.add(said.readline().rstrip("\n"))
            time.sleep(chance.uniform(0.0, 0.15))
            os.kill(child, signal.SIGKILL)
            assert end_of(child) == -signal.SIGKILL
            acknowledged.update(line[:-1] for line in said if line.endswith("\n"))
        assert acknowledged <= set(names(tmp_path))
    assert len(acknowledged) > 1


# -- two at once ----------------------------------------------------------------------------


def test_two_processes_at_once_end_with_both(tmp_path: Path, make_record: Make) -> None:
    def work(project: str) -> None:
        for number in range(15):
            fill(tmp_path, make_record, number, project=project)

    children = [start(lambda project=project: work(project)) for project in ("a", "b")]
    assert [end_of(child) for child in children] == [0, 0]
    both = {wheel(number, project) for number in range(15) for project in ("a", "b")}
    assert set(names(tmp_path)) == both


def test_two_that_add_the_same_file_end_with_one(tmp_path: Path, make_record: Make) -> None:
    def work() -> None:
        try:
            fill(tmp_path, make_record, 1)
        except LedgerError:
            os._exit(7)

    children = [start(work) for _ in range(2)]
    assert sorted(end_of(child) for child in children) == [0, 7]
    assert names(tmp_path) == [wheel(1)]


def test_who_waits_is_told_for_what(tmp_path: Path, make_record: Make) -> None:
    reader, writer = os.pipe()

    ending, end = os.pipe()

    def hold() -> None:
        with opened(tmp_path):
            os.write(writer, b"x")
            assert select.select([ending], [], [], 240)[0], "nobody was told"

    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        os.write(end, b"x")

    child = start(hold)
    assert os.read(reader, 1) == b"x"
    with open_site(tmp_path / "site", tmp_path / "cache", tell) as site:
        site.append([add(make_record())])
    assert any("another run is changing" in line for line in said)
    assert end_of(child) == 0
    for descriptor in (reader, writer, ending, end):
        os.close(descriptor)
