"""Lists of records are taken in quickly, and to the same end as one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from index.errors import EntryError
from index.ledger import EMPTY, Add, seal_event
from index.ledger.events import event_adapter
from index.lines import _LOCAL_PIN, _has_local_pin, only_here
from index.records import Record, dump_record
from index.site.arrivals import Arrivals, arrivals
from index.site.bulk import of_lines
from index.site.intake import Candidate, Pin, parse_record, take
from index.site.placing import Placing
from index.site.quick import Quick
from index.swift import Swift, swift_add, swift_record, write_into
from tests.index_kit import TIME
from tests.unit.index.test_plain import EVENT, RECORD, texts

Make = Callable[..., Record]
PLACE = Placing(folder=None, address="https://h/w/{version}", uploaded=TIME)


def fields(record: Swift | Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in Record.model_fields}


@settings(deadline=None)
@given(text=texts(RECORD))
def test_a_swift_record_is_what_the_model_reads(text: bytes) -> None:
    swift = swift_record(text)
    if swift is not None:
        record = Record.model_validate_json(text)
        assert fields(swift) == fields(record)
        assert [*map(type, fields(swift).values())] == [*map(type, fields(record).values())]
        written = bytearray(b"before")
        write_into(swift, written, -1)
        assert bytes(written) == b"before" + record.model_dump_json().encode()


@settings(deadline=None)
@given(text=texts(EVENT))
def test_a_swift_event_is_what_the_model_sealed(text: bytes) -> None:
    try:
        event = event_adapter().validate_json(text)
    except ValidationError:
        return
    assert isinstance(event, Add)
    swift = swift_add(seal_event(event, EMPTY)[0])
    if swift is not None:
        assert (swift.url, swift.uploaded, swift.provenance) == (
            event.url,
            event.uploaded,
            event.provenance,
        )
        assert fields(swift.record) == fields(event.record)


def test_what_the_builder_writes_is_swift(make_record: Make) -> None:
    spec = {"a": [1, {"b": None}], "c": True, "d": "é\u2028", "e": -(2**63), "f": {}}
    for record in (make_record(), make_record(build_spec=spec, built={"engine": "hermetic"})):
        for text in (record.model_dump_json(), dump_record(record)):
            swift = swift_record(text.encode())
            assert swift is not None
            assert fields(swift) == fields(record)


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b'{"record":1}', b'"\xff"', b"[" * 5000])
def test_what_is_no_event_is_left_to_the_models(broken: bytes) -> None:
    assert swift_add(broken) is None
    assert swift_record(broken) is None


def one_by_one(lines: Sequence[bytes], place: Placing) -> Arrivals:
    """As `of_lines`, with no memory of one record when it comes to the next."""
    pins: list[Pin] = []
    records = [parse_record(line, f"line {number}") for number, line in enumerate(lines, 1)]
    return arrivals(take([Candidate(one, None) for one in records], place, pins), pins)


def outcome(work: Callable[[], Arrivals]) -> Arrivals | str:
    try:
        return work()
    except EntryError as error:
        return str(error)


@settings(deadline=None)
@given(line=texts(RECORD))
def test_records_are_judged_alike_whatever_came_before(line: bytes) -> None:
    for some in ([line], [json.dumps(RECORD).encode(), line]):
        quickly = outcome(partial(_first, some))
        assert quickly == outcome(partial(one_by_one, some, PLACE))


def _first(lines: Sequence[bytes]) -> Arrivals:
    return next(of_lines(lines, PLACE))


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "A" * 64},
        {"filename": "a-1-py3-none-any.WHL"},
        {"filename": "a-2-py3-none-any.whl"},
        {"filename": "b-1-py3-none-any.whl"},
        {"filename": "a-1-1-py3-none-any.whl"},
        {"filename": "a-1-py3-none-" + "a" * 300 + ".whl"},
        {"tags": ["py2-none-any"]},
        {"tags": []},
        {"build_tag": "1"},
        {"name": "A"},
        {"version": "2"},
        {"size": -1},
        {"requires_python": ">=3"},
        {"profile": "quick"},
        {"cuda": "simple"},
        {"metadata_sha256": "0" * 64},
        {"metadata": "Metadata-Version: 2.1\nName: b\nVersion: 1\n"},
    ],
)
def test_a_record_is_not_taken_on_the_word_of_the_one_before(changes: dict[str, Any]) -> None:
    quick = Quick(PLACE)
    good, bad = (json.dumps(one).encode() for one in (RECORD, {**RECORD, **changes}))
    assert quick.take(good)
    assert not quick.take(bad)
    assert len(quick.rows) == 1
    assert isinstance(outcome(partial(one_by_one, [bad], PLACE)), str)


def test_what_only_this_index_has_is_told_of_every_file(make_record: Make) -> None:
    text = "Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: b==1+cu118\n"
    names = [f"a-1-py3-none-linux_{number}.whl" for number in range(3)]
    digest = hashlib.sha256(text.encode()).hexdigest()
    lines = [
        make_record(name, metadata=text, metadata_sha256=digest, requires_python=None)
        .model_dump_json()
        .encode()
        for name in names
    ]
    for place in (PLACE, Placing(folder=None, uploaded=TIME, attested=frozenset(names[:1]))):
        (some,) = of_lines(lines, place)
        assert some == one_by_one(lines, place)
        assert [pin.filename for pin in some.pins] == names
        assert some.text.count(b'"provenance":true') == len(place.attested)


def test_records_of_many_releases_are_all_taken(make_record: Make) -> None:
    lines = [
        make_record(f"a-{number}.0-py3-none-any.whl").model_dump_json().encode()
        for number in range(200)
    ]
    (some,) = of_lines(lines, PLACE)
    assert some == one_by_one(lines, PLACE)


def test_a_wheel_that_should_be_here_is_no_case_for_it(tmp_path: Path) -> None:
    quick = Quick(Placing(folder=tmp_path, uploaded=TIME))
    assert not quick.take(json.dumps(RECORD).encode())
    assert quick.rows == []


@given(
    st.text("=+ \n\t;,a1", max_size=20).map(
        lambda text: f"Name: a\nRequires-Dist: b{text}\n\nRequires-Dist: c==1+cu118\n"
    )
)
def test_pins_are_found_where_there_are_some(metadata: str) -> None:
    assert _has_local_pin(metadata) == bool(_LOCAL_PIN.search(metadata))
    assert isinstance(only_here(metadata), tuple)


def test_swift_records_are_the_models_fields_in_their_order() -> None:
    assert msgspec.structs.fields(Swift)[0].name == "schema_version"
    assert [one.name for one in msgspec.structs.fields(Swift)] == [*Record.model_fields]
