"""The ledger notices every change that was not an event, and no event contradicts another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from index.errors import LedgerError
from index.ledger import (
    EMPTY,
    HEAD_NAME,
    LEDGER_NAME,
    Add,
    Event,
    Head,
    Remove,
    Yank,
    append_event,
    load_ledger,
    read_ledger,
    save_ledger,
    seal_event,
)
from index.records import Record

Make = Callable[..., Record]
TIME = "2026-11-21T00:00:00Z"


def add(record: Record, url: str = "files/a.whl") -> Add:
    return Add(record=record, url=url, uploaded=TIME)


def ledger(*events: Event) -> str:
    text = ""
    for event in events:
        text = append_event(text, event)
    return text


@pytest.fixture
def three(make_record: Make) -> str:
    one, two = (make_record(f"a-{n}+cu118-py3-none-any.whl") for n in (1, 2))
    return ledger(add(one), add(two), Yank(filename=one.filename, reason="broken"))


def test_events_add_up(make_record: Make, three: str) -> None:
    state = read_ledger(three)
    assert list(state.records) == ["a-1+cu118-py3-none-any.whl", "a-2+cu118-py3-none-any.whl"]
    first = state.live["a-1+cu118-py3-none-any.whl"]
    assert (first.yanked, first.uploaded, first.url) == ("broken", TIME, "files/a.whl")
    assert state.live["a-2+cu118-py3-none-any.whl"].yanked is None
    gone = read_ledger(append_event(three, Remove(filename=first.record.filename, reason="leak")))
    assert list(gone.live) == ["a-2+cu118-py3-none-any.whl"]
    assert gone.removed == {first.record.filename: (first.record.sha256, "leak")}
    assert gone.head.count == 4


def test_an_empty_ledger_is_one() -> None:
    assert read_ledger("").head == EMPTY


def test_a_cut_line_is_noticed(three: str) -> None:
    for end in (len(three) - 1, len(three) - 2, 10, three.index("\n") + 5):
        with pytest.raises(LedgerError, match="cut off"):
            read_ledger(three[:end])


@pytest.mark.parametrize("line", [0, 1])
def test_a_dropped_line_is_noticed(three: str, line: int) -> None:
    lines = three.splitlines(keepends=True)
    del lines[line]
    with pytest.raises(LedgerError, match=f"line {line + 1} does not follow") as caught:
        read_ledger("".join(lines))
    assert caught.value.remedy is not None


def test_dropped_last_lines_are_noticed_by_the_head(three: str) -> None:
    head = read_ledger(three).head
    lines = three.splitlines(keepends=True)
    assert read_ledger(three, head).head == head
    for kept in (0, 1, 2):
        with pytest.raises(LedgerError, match=f"has {kept} events and once had 3"):
            read_ledger("".join(lines[:kept]), head)


def test_another_history_is_noticed_by_the_head(make_record: Make, three: str) -> None:
    other = ledger(*(add(make_record(f"b-{n}+cu118-py3-none-any.whl")) for n in range(4)))
    with pytest.raises(LedgerError, match="line 3 is not the one"):
        read_ledger(other, read_ledger(three).head)


def test_swapped_lines_are_noticed(three: str) -> None:
    one, two, rest = three.splitlines(keepends=True)
    with pytest.raises(LedgerError, match="line 1 does not follow"):
        read_ledger(two + one + rest)


def test_an_edited_reason_is_noticed(three: str) -> None:
    with pytest.raises(LedgerError, match="line 3"):
        read_ledger(three.replace("broken", "bad"))


def test_a_resealed_event_must_still_be_an_event() -> None:
    class Strange:
        def model_dump(self, mode: str) -> dict[str, object]:
            return {"event": "rename", "filename": "a", "schema_version": 1}

    line, _ = seal_event(Strange(), EMPTY)  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match=r"line 1: .*rename"):
        read_ledger(line)


@given(data=st.data())
def test_any_changed_character_is_noticed(data: st.DataObject) -> None:
    text = SAMPLE
    position = data.draw(st.integers(0, len(text) - 2))
    character = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[position]))
    broken = text[:position] + character + text[position + 1 :]
    try:
        state = read_ledger(broken, SAMPLE_HEAD)
    except LedgerError:
        return
    # White space between JSON's tokens changes nothing that is said.
    assert state == read_ledger(text, SAMPLE_HEAD)


@given(text=st.text(max_size=60))
def test_any_other_text_is_refused_or_empty(text: str) -> None:
    if text == "":
        return
    with pytest.raises(LedgerError):
        read_ledger(text)


def test_deep_json_is_refused() -> None:
    with pytest.raises(LedgerError, match="line 1"):
        read_ledger("[" * 200_000 + "\n")


def test_the_same_name_with_other_bytes_is_refused(make_record: Make) -> None:
    record = make_record()
    other = make_record(sha256="0" * 64)
    text = ledger(add(record))
    with pytest.raises(LedgerError, match="already with other bytes"):
        append_event(text, add(other))
    with pytest.raises(LedgerError, match=r"there already$"):
        append_event(text, add(record))
    text = append_event(text, Remove(filename=record.filename, reason="x"))
    with pytest.raises(LedgerError, match="was removed"):
        append_event(text, add(other))
    assert list(read_ledger(append_event(text, add(record))).live) == [record.filename]


def test_names_that_differ_in_case_are_refused(make_record: Make) -> None:
    text = ledger(add(make_record("a-1+cu118-py3-none-any.whl")))
    with pytest.raises(LedgerError, match="case only"):
        append_event(text, add(make_record("A-1+cu118-py3-none-any.whl")))


def test_only_what_is_there_can_go(make_record: Make) -> None:
    for event in (Yank(filename="x.whl", reason="y"), Remove(filename="x.whl", reason="y")):
        with pytest.raises(LedgerError, match=f"no 'x.whl' to {event.event}"):
            append_event("", event)


def test_a_record_that_contradicts_itself_is_refused(make_record: Make) -> None:
    with pytest.raises(LedgerError, match="version"):
        append_event("", add(make_record(version="9")))


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "\x1b[2J"])
def test_a_reason_says_something(reason: str) -> None:
    with pytest.raises(ValidationError):
        Yank(filename="a.whl", reason=reason)


@pytest.mark.parametrize("url", ["../a.whl", "javascript:alert(1)", "/etc/passwd"])
def test_an_address_stays_in_the_site(make_record: Make, url: str) -> None:
    with pytest.raises(ValidationError):
        add(make_record(), url=url)


def test_saved_and_loaded(tmp_path: Path, three: str) -> None:
    assert load_ledger(tmp_path) == ("", read_ledger(""))
    state = save_ledger(tmp_path, three)
    assert load_ledger(tmp_path) == (three, state)
    assert Head.parse((tmp_path / HEAD_NAME).read_bytes()) == state.head


def test_a_shorter_ledger_is_never_saved(tmp_path: Path, three: str) -> None:
    save_ledger(tmp_path, three)
    shorter = "".join(three.splitlines(keepends=True)[:2])
    with pytest.raises(LedgerError, match="shortened"):
        save_ledger(tmp_path, shorter)
    (tmp_path / LEDGER_NAME).write_text(shorter)
    with pytest.raises(LedgerError, match="shortened"):
        load_ledger(tmp_path)
    (tmp_path / LEDGER_NAME).unlink()
    with pytest.raises(LedgerError, match="shortened"):
        load_ledger(tmp_path)


def test_killed_between_ledger_and_head(tmp_path: Path, make_record: Make, three: str) -> None:
    save_ledger(tmp_path, three)
    longer = append_event(three, add(make_record("a-3+cu118-py3-none-any.whl")))
    (tmp_path / LEDGER_NAME).write_text(longer)
    text, state = load_ledger(tmp_path)
    assert (text, state.head.count) == (longer, 4)


@pytest.mark.parametrize("text", ["", "{}", '{"count": -1, "digest": "0"}', "[]"])
def test_a_broken_head_is_refused(text: str) -> None:
    with pytest.raises(LedgerError, match=HEAD_NAME):
        Head.parse(text)


def _sample() -> str:
    metadata = "Metadata-Version: 2.1\nName: a\nVersion: 1\n"
    record = Record(
        filename="a-1-py3-none-any.whl", name="a", version="1", tags=("py3-none-any",),
        sha256="0" * 64, size=1, metadata=metadata,
        metadata_sha256=hashlib.sha256(metadata.encode()).hexdigest(),
    )  # fmt: skip
    return ledger(add(record), Yank(filename=record.filename, reason="é"))


SAMPLE = _sample()
SAMPLE_HEAD = read_ledger(SAMPLE).head


def test_lines_are_json_with_a_schema_version() -> None:
    for line in SAMPLE.splitlines():
        assert json.loads(line)["schema_version"] == 1
