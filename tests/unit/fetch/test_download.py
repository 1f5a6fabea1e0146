"""The download door against a server with real faults."""

from __future__ import annotations

import random
import socket
import threading
import time
from pathlib import Path

import pytest

from builder.errors import FetchError, MachineError
from builder.fetch import cached, fetch, fetch_all
from builder.fetch.download import file_path
from builder.fetch.part import Part
from builder.fetch.settings import FetchSettings

DATA = random.Random(1).randbytes(300_000)
OTHER = random.Random(2).randbytes(300_000)


def part_of(artifact, cache) -> Part:
    return Part(folder=file_path(artifact, cache).parent)


def test_a_file_lies_under_its_hash_and_is_not_asked_for_twice(
    server, cache, settings, make, heard
):
    artifact = make(DATA, server.put("/a", DATA), size=len(DATA))
    path = fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert path == cache.downloads / artifact.sha256[:2] / artifact.sha256 / "a.bin"
    assert path.read_bytes() == DATA
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings) == path
    assert len(server.seen) == 1
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["a.bin"]
    assert heard.tasks == ["a.bin"]  # no bar for what is there already


def test_damage_in_the_cache_is_seen_and_mended(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA))
    path = fetch(artifact, cache=cache, reporter=heard, settings=settings)
    path.write_bytes(OTHER)
    assert cached(artifact, cache=cache) is None
    again = fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert again.read_bytes() == DATA
    assert len(server.seen) == 2
    assert "damaged" in heard.warned[0]


def test_a_file_put_there_by_hand_is_taken_if_right(cache, settings, make, heard):
    artifact = make(DATA, "https://nowhere.invalid/a")
    file_path(artifact, cache).parent.mkdir(parents=True)
    file_path(artifact, cache).write_bytes(DATA)
    path = fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert path.read_bytes() == DATA


def test_the_same_bytes_under_another_name_are_not_downloaded(server, cache, settings, make, heard):
    one = make(DATA, server.put("/a", DATA), name="one")
    two = make(DATA, server.put("/b", DATA), name="two")
    paths = fetch_all([one, two, one], cache=cache, reporter=heard, settings=settings)
    assert {path.name: path.read_bytes() for path in paths.values()} == {"one": DATA, "two": DATA}
    assert len(server.seen) == 1


def test_cut_short_goes_on_where_it_broke_off(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA, {"cut": 100_000}, etag='"v1"'))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    first, second = server.seen
    assert first[1:] == (None, None)
    assert second[1] is not None
    assert second[2] == '"v1"'
    assert 0 < int(second[1].removeprefix("bytes=").rstrip("-")) <= 100_000
    assert server.sent == len(DATA)  # nothing twice


def test_cut_short_without_a_length_is_told_from_the_pinned_size(
    server, cache, settings, make, heard
):
    artifact = make(DATA, server.put("/a", DATA, {"cut": 90_000}, length=False), size=len(DATA))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert server.ranges == [None, "bytes=90000-"]


def test_a_server_that_ignores_ranges_starts_again(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA, {"cut": 100_000}, ranges=False))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert server.ranges[1] is not None
    assert server.sent == len(DATA) + 100_000


def test_a_changed_file_is_not_glued_to_the_old_part(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA, etag='"new"'))
    part = part_of(artifact, cache)
    with part.open(0) as file:
        file.write(OTHER[:1000])
    part.remember(server.url + "/a", '"old"')
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert server.seen == [("/a", "bytes=1000-", '"old"')]  # answered whole, with 200


@pytest.mark.parametrize(
    "left", [OTHER[:1000], DATA + b"more", OTHER], ids=["start", "long", "whole"]
)
@pytest.mark.parametrize("sized", [True, False])
def test_a_wrong_part_is_thrown_away_and_started_again_once(
    left, sized, server, cache, settings, make, heard
):
    artifact = make(DATA, server.put("/a", DATA), size=len(DATA) if sized else None)
    with part_of(artifact, cache).open(0) as file:
        file.write(left)
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert server.ranges[-1] is None
    assert len(server.seen) <= 2


@pytest.mark.parametrize("sized", [True, False])
def test_a_part_that_was_whole_is_only_put_in_place(sized, server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA), size=len(DATA) if sized else None)
    with part_of(artifact, cache).open(0) as file:
        file.write(DATA)
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert server.sent == 0


def test_wrong_bytes_everywhere_is_an_error_that_names_both_hashes(
    server, cache, settings, make, heard
):
    artifact = make(DATA, server.put("/a", OTHER), server.put("/b", b"short"), size=len(DATA))
    with pytest.raises(FetchError) as caught:
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
    message = str(caught.value)
    assert f"{server.url}/a: wrong bytes: sha256" in message
    assert f"{server.url}/b: wrong bytes" in message
    assert artifact.sha256 in message
    assert not file_path(artifact, cache).exists()
    assert part_of(artifact, cache).size == 0  # nothing wrong is gone on with
    assert len(server.seen) == 2  # wrong bytes are not asked for again


def test_an_endless_answer_is_ended(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", OTHER * 20, length=False), size=len(DATA))
    with pytest.raises(FetchError, match=f"far more than {len(DATA)} bytes"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)


def test_404_is_not_retried_and_the_next_mirror_asked(server, cache, settings, make, heard):
    artifact = make(DATA, server.url + "/gone", server.put("/b", DATA))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert [seen[0] for seen in server.seen] == ["/gone", "/b"]


def test_500_then_ok(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA, {"status": 500}, {"status": 503}))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert len(server.seen) == 3


