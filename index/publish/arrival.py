"""Waiting until what was deployed is what is served: a host takes a while."""

from __future__ import annotations

from pathlib import Path

from index.errors import PublishError
from index.publish.live import live_ledger
from index.publish.patience import Pace
from index.publish.survey import head_there

SECONDS = 10.0
"""Between two looks."""


def wait_for(url: str, folder: Path, *, minutes: float, pace: Pace) -> int:
    """Wait until the ledger at an address is the one in a folder; how many events it has.

    Args:
        url: The live site.
        folder: The site as it was deployed.
        minutes: How long at most.
        pace: The clock.

    Raises:
        PublishError: something else is there after so long.
        LedgerError: a ledger is broken.
    """
    wanted = head_there(folder)
    end = pace.now() + 60 * minutes
    while True:
        there = "nothing"
        try:
            with live_ledger(url) as live:
                if live is not None and live.head == wanted:
                    return wanted.count
                if live is not None:
                    there = f"a ledger of {live.head.count} events"
        except PublishError as error:  # it may be out of reach for a moment
            there = error.message
        if pace.now() >= end:
            raise PublishError(
                f"{url} is not what was deployed from '{folder}' ({wanted.count} events): {there}",
                remedy="was it deployed? A host may take longer: run the same command again",
            )
        pace.sleep(SECONDS)
