"""cibuildwheel's ``before-all``, which puts the toolchain in order in the container.

Run as ``python -I prepare.py PLAN.json`` by any Python: of the builder, it imports what needs no
package. The toolchain itself is mounted, verified and installed already: it is tried here, so that
an image which cannot run it says so at once. The environment of our repair command is made here,
from the container's Python and the builder's own packages, mounted too.

The plan (JSON): ``folders`` to make, ``check`` (programs that must start), ``repair`` (folder of
the virtual environment) and ``paths`` (what it finds packages in).
"""

from __future__ import annotations

import json
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

CODE = Path(__file__).parents[2]


def main() -> int:
    """Do it; the exit status says whether it worked."""
    sys.path.insert(0, str(CODE))
    plan: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for folder in plan["folders"]:
        Path(folder).mkdir(parents=True, exist_ok=True)
    for program in plan["check"]:
        if not starts(program):
            return 1
    repair = Path(plan["repair"])
    venv.EnvBuilder(with_pip=False, symlinks=True, clear=True).create(repair)
    # Where "python" keeps packages, seen from the folder of the environment.
    inside = Path(sysconfig.get_path("purelib")).relative_to(sysconfig.get_path("data"))
    listed = repair / inside / "wheelhouse.pth"
    listed.write_text("".join(f"{path}\n" for path in plan["paths"]), encoding="utf-8")
    return 0


def starts(program: str) -> bool:
    """Whether a program of the toolchain runs here; if not, why is on stderr."""
    from builder import process
    from builder.errors import MachineError

    try:
        done = process.run([program, "--version"], check=False)
    except MachineError as error:
        said, status = str(error), -1
    else:
        said, status = done.output.strip(), done.status
    if status != 0:
        name = Path(program).name
        sys.stderr.write(f"wheelhouse: the toolchain's {name} does not run in this image: {said}\n")
    return status == 0


if __name__ == "__main__":
    sys.exit(main())
