"""A site on loopback, answered as a good host does: to try an index before it is public."""

from __future__ import annotations

from index.serve.server import Server

__all__ = ["Server"]
