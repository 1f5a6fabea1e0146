"""cibuildwheel's repair command: the builder's own repair, run in the container.

Run as ``python -m builder.engine.inside PLAN.json WHEEL FOLDER`` in the environment that `prepare`
made. What the builder outside must know is printed in lines of its own: ``wheelhouse-stats: {…}``
(the compile cache's statistics, processor time) and ``wheelhouse-error: {…}`` (why the wheel cannot
be repaired).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builder.errors import BuilderError

STATS = "wheelhouse-stats: "
ERROR = "wheelhouse-error: "


def main(arguments: Sequence[str]) -> int:
    """Repair one wheel; the exit status is that of the error, or 0."""
    plan: dict[str, Any] = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    stats = statistics(Path(plan["host"]))
    tell(STATS + json.dumps({"sccache": stats, "cpu_seconds": cpu_seconds()}))
    try:
        repaired(plan, Path(arguments[1]), Path(arguments[2]))
    except BuilderError as error:
        tell(ERROR + json.dumps({"message": error.message, "remedy": error.remedy}))
        return error.exit_code
    return 0


def repaired(plan: dict[str, Any], raw: Path, into: Path) -> Path:
    """The repaired wheel.

    Raises:
        BuilderError: it cannot be repaired.
    """
    from builder.plan.spec import BuildSpec
    from builder.toolchain.model import Toolchain
    from builder.wheel.repair import repair

    spec = BuildSpec.model_validate(plan["spec"])
    toolchain = Toolchain(
        label=spec.cuda,
        digest=plan["digest"],
        host=Path(plan["host"]),
        cuda=Path(plan["cuda"]),
    )
    natives = Path(plan["natives"])
    return repair(raw, spec=spec, toolchain=toolchain, into=into, log=sys.stdout, natives=natives)


def statistics(host: Path) -> Any:  # noqa: ANN401 -- any JSON
    """The compile cache's statistics; its server ends, and writes what it has."""
    from builder.process import run

    sccache = host / "bin/sccache"
    try:
        told = run([sccache, "--show-stats", "--stats-format=json"], merge_stderr=False).output
        run([sccache, "--stop-server"], check=False)
        return json.loads(told)
    except (BuilderError, ValueError):
        return {}  # it compiled all the same


def cpu_seconds() -> float:
    """Processor time of everything that has ended in this container, from its first process."""
    fields = Path("/proc/1/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def tell(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
