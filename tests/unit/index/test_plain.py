"""Plain records and events are judged as the models judge them: what is taken, they take too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from index.errors import EntryError, LedgerError
from index.facts import Facts, facts_of_json
from index.guard import guard_bytes
from index.ledger import EMPTY, Add, Configure, Guard, Head, PlainAdd, PlainGuard, Settings
from index.ledger.events import HeadModel, SettingsModel, event_adapter
from index.ledger.plain import kept_add, plain_add
from index.ledger.seal import parse_plainly, seal_event
from index.records import Record, dump_record
from index.site.intake import parse_record
from tests.index_kit import TIME

Make = Callable[..., Record]
TEXT = "Metadata-Version: 2.1\nName: a\nVersion: 1\n"
RECORD: dict[str, Any] = {
    "schema_version": 1, "filename": "a-1-py3-none-any.whl", "name": "a", "version": "1",
    "build_tag": None, "tags": ["py3-none-any"], "requires_python": None, "sha256": "0" * 64,
    "size": 1, "metadata": TEXT, "metadata_sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
    "cuda": None, "architectures": [], "ptx": None, "profile": "full", "companion_of": None,
    "build_key": None, "build_spec": None, "built": None,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "schema_version": 1, "url": f"files/{RECORD['filename']}", "uploaded": TIME, "event": "add",
    "record": RECORD, "provenance": False,
}  # fmt: skip

data = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False),
        st.text(max_size=6),
        st.sampled_from(["0" * 64, "A" * 64, "0" * 64 + "\n", TIME, "1", "\0"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
strange = st.sampled_from(
    [
        "1e400", "NaN", "-Infinity", '"\\ud800"', "18446744073709551616", "-0", "1.0", "1E0",
        "[" * 150 + "]" * 150, "[" * 300 + "]" * 300, '{"a":1,"a":2}', "true", '"1"', "[null]",
        '"2026-11-21T00:00:00Z\\n"', '"٢026-11-21T00:00:00Z"', '["a",1]', '{"":{"":[-1]}}',
    ]
)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn, right: dict[str, Any]) -> bytes:
    """JSON of an object that is right, or has keys changed, dropped, doubled or added."""
    told = {key: json.dumps(value) for key, value in right.items()}
    pairs = list(told.items())
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from([*told, "other"]))
        how = draw(st.sampled_from(["change", "drop", "double", "strange"]))
        if how == "drop":
            pairs = [pair for pair in pairs if pair[0] != key]
            continue
        value = draw(strange) if how == "strange" else json.dumps(draw(data))
        if how != "double":
            pairs = [pair for pair in pairs if pair[0] != key]
        pairs.insert(draw(st.integers(0, len(pairs))), (key, value))
    gap = draw(st.sampled_from(["", "", " ", "\n", "\ufeff"]))
    inside = ",".join(f"{json.dumps(key)}:{gap.strip(chr(0xFEFF))}{value}" for key, value in pairs)
    return f"{gap}{{{inside}}}".encode()


def model_of(text: bytes) -> Record | None:
    try:
        return Record.model_validate_json(text)
    except ValidationError:
        return None


@settings(deadline=None)
@given(text=texts(RECORD))
def test_a_plain_record_is_what_the_model_reads(text: bytes) -> None:
    plain = facts_of_json(text)
    if plain is not None:
        record = model_of(text)
        assert record is not None
        assert plain == Facts.of(record)
        assert [type(one) for one in plain] == [type(one) for one in Facts.of(record)]
        url = f"https://h/{record.filename}"
        if record.filename == RECORD["filename"]:
            event = Add(url=url, uploaded=TIME, record=record)
            assert PlainAdd(url, TIME, plain).dump() == event.model_dump_json().encode()


def event_of(record: bytes) -> bytes:
    return json.dumps(EVENT).encode().replace(json.dumps(RECORD).encode(), record)


@settings(deadline=None)
@given(text=st.one_of(texts(EVENT), texts(RECORD).map(event_of)))
def test_a_plain_event_is_what_the_model_reads(text: bytes) -> None:
    plain = plain_add(text)
    if plain is not None:
        event = event_adapter().validate_json(text)
        assert isinstance(event, Add)
        assert plain == (event.url, event.uploaded, Facts.of(event.record), event.provenance, "add")
        assert plain.dump() == event.model_dump_json().encode()
        line, _ = seal_event(event, EMPTY)
        assert kept_add(line) == plain
    else:
        try:
            event = event_adapter().validate_json(text)
        except ValidationError:
            with pytest.raises(LedgerError):
                parse_plainly(text, "here")
        else:
            assert parse_plainly(text, "here") == event


@settings(deadline=None)
@given(text=texts({"schema_version": 1, "count": 2, "size": 3, "digest": "0" * 64}))
def test_a_head_is_what_the_model_reads(text: bytes) -> None:
    try:
        told = HeadModel.model_validate_json(text)
    except ValidationError:
        with pytest.raises(LedgerError, match=r"ledger\.head\.json"):
            Head.parse(text)
    else:
        assert Head.parse(text) == Head(count=told.count, size=told.size, digest=told.digest)


def test_what_the_builder_writes_is_plain(make_record: Make) -> None:
    spec = {"a": [1, {"b": None}], "c": True, "d": "é\u2028", "e": -(2**63), "f": {}}
    for record in (
        make_record(),
        make_record(build_spec=spec, built={"engine": "hermetic"}, architectures=("7.5",)),
    ):
        for text in (record.model_dump_json(), dump_record(record)):
            plain = facts_of_json(text.encode())
            assert plain == Facts.of(record)
            url = f"files/{record.filename}"
            event = Add(url=url, uploaded=TIME, record=record, provenance=True)
            assert PlainAdd(url, TIME, plain, True).dump() == event.model_dump_json().encode()
            assert plain_add(event.model_dump_json().encode()) == (url, TIME, plain, True, "add")


@pytest.mark.parametrize(
    "value", ["18446744073709551616", "0.1", "NaN", "[" * 60 + "]" * 60, '"\\ud800"']
)
def test_what_readers_of_json_differ_on_is_for_the_model(value: str) -> None:
    text = json.dumps({**RECORD, "built": {"a": "HERE"}}).replace('"HERE"', value).encode()
    assert facts_of_json(text) is None
    record = model_of(text)
    if record is None:
        with pytest.raises(EntryError, match="here: "):
            parse_record(text, "here")
    else:
        judged = parse_record(text, "here")
        assert repr(judged) == repr(Facts.of(record))  # NaN is not itself
        url = f"files/{record.filename}"
        sealed = Add(url=url, uploaded=TIME, record=record).model_dump_json().encode()
        assert PlainAdd(url, TIME, judged).dump() == sealed


def test_a_refused_record_is_told_of_in_the_models_words() -> None:
    text = json.dumps({**RECORD, "size": -1, "other": 1}).encode()
    with pytest.raises(EntryError, match="size: Input should be greater than or equal to 0; other"):
        parse_record(text, "here")


def test_a_line_the_models_read_otherwise_is_left_to_them() -> None:
    event = json.dumps({**EVENT, "provenance": "yes"}).encode()
    assert kept_add(event) is None
    assert kept_add(json.dumps({**EVENT, "record": {**RECORD, "size": "1"}}).encode()) is None
    for broken in (b"", b"{}", b"[]", b'{"record":1,"provenance":true}', event[1:]):
        assert kept_add(broken) is None


@settings(deadline=None)
@given(message=st.text(max_size=30))
def test_a_plain_guard_is_sealed_as_the_model_is(message: str) -> None:
    size = len(guard_bytes("a", "1+cu118", message))
    told: dict[str, Any] = {
        "url": "files/a-1+cu118.tar.gz", "uploaded": TIME, "filename": "a-1+cu118.tar.gz",
        "name": "a", "version": "1+cu118", "cuda": "cu118", "message": message,
        "sha256": "0" * 64, "size": size,
    }  # fmt: skip
    assert seal_event(PlainGuard(**told), EMPTY) == seal_event(Guard(**told), EMPTY)


def test_settings_are_kept_as_they_are_and_judged_by_their_model() -> None:
    assert SettingsModel().plain() == Settings()
    chosen = Settings(title="é", base_url="https://h", pythons=("3.12",), layout="drive")
    assert Settings.kept(chosen.dump()) == chosen
    assert Configure(settings=chosen).settings.plain() == chosen
    with pytest.raises(ValidationError, match="title"):
        Configure(settings=Settings(title="\n"))
