"""Folders beside a site whose wheels its pages link to (``../wheels/X.whl``)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from index.ledger import LEDGER_NAME

_LINK = re.compile(rb'\{"schema_version":\d+,"url":"((?:\.\./)+[^"]+)"')


def folders_beside(site: Path) -> Mapping[str, Path]:
    """Those folders by the path a server of the site alone has to give them.

    A browser drops ``..`` above a server's top, so ``../wheels/X.whl`` is asked for as
    ``/wheels/X.whl``. A site with no ledger has none.
    """
    found: dict[str, Path] = {}
    try:
        ledger = (site / LEDGER_NAME).open("rb")
    except FileNotFoundError:
        return found
    with ledger:
        for line in ledger:
            # A million lines are looked at before the server answers: no JSON is parsed.
            match = _LINK.match(line)
            if match is not None:
                folder = posixpath.dirname(match[1].decode())
                found[re.sub(r"^(?:\.\.(?:/|$))+", "", folder)] = (site / folder).resolve()
    return found
