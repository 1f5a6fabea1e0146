"""The two events a ledger is full of, as plain tuples: files that arrive.

`index.ledger.events` says what events are, and what is wrong with one that is none. As with
`index.facts`, what is not exactly as the index writes it is left to the models there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import Final, Literal, NamedTuple

import orjson

from index.addresses import check_url
from index.errors import EntryError
from index.facts import Facts, facts_of, is_schema
from index.naming import is_filename

LEDGER_SCHEMA: Final[Literal[1]] = 1
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"
LONGEST_MESSAGE = 10_000
"""Characters of what a guard says at most."""
_KEYS = frozenset({"schema_version", "url", "uploaded", "event", "record", "provenance"})
_FIELDS = itemgetter(*Facts._fields)
_KEPT = len(Facts._fields) + 1
"""Keys that a record has in a ledger: its fields, all of them, and the schema's version."""


class PlainAdd(NamedTuple):  # made for each of a million files
    """A wheel is published: what `index.ledger.events.Add` says."""

    url: str
    uploaded: str
    record: Facts
    provenance: bool = False
    event: Literal["add"] = "add"

    def dump(self) -> bytes:
        """As JSON, byte for byte as the model writes it."""
        told = {
            "schema_version": LEDGER_SCHEMA,
            "url": self.url,
            "uploaded": self.uploaded,
            "event": "add",
            "record": self.record.data(),
            "provenance": self.provenance,
        }
        try:
            return orjson.dumps(told)
        except orjson.JSONEncodeError:  # a number beyond 64 bits, which only the model takes
            from index.ledger.events import Add

            return Add.model_validate(told).model_dump_json().encode()


class PlainGuard(NamedTuple):
    """A version's guard sdist is published: what `index.ledger.events.Guard` says."""

    url: str
    uploaded: str
    filename: str
    name: str
    version: str
    cuda: str | None
    message: str
    sha256: str
    size: int
    event: Literal["guard"] = "guard"

    def dump(self) -> bytes:
        """As JSON, byte for byte as the model writes it."""
        return orjson.dumps(
            {
                "schema_version": LEDGER_SCHEMA,
                "url": self.url,
                "uploaded": self.uploaded,
                "event": "guard",
                "filename": self.filename,
                "name": self.name,
                "version": self.version,
                "cuda": self.cuda,
                "message": self.message,
                "sha256": self.sha256,
                "size": self.size,
            }
        )


PlainEvent = PlainAdd | PlainGuard
_GUARD = PlainGuard._fields


def plain_add(body: bytes) -> PlainAdd | None:
    """The wheel that an event's JSON publishes, or None where the models must judge it."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict) or not told.keys() <= _KEYS or told.get("event") != "add":
        return None
    record, provenance = facts_of(told.get("record")), told.get("provenance", False)
    url, uploaded = told.get("url"), told.get("uploaded")
    if (
        record is not None
        and is_schema(told.get("schema_version", LEDGER_SCHEMA))
        and isinstance(url, str)
        and isinstance(uploaded, str)
        and is_time(uploaded)
        and isinstance(provenance, bool)
        and leads_to(url, record.filename)
    ):
        return PlainAdd(url, uploaded, record, provenance)
    return None


def kept_add(line: bytes) -> PlainAdd | None:
    """The wheel that a ledger's line publishes, or None where the models must judge it.

    For lines whose seal and event were judged before, here or by the models: they are not again.
    """
    try:
        told = orjson.loads(line)
        record, provenance = told["record"], told["provenance"]
        if type(record["size"]) is not int or type(provenance) is not bool:
            return None  # the two that the models may have read as something else
        record["tags"] = tuple(record["tags"])
        record["architectures"] = tuple(record["architectures"])
        facts = Facts._make(_FIELDS(record)) if len(record) == _KEPT else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return None if facts is None else PlainAdd(told["url"], told["uploaded"], facts, provenance)


def kept_guard(line: bytes) -> PlainGuard | None:
    """The guard that a ledger's line publishes; as `kept_add`."""
    try:
        told = orjson.loads(line)
        if type(told["size"]) is not int:
            return None
        return PlainGuard(**{key: told[key] for key in _GUARD})
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


@lru_cache(maxsize=256)
def is_time(text: str) -> bool:
    """Whether text is a moment as events have it (RFC 3339, UTC)."""
    return re.fullmatch(TIME, text, re.ASCII) is not None


def leads_to(url: str, filename: str) -> bool:
    """Whether an address is plainly one that a file of this name can have."""
    folder, slash, last = url.rpartition("/")
    return bool(slash) and last == filename and is_filename(filename) and _is_folder(folder)


@lru_cache(maxsize=1024)
def _is_folder(folder: str) -> bool:
    try:
        check_url(f"{folder}/X.whl")
    except EntryError:
        return False
    return True
