"""Where the time of a build goes, stage by stage."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.build.cpu import children_cpu
from index.files import write_text


@dataclass(slots=True)
class Timings:
    """Seconds per stage (wall clock, and processor time of this process and its children)."""

    stages: list[dict[str, Any]] = field(default_factory=list)

    @contextlib.contextmanager
    def stage(self, name: str, *, of: str | None = None) -> Iterator[None]:
        """Measure a block, also one that fails.

        Args:
            name: ``fetch``, ``toolchain``, ``render``, ``compile`` …
            of: The build key it belongs to, or None for all of them.
        """
        began, own, children = time.monotonic(), time.process_time(), children_cpu()
        try:
            yield
        finally:
            self.stages.append(
                {
                    "stage": name,
                    "key": of,
                    "seconds": round(time.monotonic() - began, 3),
                    "cpu_seconds": round(time.process_time() - own + children_cpu() - children, 3),
                }
            )

    def write(self, path: Path) -> None:
        """Write everything measured so far as JSON."""
        data = {"schema_version": 1, "stages": self.stages}
        write_text(path, json.dumps(data, indent=1) + "\n")
