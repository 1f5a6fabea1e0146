"""The ledger (``ledger.jsonl``): the index's memory, append-only, each line sealed to the last.

Every line holds a digest over itself and the line before, so a changed, dropped or swapped line is
noticed. Lines missing at the end cannot be told from the file alone: the head (count and digest of
the last line) lies beside it in ``ledger.head.json`` and is written after the ledger, so a ledger
longer than its head is an interrupted writing, and a shorter one is damage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from index.errors import EntryError, LedgerError
from index.files import write_text
from index.model import Entry, check_record, check_url
from index.records import Record

LEDGER_SCHEMA: Literal[1] = 1
LEDGER_NAME = "ledger.jsonl"
HEAD_NAME = "ledger.head.json"
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
_RESTORE = "take the ledger from a backup or from the published site; do not edit it by hand"


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = LEDGER_SCHEMA


class Add(_Event):
    """A file is published."""

    event: Literal["add"] = "add"
    record: Record
    url: str
    """Where its bytes are: absolute, or relative to the site (``files/X.whl``)."""
    uploaded: str = Field(pattern=_TIME)
    """RFC 3339, UTC."""

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        try:
            check_url(url)
        except EntryError as error:
            raise ValueError(error.message) from error
        return url


class _Reasoned(_Event):
    filename: str
    reason: str = Field(min_length=1, max_length=1000)

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        if not reason.strip() or not reason.isprintable():
            raise ValueError("a reason is one line of printable text")
        return reason


class Yank(_Reasoned):
    """A file stays, but installers take it only where it is pinned (PEP 592)."""

    event: Literal["yank"] = "yank"


class Remove(_Reasoned):
    """A file goes. Its name stays taken: other bytes never come back under it."""

    event: Literal["remove"] = "remove"


Event = Add | Yank | Remove
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


class Head(BaseModel):
    """How far a ledger goes: how many events, and the digest of the last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = LEDGER_SCHEMA
    count: int = Field(ge=0)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read a head file.

        Raises:
            LedgerError: it is none.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise LedgerError(f"{HEAD_NAME}: {_first(error)}", remedy=_RESTORE) from error

    def dump(self) -> str:
        """The head file's text."""
        return json.dumps(self.model_dump(), sort_keys=True) + "\n"


