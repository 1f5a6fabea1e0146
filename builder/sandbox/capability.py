"""What this machine's kernel allows, found by trying it in a child."""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from builder import process
from builder.errors import MachineError
from builder.ui import Reporter

ENTER = Path(__file__).with_name("enter.py")
KNOBS = (
    ("/proc/sys/user/max_user_namespaces", "0", "user namespaces are switched off"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "user namespaces are for root only"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor restricts user namespaces",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Which parts of the sandbox work here.

    Attributes:
        fixed_path: Folders can be shown at ``/mnt/wheelhouse/…``.
        no_network: The network can be taken away.
        processes: A process namespace, so that everything inside ends at once.
        reason: Why the first thing that does not work does not, or None.
        refused: The same in a few words and with no path in it, for records, or None.
    """

    fixed_path: bool
    no_network: bool
    processes: bool
    reason: str | None = None
    refused: str | None = None


NOTHING = Capability(
    fixed_path=False, no_network=False, processes=False, refused="the sandbox was switched off"
)
REFUSED = "the kernel refuses the namespaces that fix the build's path"
LADDER = (
    Capability(fixed_path=True, no_network=True, processes=True),
    Capability(fixed_path=True, no_network=True, processes=False),
    Capability(fixed_path=True, no_network=False, processes=False),
)


@functools.cache
def probe() -> Capability:
    """The most that works here; each step is tried for real, in a child that does nothing else."""
    reason: str | None = None
    refused: str | None = None
    for step in LADDER:
        failed = attempt(step)
        if failed is None:
            return Capability(
                fixed_path=step.fixed_path,
                no_network=step.no_network,
                processes=step.processes,
                reason=reason,
                refused=refused,
            )
        reason, refused = reason or explain(failed), refused or _in_short()
    return Capability(
        fixed_path=False, no_network=False, processes=False, reason=reason, refused=refused
    )


def choose(wish: str, reporter: Reporter) -> Capability:
    """What a build uses, by the user's wish: ``auto``, ``require`` or ``off``.

    What the sandbox cannot do here is said through the reporter.

    Raises:
        MachineError: the whole sandbox is required and does not work here.
    """
    if wish == "off":
        reporter.say("no sandbox: compiling at real paths, with the network in reach")
        return NOTHING
    found = probe()
    if found.fixed_path and found.no_network:
        return found
    missing = (
        "the network stays in reach"
        if found.fixed_path
        else ("compiling at real paths, with the network in reach: the bytes depend on the folder")
    )
    if wish == "require":
        raise MachineError(f"no whole sandbox here: {found.reason}", remedy="use --sandbox auto")
    reporter.warn(f"{missing} ({found.reason})")
    return found


def attempt(step: Capability) -> str | None:
    """Make the namespaces of ``step`` once; None, or why that failed."""
    with tempfile.TemporaryDirectory(prefix="builder-probe-") as folder:
        status = Path(folder, "status")
        plan = {
            "parent": os.getpid(),
            "argv": [],
            "env": {},
            "cwd": None,
            "namespace": True,
            "network": not step.no_network,
            "processes": step.processes,
            "mounts": [[folder, "/mnt/wheelhouse/probe", False]],
            "status": str(status),
        }
        path = Path(folder, "plan.json")
        path.write_text(json.dumps(plan), encoding="utf-8")
        done = process.run([sys.executable, "-I", ENTER, path], check=False)
        if done.status == 0:
            return None
        said = status.read_text(encoding="utf-8") if status.exists() else done.output.strip()
        return said or f"the launcher ended with status {done.status}"


def explain(failed: str) -> str:
    """The error with the kernel setting that most likely causes it."""
    knob = _knob()
    if knob is not None:
        path, value, meaning = knob
        return f"{meaning} ({path} is {value}): {failed}"
    return f"{failed} (in a container, its seccomp profile or rights are the usual cause)"


def _in_short() -> str:
    knob = _knob()
    return REFUSED if knob is None else knob[2]


def _knob() -> tuple[str, str, str] | None:
    """The first setting that stands in the way: path, value and meaning."""
    for path, value, meaning in KNOBS:
        try:
            found = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if found == value:
            return path, value, meaning
    return None
