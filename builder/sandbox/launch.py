"""How a command is started in the sandbox: which folders it sees where, and the launcher's plan."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.sandbox.capability import ENTER, NOTHING, Capability
from index.files import write_text

BASE = Path("/mnt/wheelhouse")
NAMESPACE_FAILED = 125
"""The launcher's exit status when it could not make the namespace (see ``enter.NO_NAMESPACE``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One folder the command needs.

    Attributes:
        name: Its name below ``/mnt/wheelhouse``.
        source: Where it really lies.
        writable: Whether the command may write in it.
    """

    name: str
    source: Path
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Folders, and how far the kernel lets us shut the command in with them.

    Attributes:
        mounts: The folders, by fixed name.
        capability: What works here, or ``NOTHING`` where it is switched off.
        network: Keep the outside network (a remote compile cache needs it).
    """

    mounts: tuple[Mount, ...]
    capability: Capability = NOTHING
    network: bool = False

    @property
    def has_network(self) -> bool:
        """Whether the command will see the outside network."""
        return self.network or not self.capability.no_network

    def path(self, name: str) -> Path:
        """Where the command sees the folder called ``name``.

        Raises:
            KeyError: no folder has that name.
        """
        for mount in self.mounts:
            if mount.name == name:
                return BASE / name if self.capability.fixed_path else mount.source
        raise KeyError(name)

    def plan(
        self, argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, status: Path
    ) -> dict[str, Any]:
        """What the launcher is told; paths in ``argv``, ``env`` and ``cwd`` are the command's."""
        return {
            "parent": os.getpid(),
            "argv": [str(part) for part in argv],
            "env": dict(env),
            "cwd": str(cwd),
            "namespace": self.capability.fixed_path,
            "network": self.has_network,
            "processes": self.capability.processes,
            "mounts": [[str(m.source), str(BASE / m.name), m.writable] for m in self.mounts],
            "status": str(status),
        }

    def command(
        self, argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, scratch: Path
    ) -> list[str]:
        """Write the launcher's plan into ``scratch`` and return the command that carries it out."""
        path = scratch / "launch.json"
        plan = self.plan(argv, env=env, cwd=cwd, status=scratch / "launch.status")
        write_text(path, json.dumps(plan, indent=1), mode=0o600)
        return [sys.executable, "-I", str(ENTER), str(path)]
