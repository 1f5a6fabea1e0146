"""Wheels: repaired, inspected, checked, recorded. What reads ELF files loads on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

# Not lazy: its module has the same name, which would take the function's place once imported.
from builder.wheel.repair import repair

if TYPE_CHECKING:
    from builder.wheel.checks import check, machine_needles, require
    from builder.wheel.companion import write_companions
    from builder.wheel.inspect import inspect_wheel
    from builder.wheel.model import Inspection, Violation
    from builder.wheel.record import make_record

_HOMES = {
    "Inspection": "model",
    "Violation": "model",
    "check": "checks",
    "inspect_wheel": "inspect",
    "machine_needles": "checks",
    "make_record": "record",
    "require": "checks",
    "write_companions": "companion",
}

__all__ = [
    "Inspection",
    "Violation",
    "check",
    "inspect_wheel",
    "machine_needles",
    "make_record",
    "repair",
    "require",
    "write_companions",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
