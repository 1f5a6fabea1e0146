"""Guards: sdists whose build says that a wheel is missing, so that nothing else is taken for it.

An installer that finds no wheel of ours that fits looks on: at older versions, and at a stranger's
package of the same name in another index. A guard stands in the way, at our version.
"""

from __future__ import annotations

from index.guard.archive import guard_bytes, guard_filename
from index.guard.message import guard_message
from index.guard.needed import guards_to_unyank, guards_to_yank, missing_guards

__all__ = [
    "guard_bytes",
    "guard_filename",
    "guard_message",
    "guards_to_unyank",
    "guards_to_yank",
    "missing_guards",
]