EMPTY = Head(count=0, digest="0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """What a ledger says is there now.

    Attributes:
        live: Advertised files by name.
        removed: Removed files: name to (sha256, reason).
        head: How far the ledger goes.
    """

    live: Mapping[str, Entry] = field(default_factory=dict)
    removed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    head: Head = EMPTY

    @property
    def records(self) -> dict[str, Record]:
        """The live records by file name."""
        return {name: entry.record for name, entry in self.live.items()}


def read_ledger(text: str, head: Head | None = None) -> LedgerState:
    """Read a whole ledger, checking every seal and every event against those before it.

    Args:
        text: The ledger.
        head: The head kept beside it, or one seen earlier; the ledger must reach it.

    Raises:
        LedgerError: a line is changed, missing or cut off, or an event makes no sense.
    """
    state = _Builder()
    seal = EMPTY
    reached = head is None or head == EMPTY
    if text and not text.endswith("\n"):
        raise LedgerError("the ledger's last line is cut off", remedy=_RESTORE)
    for number, line in enumerate(text.split("\n")[:-1], 1):
        event, seal = _open(line, seal, number)
        state.apply(event, f"ledger line {number}")
        if head is not None and seal.count == head.count:
            if seal.digest != head.digest:
                raise LedgerError(
                    f"ledger line {number} is not the one its head names", remedy=_RESTORE
                )
            reached = True
    if head is not None and not reached:
        raise LedgerError(
            f"the ledger has {seal.count} events and once had {head.count}: it was shortened",
            remedy=_RESTORE,
        )
    return state.freeze(seal)


def seal_event(event: Event, head: Head) -> tuple[str, Head]:
    """The line that says ``event`` after ``head``, with its newline, and the new head."""
    body = event.model_dump(mode="json")
    digest = _digest(body, head)
    line = json.dumps({**body, "digest": digest}, sort_keys=True, separators=(",", ":"))
    return line + "\n", Head(count=head.count + 1, digest=digest)


def append_event(text: str, event: Event) -> str:
    """The ledger with one more event.

    Raises:
        LedgerError: the ledger is broken, or the event does not fit it (another file of that name
            is or was there, nothing of that name to yank or remove).
    """
    state = read_ledger(text)
    thaw = _Builder(dict(state.live), dict(state.removed))
    thaw.apply(event, "the new event")
    return text + seal_event(event, state.head)[0]


def load_ledger(folder: Path) -> tuple[str, LedgerState]:
    """The ledger of a site's folder (none yet is an empty one), checked against its head.

    Raises:
        LedgerError: it is broken or shortened.
    """
    ledger, beside = folder / LEDGER_NAME, folder / HEAD_NAME
    head = Head.parse(beside.read_bytes()) if beside.is_file() else None
    try:
        text = ledger.read_bytes().decode() if ledger.is_file() else ""
    except UnicodeDecodeError as error:
        raise LedgerError(f"{LEDGER_NAME} is not UTF-8 ({error})", remedy=_RESTORE) from error
    return text, read_ledger(text, head)


def save_ledger(folder: Path, text: str) -> LedgerState:
    """Write a ledger and then its head; it must carry on from the one that is there.

    Raises:
        LedgerError: the text is broken, or drops events that are on disk.
    """
    _, before = load_ledger(folder)
    state = read_ledger(text, before.head)
    write_text(folder / LEDGER_NAME, text)
    write_text(folder / HEAD_NAME, state.head.dump())
    return state


@dataclass(slots=True)
class _Builder:
    live: dict[str, Entry] = field(default_factory=dict)
    removed: dict[str, tuple[str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names |= {name.casefold(): name for name in (*self.live, *self.removed)}

    def apply(self, event: Event, where: str) -> None:
        if isinstance(event, Add):
            self._add(event, where)
            return
        entry = self.live.get(event.filename)
        if entry is None:
            raise LedgerError(f"{where}: there is no '{event.filename}' to {event.event}")
        if isinstance(event, Yank):
            self.live[event.filename] = Entry(
                record=entry.record, url=entry.url, uploaded=entry.uploaded, yanked=event.reason
            )
        else:
            del self.live[event.filename]
            self.removed[event.filename] = (entry.record.sha256, event.reason)

    def _add(self, event: Add, where: str) -> None:
        record, name = event.record, event.record.filename
        try:
            check_record(record)
        except EntryError as error:
            raise LedgerError(f"{where}: {error.message}") from error
        twin = self.names.setdefault(name.casefold(), name)
        if twin != name:
            raise LedgerError(f"{where}: '{name}' and '{twin}' differ in case only")
        if name in self.live:
            other = "" if self.live[name].record.sha256 == record.sha256 else " with other bytes"
            raise LedgerError(f"{where}: '{name}' is there already{other}")
        if name in self.removed and self.removed[name][0] != record.sha256:
            raise LedgerError(f"{where}: '{name}' was there with other bytes and was removed")
        self.removed.pop(name, None)
        self.live[name] = Entry(record=record, url=event.url, uploaded=event.uploaded)

    def freeze(self, head: Head) -> LedgerState:
        return LedgerState(live=self.live, removed=self.removed, head=head)


def _open(line: str, head: Head, number: int) -> tuple[Event, Head]:
    where = f"ledger line {number}"
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{where} is not JSON ({error})", remedy=_RESTORE) from error
    if not isinstance(data, dict) or not isinstance(data.get("digest"), str):
        raise LedgerError(f"{where} has no digest", remedy=_RESTORE)
    told = data.pop("digest")
    if told != _digest(data, head):
        raise LedgerError(
            f"{where} does not follow the line before: one of them was changed, dropped or moved",
            remedy=_RESTORE,
        )
    try:
        event = _EVENT.validate_python(data)
    except ValidationError as error:
        raise LedgerError(f"{where}: {_first(error)}") from error
    return event, Head(count=head.count + 1, digest=told)


def _digest(body: Mapping[str, Any], head: Head) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{head.digest}\n{text}".encode()).hexdigest()


def _first(error: ValidationError) -> str:
    return "; ".join(_each(error))


def _each(error: ValidationError) -> Iterator[str]:
    for detail in error.errors():
        yield f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
