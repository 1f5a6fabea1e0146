"""The ledger notices every change that was not an event, and no event contradicts another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from index.errors import LedgerError
from index.ledger import (
    EMPTY,
    HEAD_NAME,
    Add,
    Configure,
    Event,
    Guard,
    Head,
    Remove,
    Settings,
    Unyank,
    Yank,
    read_lines,
    seal_event,
)
from index.ledger.seal import check_seals
from index.records import Record
from tests.index_kit import TIME, add, ledger, sealed, state_of, tell

Make = Callable[..., Record]


def append(data: bytes, event: Event) -> bytes:
    """A ledger with one more event, if the state takes it."""
    state = state_of(data)
    line, after = seal_event(event, state.head)
    state.apply(next(iter(read_lines([line], state.head, reach=after))))
    return data + line


@pytest.fixture
def three(make_record: Make) -> bytes:
    one, two = (make_record(f"a-{n}+cu118-py3-none-any.whl") for n in (1, 2))
    return ledger(add(one), add(two), Yank(filename=one.filename, reason="broken"))


def test_events_add_up(make_record: Make, three: bytes) -> None:
    state = state_of(three)
    first, second = state.all_files()
    assert first.filename == "a-1+cu118-py3-none-any.whl"
    assert (first.yanked, first.uploaded, first.url) == ("broken", TIME, f"files/{first.filename}")
    assert (second.filename, second.yanked) == ("a-2+cu118-py3-none-any.whl", None)
    gone = state_of(append(three, Remove(filename=first.filename, reason="leak")))
    assert list(gone.all_files()) == [second]
    removed, _ = gone.all_files(gone=True)
    assert (removed.filename, removed.sha256, removed.gone) == (
        first.filename, first.sha256, "leak",
    )  # fmt: skip
    assert gone.head.count == 4


def test_a_yank_can_be_taken_back(three: bytes) -> None:
    name = "a-1+cu118-py3-none-any.whl"
    back = append(three, Unyank(filename=name, reason="it was the driver"))
    file = state_of(back).file(name)
    assert file is not None
    assert file.yanked is None
    with pytest.raises(LedgerError, match="not yanked"):
        append(back, Unyank(filename=name, reason="again"))


def test_the_newest_settings_hold(three: bytes) -> None:
    assert state_of(three).settings == Settings()
    for default in ("cu118", "cu124"):
        three = append(three, Configure(settings=Settings(default_cuda=default)))
    assert state_of(three).settings == Settings(default_cuda="cu124")


def test_an_empty_ledger_is_one() -> None:
    assert state_of(b"").head == EMPTY


def test_a_cut_line_is_noticed(three: bytes) -> None:
    head = state_of(three).head
    for end in (len(three) - 1, len(three) - 2, 10, three.index(b"\n") + 5):
        for reach in (None, head):
            with pytest.raises(LedgerError, match="cut off"):
                state_of(three[:end], reach)


def test_a_cut_line_beyond_the_head_is_an_interrupted_writing(three: bytes) -> None:
    lines = three.splitlines(keepends=True)
    for kept in range(3):
        whole = b"".join(lines[:kept])
        head = state_of(whole).head
        for torn in (b"{", lines[kept][:-1], b"\0" * 100):
            assert state_of(whole + torn, head).head == head


def test_what_is_not_torn_beyond_the_head_is_still_judged(three: bytes) -> None:
    head = state_of(b"".join(three.splitlines(keepends=True)[:2])).head
    assert state_of(three, head).head.count == 3
    with pytest.raises(LedgerError, match="line 3 does not follow"):
        state_of(three.replace(b"broken", b"bad"), head)


@pytest.mark.parametrize("line", [0, 1])
def test_a_dropped_line_is_noticed(three: bytes, line: int) -> None:
    lines = three.splitlines(keepends=True)
    del lines[line]
    with pytest.raises(LedgerError, match=f"line {line + 1} does not follow") as caught:
        state_of(b"".join(lines))
    assert caught.value.remedy is not None


def test_dropped_last_lines_are_noticed_by_the_head(three: bytes) -> None:
    head = state_of(three).head
    lines = three.splitlines(keepends=True)
    assert state_of(three, head).head == head
    for kept in (0, 1, 2):
        with pytest.raises(LedgerError, match=f"has {kept} events and once had 3"):
            state_of(b"".join(lines[:kept]), head)


def test_another_history_is_noticed_by_the_head(make_record: Make, three: bytes) -> None:
    other = ledger(*(add(make_record(f"b-{n}+cu118-py3-none-any.whl")) for n in range(4)))
    head = state_of(three).head
    with pytest.raises(LedgerError, match="line 3 is not the one"):
        state_of(other, head)
    with pytest.raises(LedgerError, match="line 3 is not the one"):
        check_seals(BytesIO(other), state_of(other).head, head)


def test_swapped_lines_are_noticed(three: bytes) -> None:
    one, two, rest = three.splitlines(keepends=True)
    with pytest.raises(LedgerError, match="line 1 does not follow"):
        state_of(two + one + rest)


def test_an_edited_reason_is_noticed(three: bytes) -> None:
    with pytest.raises(LedgerError, match="line 3"):
        state_of(three.replace(b"broken", b"bad"))


def test_seals_are_checked_without_reading_events(three: bytes) -> None:
    lines = three.splitlines(keepends=True)
    heads = [state_of(b"".join(lines[:count])).head for count in range(4)]
    for head in heads:
        assert check_seals(BytesIO(three), head)
    for broken in (three.replace(b"broken", b"bad"), three[:-1], b"".join(lines[:2]), b""):
        assert not check_seals(BytesIO(broken), heads[3])
    other = Head(count=2, size=heads[2].size, digest="f" * 64)
    assert not check_seals(BytesIO(three), other)


def test_a_resealed_event_must_still_be_an_event() -> None:
    class Strange:
        def model_dump_json(self) -> str:
            return '{"event":"rename","filename":"a","schema_version":1}'

    line, _ = seal_event(Strange(), EMPTY)  # type: ignore[arg-type]  # no event: that is what is tried
    with pytest.raises(LedgerError, match=r"line 1: .*rename"):
        state_of(line)


@given(data=st.data())
def test_any_changed_character_is_noticed(data: st.DataObject) -> None:
    text = SAMPLE.decode()
    position = data.draw(st.integers(0, len(text) - 2))
    character = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[position]))
    broken = text[:position] + character + text[position + 1 :]
    with pytest.raises(LedgerError):
        state_of(broken.encode(), SAMPLE_HEAD)


@given(text=st.text(max_size=60))
def test_any_other_text_is_refused_or_empty(text: str) -> None:
    if text == "":
        return
    with pytest.raises(LedgerError):
        state_of(text.encode())


def test_deep_json_is_refused() -> None:
    with pytest.raises(LedgerError, match="line 1"):
        state_of(b"[" * 200_000 + b"\n")
    deep = b'{"event":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    digest = hashlib.sha256(EMPTY.digest.encode() + b"\n" + deep).hexdigest().encode()
    with pytest.raises(LedgerError, match="line 1"):
        state_of(deep[:-1] + b',"digest":"' + digest + b'"}\n')


def test_the_same_name_with_other_bytes_is_refused(make_record: Make) -> None:
    record = make_record()
    other = make_record(sha256="0" * 64)
    data = ledger(add(record))
    with pytest.raises(LedgerError, match="already with other bytes"):
        append(data, add(other))
    with pytest.raises(LedgerError, match=r"there already$"):
        append(data, add(record))
    data = append(data, Remove(filename=record.filename, reason="x"))
    with pytest.raises(LedgerError, match="was removed"):
        append(data, add(other))
    (back,) = state_of(append(data, add(record))).all_files()
    assert (back.filename, back.gone, back.yanked) == (record.filename, None, None)


def test_names_that_differ_in_case_are_refused(make_record: Make) -> None:
    data = ledger(add(make_record("a-1+cu118-py3-none-any.whl")))
    with pytest.raises(LedgerError, match="case only"):
        append(data, add(make_record("A-1+cu118-py3-none-any.whl")))


@pytest.mark.parametrize("twin", ["a.b-1+cu118-py3-none-any.whl", "a_b-1.0+cu118-py3-none-any.whl"])
def test_names_that_differ_in_spelling_are_refused(make_record: Make, twin: str) -> None:
    data = ledger(add(make_record("a_b-1+cu118-py3-none-any.whl")))
    with pytest.raises(LedgerError, match="spelling only"):
        append(data, add(make_record(twin, name="a-b")))


def test_only_what_is_there_can_go(make_record: Make) -> None:
    for event in (
        Yank(filename="x.whl", reason="y"),
        Unyank(filename="x.whl", reason="y"),
        Remove(filename="x.whl", reason="y"),
    ):
        with pytest.raises(LedgerError, match=f"no 'x.whl' to {event.event}"):
            append(b"", event)


def test_a_record_that_contradicts_itself_is_refused(make_record: Make) -> None:
    with pytest.raises(LedgerError, match="version"):
        append(b"", add(make_record(version="9")))


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "\x1b[2J", "nul\0", "\ud800"])
def test_a_reason_says_something(reason: str) -> None:
    for event in (Yank, Unyank, Remove):
        with pytest.raises(ValidationError):
            event(filename="a.whl", reason=reason)


@pytest.mark.parametrize(
    "folder",
    ["../a/../..", "javascript:x", "/etc", "https://h/?x=", "https://h/#", "files/..", "a b"],
)
def test_an_address_stays_in_the_site_or_beside_it(make_record: Make, folder: str) -> None:
    with pytest.raises(ValidationError, match="not an address"):
        add(make_record(), folder=folder)


def test_an_address_leads_to_its_file(make_record: Make) -> None:
    with pytest.raises(ValidationError, match="not the address of"):
        Add(record=make_record(), url="files/other.whl", uploaded=TIME)
    for folder in ("files", "../wheels", "https://host/v1+2"):
        assert add(make_record(), folder=folder).url.startswith(folder)


def guard(**changes: object) -> Guard:
    facts: dict[str, object] = {
        "filename": "a-1+cu118.tar.gz", "name": "a", "version": "1+cu118", "cuda": "cu118",
        "message": "no", "sha256": "0" * 64, "size": 1, "uploaded": TIME,
    }  # fmt: skip
    facts |= changes
    return Guard.model_validate({"url": f"files/{facts['filename']}", **facts})


def test_a_guard_is_a_file_like_others() -> None:
    data = append(b"", guard())
    (known,) = state_of(data).all_files()
    assert (known.kind, known.filename, known.cuda) == ("guard", "a-1+cu118.tar.gz", "cu118")
    with pytest.raises(LedgerError, match="there already"):
        append(data, guard())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "b"},
        {"version": "2"},
        {"filename": "a-1+cu118.zip"},
        {"filename": "A-1+cu118.tar.gz", "name": "A"},
        {"filename": "../a-1.tar.gz", "name": "../a", "version": "1"},
        {"filename": "<b>-1.tar.gz", "name": "<b>", "version": "1"},
        {"filename": "a b-1.tar.gz", "name": "a b", "version": "1"},
        {"cuda": "files"},
        {"cuda": "../up"},
        {"uploaded": "yesterday"},
        {"message": "x" * 10_001},
    ],
)
def test_a_guard_that_is_none_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        guard(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "a\nb"}, {"title": " "}, {"title": "\x1b[2J"}, {"base_url": "javascript:x"},
        {"base_url": "https://h/ x"}, {"base_url": 'https://h/"'}, {"base_url": "https://h/#a"},
        {"default_cuda": "files"}, {"default_cuda": "../x"}, {"pythons": ("2.7",)},
        {"pythons": ("3.１２",)}, {"layout": "ftp"}, {"other": 1},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_shown_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.checked(changes)


@pytest.mark.parametrize("text", ["", "{}", '{"count": -1, "digest": "0"}', "[]", "\0", "{"])
def test_a_broken_head_is_refused(text: str) -> None:
    with pytest.raises(LedgerError, match=HEAD_NAME):
        Head.parse(text)


def test_a_head_is_read_as_it_was_written(three: bytes) -> None:
    head = state_of(three).head
    assert Head.parse(head.dump()) == head
    assert head.size == len(three)


def test_lines_can_be_read_on_from_any_of_them(three: bytes) -> None:
    whole = state_of(three)
    lines = three.splitlines(keepends=True)
    for kept in range(4):
        state = state_of(b"".join(lines[:kept]))
        state.apply_all(read_lines(lines[kept:], state.head, reach=whole.head))
        assert tell(state) == tell(whole)


def _sample() -> tuple[bytes, Head]:
    metadata = "Metadata-Version: 2.1\nName: a\nVersion: 1\n"
    record = Record(
        filename="a-1-py3-none-any.whl", name="a", version="1", tags=("py3-none-any",),
        sha256="0" * 64, size=1, metadata=metadata,
        metadata_sha256=hashlib.sha256(metadata.encode()).hexdigest(),
    )  # fmt: skip
    return sealed([add(record), Yank(filename=record.filename, reason="é")])


SAMPLE, SAMPLE_HEAD = _sample()


def test_lines_are_json_with_a_schema_version() -> None:
    for line in SAMPLE.splitlines():
        assert json.loads(line)["schema_version"] == 1
