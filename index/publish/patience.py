"""When to ask again, and how long to wait before: pure, but for the clock that is handed in."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LIMITED = (403, 429)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long is waited, in seconds.

    Attributes:
        sleep: Waits.
        now: What time it is (seconds since 1970).
        backoff: Before the second try; doubled for each further one.
        secondary: After a secondary rate limit that says nothing of time.
        longest: One wait at most; a limit that asks for more is an error.
        tries: How often something that may pass is tried.
    """

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    backoff: float = 1.0
    secondary: float = 60.0
    longest: float = 3700.0
    tries: int = 7

    def pause(self, failures: int) -> None:
        """Wait after so many failures in a row (1 or more)."""
        self.sleep(self.backoff * 2 ** (failures - 1))


def limit_wait(
    status: int, headers: Mapping[str, str], message: str, pace: Pace, limited: int
) -> float | None:
    """Seconds that a rate limit asks for, or None where the answer is no rate limit's.

    As GitHub documents it: ``Retry-After``; else the reset where nothing remains; else, for a
    secondary limit, a minute, and longer each time.

    Args:
        status: The answer's status.
        headers: Its headers; names in any case.
        message: What it says.
        pace: The clock.
        limited: How many limits in a row were met before.
    """
    if status not in LIMITED:
        return None
    told = {name.lower(): value.strip() for name, value in headers.items()}
    asked = retry_after(told.get("retry-after"), pace.now())
    if asked is not None:
        return asked
    reset = told.get("x-ratelimit-reset", "")
    if told.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(0.0, float(reset) - pace.now()) + 1
    if status == 429 or "rate limit" in message.lower() or "abuse" in message.lower():
        return pace.secondary * float(2**limited)
    return None


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds asked for by a ``Retry-After`` header (a number or a date), or None."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None
