"""How to fetch: patience, parallelism and the mirrors a user has named."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.fetch.pipconfig import PipSettings

DEBIAN_MIRROR_VARIABLE = "BUILDER_DEBIAN_MIRROR"
NVIDIA_MIRROR_VARIABLE = "BUILDER_NVIDIA_MIRROR"
NVIDIA_PREFIX = "https://developer.download.nvidia.com/compute"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """Everything about fetching that is not the artifact itself.

    Attributes:
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for the next bytes.
        attempts: How often one address is tried when the trouble may pass (timeouts, 429, 5xx).
        backoff: Seconds before the second attempt; doubled for each further one.
        longest_wait: Seconds at most between two attempts, whatever ``Retry-After`` asks for.
        workers: Downloads at the same time.
        debian_mirrors: Debian archives named by the user, asked first (``https://host/debian``).
        nvidia_mirror: What stands in for NVIDIA's own archive, or None.
        apt: Folder of this machine's apt configuration.
        snapshot: The day asked of Debian's snapshot archive where a pin names none.
        pip: Pip's settings; None asks the pip beside us when they are first needed.
        env: The environment in which pip is asked.
    """

    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    attempts: int = 4
    backoff: float = 0.5
    longest_wait: float = 60.0
    workers: int = 4
    debian_mirrors: tuple[str, ...] = ()
    nvidia_mirror: str | None = None
    apt: Path = Path("/etc/apt")
    snapshot: str = "20260801T000000Z"
    pip: PipSettings | None = None
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> FetchSettings:
        """The settings a user's environment asks for (default: this process's own)."""
        env = dict(os.environ) if env is None else dict(env)
        named = env.get(DEBIAN_MIRROR_VARIABLE, "").split(",")
        return cls(
            debian_mirrors=tuple(part.strip().rstrip("/") for part in named if part.strip()),
            nvidia_mirror=env.get(NVIDIA_MIRROR_VARIABLE, "").strip().rstrip("/") or None,
            env=env,
        )

    def replaced(self, url: str) -> str:
        """The address to ask instead of ``url``: NVIDIA's archive may have a stand-in."""
        if self.nvidia_mirror is not None and url.startswith(NVIDIA_PREFIX + "/"):
            return self.nvidia_mirror + url.removeprefix(NVIDIA_PREFIX)
        return url
