"""Wheels on their way into the ledger by the hundred, judged and written out already.

What makes them may be another process: what passes is bytes and plain tuples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from index.ledger.head import Head
from index.ledger.plain import PlainAdd
from index.state.known import Row, row_of

if TYPE_CHECKING:
    from index.site.intake import Pin


class Arrivals(NamedTuple):
    """Some wheels to be published.

    Attributes:
        rows: What the state will know of each; not yet where it stands in the ledger.
        text: Their events as JSON, one behind the other, each without its last brace.
        lengths: Bytes of each in ``text``.
        pins: What they need that no other index can have.
    """

    rows: list[Row]
    text: bytes
    lengths: list[int]
    pins: list[Pin]

    def only(self, wanted: Sequence[int]) -> Arrivals:
        """Some of them, by number."""
        ends = list(accumulate(self.lengths))
        names = {self.rows[one][1] for one in wanted}
        return Arrivals(
            [self.rows[one] for one in wanted],
            b"".join([self.text[ends[one] - self.lengths[one] : ends[one]] for one in wanted]),
            [self.lengths[one] for one in wanted],
            [pin for pin in self.pins if pin.filename in names],
        )


def arrivals(events: Iterable[PlainAdd], pins: list[Pin]) -> Arrivals:
    """All that can be done of publishing wheels before it is known what they come after.

    Args:
        events: The wheels.
        pins: Filled while the events are made.
    """
    rows: list[Row] = []
    bodies: list[bytes] = []
    for event in events:
        rows.append(row_of(event.record, event.url, event.uploaded))
        bodies.append(event.dump()[:-1])
    return Arrivals(rows, b"".join(bodies), [len(body) for body in bodies], pins)


def seal_arrivals(some: Arrivals, head: Head) -> tuple[bytes, list[Row], Head]:
    """Seal wheels to a ledger that goes as far as ``head`` (see `index.ledger.seal`).

    Returns:
        Their lines; what the state will know of them; the head after them.
    """
    digest, start, at = head.digest, head.size, 0
    text = memoryview(some.text)
    lines: list[bytes | memoryview] = []
    rows: list[Row] = []
    for row, length in zip(some.rows, some.lengths, strict=True):
        event = text[at : at + length]
        at += length
        seal = hashlib.sha256(digest.encode() + b"\n")
        seal.update(event)
        seal.update(b"}")
        digest = seal.hexdigest()
        end = b',"digest":"%b"}\n' % digest.encode()
        lines += (event, end)
        length += len(end)
        rows.append((*row, start, length))
        start += length
    return b"".join(lines), rows, Head(count=head.count + len(rows), size=start, digest=digest)
