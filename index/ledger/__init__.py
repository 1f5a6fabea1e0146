"""The index's memory: an append-only file of sealed events, enough to rebuild every page."""

from __future__ import annotations

from index.ledger.events import (
    Add,
    Configure,
    Event,
    Guard,
    Remove,
    Settings,
    Unyank,
    Yank,
    decided,
)
from index.ledger.seal import EMPTY, Head, Line, read_lines, seal_event

LEDGER_NAME = "ledger.jsonl"
HEAD_NAME = "ledger.head.json"

__all__ = [
    "EMPTY",
    "HEAD_NAME",
    "LEDGER_NAME",
    "Add",
    "Configure",
    "Event",
    "Guard",
    "Head",
    "Line",
    "Remove",
    "Settings",
    "Unyank",
    "Yank",
    "decided",
    "read_lines",
    "seal_event",
]
