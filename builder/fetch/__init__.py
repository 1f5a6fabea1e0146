"""Verified downloads: named sources, mirrors, the content-addressed cache, safe unpacking.

The names below load their modules on first use: planning needs `Artifact` alone, and a command
with nothing to download should not pay for an HTTP client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.fetch.artifact import Artifact
    from builder.fetch.download import cached, fetch, fetch_all
    from builder.fetch.licence import licence_note
    from builder.fetch.settings import FetchSettings
    from builder.fetch.unpacking import unpack

_HOMES = {
    "Artifact": "artifact",
    "FetchSettings": "settings",
    "cached": "download",
    "fetch": "download",
    "fetch_all": "download",
    "licence_note": "licence",
    "unpack": "unpacking",
}

__all__ = [
    "Artifact",
    "FetchSettings",
    "cached",
    "fetch",
    "fetch_all",
    "licence_note",
    "unpack",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
