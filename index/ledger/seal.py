"""Lines of the ledger, each sealed to the one before: what is changed, dropped or moved shows.

A line is an event's JSON with one more key at its end, ``digest``: the sha256 over the digest of
the line before, a newline, and the event's JSON without that key, byte for byte as it stands. The
seal is over bytes, so nobody has to agree on how JSON is written again to check it.

Lines missing at the end cannot be told from the file alone: the head (how many events and bytes,
and the digest of the last line) lies beside it and is written after it. A ledger that goes on after
its head is an interrupted writing; one that does not reach it is damage.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from index.errors import LedgerError
from index.ledger.head import EMPTY, RESTORE, Head, describe
from index.ledger.plain import PlainAdd, PlainGuard, plain_add

if TYPE_CHECKING:
    from index.ledger.events import AnyEvent, Event

_SEAL = re.compile(rb'(?s)(\{.*),"digest":"([0-9a-f]{64})"\}\n')


class Line(NamedTuple):
    """One event as it stands in a ledger.

    Attributes:
        event: What happened.
        head: The ledger's head after it; the line is number ``head.count``.
        offset: Where the line begins, in bytes.
    """

    event: AnyEvent
    head: Head
    offset: int


def seal_event(event: AnyEvent, head: Head) -> tuple[bytes, Head]:
    """The line that says ``event`` after ``head``, with its newline, and the head after it."""
    if isinstance(event, PlainAdd | PlainGuard):
        body = event.dump()
    else:
        body = event.model_dump_json().encode()
    line, digest = seal_body(body, head.digest)
    return line, next_head(head, digest, len(line))


def seal_body(body: bytes, before: str) -> tuple[bytes, str]:
    """The line that says an event's JSON after a line with the digest ``before``, and its own."""
    digest = _digest(body, before)
    return b'%b,"digest":"%b"}\n' % (body[:-1], digest.encode()), digest


def next_head(head: Head, digest: str, size: int) -> Head:
    """The head after one more line of ``size`` bytes."""
    return Head(count=head.count + 1, size=head.size + size, digest=digest)


def check_seal(line: bytes, head: Head) -> tuple[bytes, Head]:
    """A line's event as JSON, and the head after it, if it does follow ``head``.

    Raises:
        LedgerError: the line is cut off, changed, or not the one that follows.
    """
    where = f"ledger line {head.count + 1}"
    if not line.endswith(b"\n"):
        raise LedgerError(f"{where} is cut off", remedy=RESTORE)
    match = _SEAL.fullmatch(line)
    if match is None:
        raise LedgerError(f"{where} is not a sealed line", remedy=RESTORE)
    body, told = match[1] + b"}", match[2].decode()
    if told != _digest(body, head.digest):
        raise LedgerError(
            f"{where} does not follow the line before: one of them was changed, dropped or moved",
            remedy=RESTORE,
        )
    return body, next_head(head, told, len(line))


def read_lines(
    lines: Iterable[bytes],
    start: Head = EMPTY,
    *,
    reach: Head | None = None,
    parse: Callable[[bytes, str], AnyEvent] | None = None,
) -> Iterator[Line]:
    """The events of a ledger, each seal checked, from the line after ``start`` on.

    Args:
        lines: Lines with their newlines, such as an open file gives.
        start: How far the ledger was read before.
        reach: A head the ledger once had: it must pass it. A last line beyond it that is cut off
            is an interrupted writing, and is passed over. Without one, nothing may be cut off.
        parse: What reads an event: `parse_event`, or `parse_plainly` where there are many.

    Raises:
        LedgerError: a line is changed, missing, cut off, or no event; the ledger is shortened.
    """
    head, parse = start, parse or parse_event
    for line in lines:
        if reach is not None and head.count >= reach.count and not line.endswith(b"\n"):
            break
        offset = head.size
        body, head = check_seal(line, head)
        check_reach(head, reach)
        yield Line(parse(body, f"ledger line {head.count}"), head, offset)
    if reach is not None and head.count < reach.count:
        raise LedgerError(
            f"the ledger has {head.count} events and once had {reach.count}: it was shortened",
            remedy=RESTORE,
        )


def check_reach(head: Head, reach: Head | None) -> None:
    """Refuse a ledger that is another one than the head beside it names.

    Raises:
        LedgerError: both are as long, and their last lines differ.
    """
    if reach is not None and head.count == reach.count and head.digest != reach.digest:
        raise LedgerError(f"ledger line {head.count} is not the one its head names", remedy=RESTORE)


def check_seals(lines: Iterable[bytes], upto: Head, reach: Head | None = None) -> bool:
    """Whether a ledger still begins with the lines that lead to ``upto``, seal by seal.

    Raises:
        LedgerError: it does not have the line that the head beside it (``reach``) names.
    """
    head = EMPTY
    for line in lines:
        if head.count == upto.count:
            break
        try:
            _, head = check_seal(line, head)
        except LedgerError:
            return False
        check_reach(head, reach)
    return head == upto


def parse_event(body: bytes, where: str) -> Event:
    """An event from its JSON.

    Raises:
        LedgerError: it is none.
    """
    from pydantic import ValidationError

    from index.ledger.events import event_adapter  # takes longer than reading a thousand events

    try:
        return event_adapter().validate_json(body)
    except ValidationError as error:
        raise LedgerError(f"{where}: {describe(error)}", remedy=RESTORE) from error


def parse_plainly(body: bytes, where: str) -> AnyEvent:
    """An event from its JSON: a plain one, where it is plainly right.

    Raises:
        LedgerError: it is none.
    """
    return plain_add(body) or parse_event(body, where)


def _digest(body: bytes, before: str) -> str:
    return hashlib.sha256(before.encode() + b"\n" + body).hexdigest()


__all__ = [
    "EMPTY",
    "RESTORE",
    "Head",
    "Line",
    "check_reach",
    "check_seal",
    "check_seals",
    "describe",
    "next_head",
    "parse_event",
    "parse_plainly",
    "read_lines",
    "seal_body",
    "seal_event",
]
