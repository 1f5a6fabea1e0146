"""The index's memory: an append-only file of sealed events, enough to rebuild every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from index.ledger.head import EMPTY, Head
from index.ledger.plain import PlainAdd, PlainEvent, PlainGuard
from index.ledger.seal import Line, read_lines, seal_event
from index.ledger.settings import Settings

if TYPE_CHECKING:
    from index.ledger.events import (
        Add,
        AnyEvent,
        Configure,
        Event,
        Guard,
        Remove,
        Unyank,
        Yank,
        decided,
    )

LEDGER_NAME = "ledger.jsonl"
HEAD_NAME = "ledger.head.json"
_OF_EVENTS = frozenset(
    {"Add", "AnyEvent", "Configure", "Event", "Guard", "Remove", "Unyank", "Yank", "decided"}
)


def __getattr__(name: str) -> object:
    """The models of events, imported when first asked for: that takes longer than most verbs."""
    if name not in _OF_EVENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from index.ledger import events

    return getattr(events, name)


__all__ = [
    "EMPTY",
    "HEAD_NAME",
    "LEDGER_NAME",
    "Add",
    "AnyEvent",
    "Configure",
    "Event",
    "Guard",
    "Head",
    "Line",
    "PlainAdd",
    "PlainEvent",
    "PlainGuard",
    "Remove",
    "Settings",
    "Unyank",
    "Yank",
    "decided",
    "read_lines",
    "seal_event",
]