def test_500_for_ever_ends_after_the_attempts(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA, *[{"status": 500}] * 99))
    with pytest.raises(FetchError, match=r"answered 500 Internal Server Error \(4 attempts\)"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert len(server.seen) == settings.attempts


def test_429_waits_as_long_as_it_was_asked_to(server, cache, settings, make, heard):
    answer = {"status": 429, "headers": {"Retry-After": "1"}}
    artifact = make(DATA, server.put("/a", DATA, answer))
    started = time.monotonic()
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert time.monotonic() - started >= 1.0


def test_429_is_not_obeyed_beyond_reason(server, cache, settings, make, heard):
    answer = {"status": 429, "headers": {"Retry-After": "86400"}}
    artifact = make(DATA, server.put("/a", DATA, answer))
    started = time.monotonic()
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert settings.longest_wait <= time.monotonic() - started < 3600


def test_an_answer_that_never_comes_is_given_up(server, cache, make, heard):
    settings = FetchSettings(read_timeout=0.2, backoff=0.01, attempts=2, env={})
    artifact = make(DATA, server.put("/a", DATA, {"delay": 20.0}, {"delay": 20.0}))
    with pytest.raises(FetchError, match=r"no answer in time \(2 attempts\)"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)


def test_a_mirror_that_is_down_and_a_second_that_is_up(server, cache, settings, make, heard):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{listener.getsockname()[1]}/a"  # bound, not listening: refused
        artifact = make(DATA, down, server.put("/b", DATA))
        path = fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert path.read_bytes() == DATA


def test_a_mirror_goes_on_with_what_the_first_gave(server, cache, settings, make, heard):
    cuts = [{"cut": 50_000}, *[{"status": 500}] * 9]
    artifact = make(DATA, server.put("/a", DATA, *cuts), server.put("/b", DATA))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    path, wanted, validator = server.seen[-1]
    assert (path, validator) == ("/b", None)
    assert wanted is not None
    assert server.sent == len(DATA)


def test_the_error_lists_every_place_with_its_answer_and_hides_passwords(
    server, cache, settings, make, heard
):
    secret = server.url.replace("http://", "http://user:secret@") + "/x"
    artifact = make(DATA, secret, server.put("/b", DATA, {"status": 403}), "gopher:7", size=7)
    with pytest.raises(FetchError) as caught:
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
    message = str(caught.value)
    assert "/x: answered 404" in message
    assert "/b: answered 403" in message
    assert "gopher:7: not a kind of source known here" in message
    assert "secret" not in message
    assert str(file_path(artifact, cache)) in (caught.value.remedy or "")


def test_file_addresses(tmp_path, cache, settings, make, heard):
    folder = tmp_path / "my drive"
    folder.mkdir()
    (folder / "a b").write_bytes(DATA)
    artifact = make(DATA, "file:///nowhere/at/all", (folder / "a b").as_uri())
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA


def test_a_shaky_line_that_brings_us_on_is_not_failing(server, cache, settings, make, heard):
    big = DATA * 40
    cuts = [{"cut": 1_500_000}] * 7  # more of them than attempts are allowed
    artifact = make(big, server.put("/a", big, *cuts))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == big
    assert len(server.seen) == 8


def test_many_at_once_with_one_count_of_bytes(server, cache, settings, make, heard):
    parts = [random.Random(seed).randbytes(50_000) for seed in range(12)]
    wanted = [
        make(part, address, size=len(part), name=str(number))
        for number, part in enumerate(parts)
        for address in [server.put(f"/{number}", part, pause=0.05, chunk=10_000)]
    ]
    paths = fetch_all(wanted, cache=cache, reporter=heard, settings=settings)
    assert list(paths) == wanted
    assert [paths[artifact].read_bytes() for artifact in wanted] == parts
    assert heard.tasks == ["12 downloads"]
    done = [update[0] for update in heard.updates]
    assert done == sorted(done)
    assert heard.updates[0][1] == 600_000


def test_a_failure_stops_the_others_and_keeps_what_they_have(server, cache, settings, make, heard):
    gate = threading.Event()
    slow = make(DATA, server.put("/slow", DATA, gate=gate), size=len(DATA), name="s")
    bad = make(OTHER, server.url + "/gone", name="b")
    with pytest.raises(FetchError, match="answered 404"):
        fetch_all([slow, bad], cache=cache, reporter=heard, settings=settings)
    assert not file_path(slow, cache).exists(), "it waited for the last bytes"
    gate.set()


def test_two_threads_download_once(server, cache, settings, make, heard):
    met = threading.Event()  # the download goes on when somebody waits for it
    artifact = make(DATA, server.put("/a", DATA, gate=met))
    paths, say = [], heard.say

    def tell(text: str) -> None:
        say(text)
        if "waiting for another download" in text:
            met.set()

    heard.say = tell

    def one() -> None:
        paths.append(fetch(artifact, cache=cache, reporter=heard, settings=settings))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in paths] == [DATA] * 4
    assert len(server.seen) == 1
    assert any("waiting for another download" in line for line in heard.said)


def test_too_little_space_is_said_before_anything_starts(server, cache, settings, make, heard):
    artifact = make(DATA, server.put("/a", DATA), size=10**15)
    with pytest.raises(MachineError, match=r"no space left on the disk of .*MB more needed"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert server.seen == []


def test_a_cache_that_cannot_be_written_is_the_machines_fault(
    server, tmp_path, settings, make, heard, cache
):
    cache.root.mkdir()
    cache.downloads.write_text("a file where a folder should be")
    artifact = make(DATA, server.put("/a", DATA))
    with pytest.raises(MachineError, match="cannot write to"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)


def test_nothing_to_fetch(cache, settings, heard):
    assert fetch_all([], cache=cache, reporter=heard, settings=settings) == {}
    assert heard.tasks == []
    assert not Path(cache.root).exists()
