"""Running a notebook from its first cell to its last, as its user would, in a fresh environment.

The notebook's own ``pip install`` takes our wheel from an index on loopback; what that wheel
requires is there already (hard-linked from the installer's cache), so that no test downloads
gigabytes. Parameters go into a cell of their own after the one tagged ``parameters``, as papermill
puts them.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.fetch.pipconfig import read_pip_settings
from builder.paths import Cache
from builder.process import run
from builder.targets import load_targets
from builder.ui import Silent
from builder.verify.clean import pip_variables
from builder.verify.environment import PIP_VERSION, Environment, dependencies, make_environment
from builder.verify.pythons import Interpreter, find_python
from builder.verify.uv import find_uv
from index.records import Record

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
RUNNER = ("ipykernel==7.4.0", "nbclient==0.11.0")
"""What runs a notebook: the kernel, and who hands it the cells."""
RUN = """
import sys, nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config
notebook = nbformat.read(sys.argv[1], as_version=4)
try:
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=1200,
        startup_timeout=1200,
        iopub_timeout=1200,  # what comes later than that after a cell's end is not kept
        config=Config({"KernelManager": {"transport": "ipc"}}),  # no port that another may take
    ).execute()
except CellExecutionError as error:
    print(error)
    sys.exit(1)
finally:
    nbformat.write(notebook, sys.argv[1])
"""
CHANNELS = {"b": (0, 0, 255), "g": (0, 160, 0), "r": (255, 0, 0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a notebook ended.

    Attributes:
        status: 0 where every cell ran.
        output: What the runner said: the failing cell and its traceback.
        text: All that the cells printed and displayed as text, in order.
        images: How many pictures were displayed.
    """

    status: int
    output: str
    text: str
    images: int


def user_python() -> Interpreter:
    """The newest Python of this machine that is a target; there must be one."""
    for python in reversed(load_targets().pythons):
        found = find_python(python).interpreter
        if found is not None:
            return found
    raise AssertionError("no Python on this machine is a target")


@contextmanager
def user_environment(
    folder: Path, cache: Cache, *, records: Iterable[Record], more: Sequence[str] = ()
) -> Iterator[Environment]:
    """A fresh environment with pip, a kernel, and what the wheels of these records require.

    Args:
        folder: A new folder for it.
        cache: Holds uv, and the packages it hard-links.
        records: Of our wheels, which are not installed: the notebook does that.
        more: Further requirements.
    """
    interpreter = user_python()
    records = tuple(records)
    ours = [record.name for record in records]
    needed = [
        line for record in records for line in dependencies(record, interpreter, leave_out=ours)
    ]
    folder.mkdir()
    with (folder / "environment.log").open("w", encoding="utf-8") as log:
        yield make_environment(
            folder,
            interpreter=interpreter,
            uv=find_uv(cache, Silent()),
            uv_cache=cache.environments / "uv",
            pip=read_pip_settings(os.environ),
            requirements=(f"pip=={PIP_VERSION}", *RUNNER, *needed, *more),
            log=log,
            env=os.environ,
        )


def with_parameters(notebook: Mapping[str, Any], parameters: Mapping[str, object]) -> str:
    """The notebook's text with a cell of assignments after the one tagged ``parameters``.

    Raises:
        AssertionError: a parameter is none of the notebook's.
    """
    cells = list(notebook["cells"])
    place = next(
        n for n, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", ())
    )
    known = "".join(cells[place]["source"])
    for name in parameters:
        assert f"\n{name} = " in f"\n{known}", f"{name} is no parameter of this notebook"
    cells.insert(
        place + 1,
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "injected",
            "metadata": {"tags": ["injected-parameters"]},
            "outputs": [],
            "source": "".join(f"{name} = {value!r}\n" for name, value in parameters.items()),
        },
    )
    return json.dumps({**notebook, "cells": cells})


def run_notebook(
    name: str, environment: Environment, folder: Path, parameters: Mapping[str, object]
) -> Run:
    """Run a copy of a notebook in ``folder``, which is also where its cells work.

    Args:
        name: Of a file in ``notebooks/``.
        environment: Its Python runs the cells, and first on ``PATH`` are its programs.
        folder: An empty folder or one where the same notebook ran before.
        parameters: Values instead of those of the cell tagged ``parameters``.
    """
    original = json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))
    copy = folder / name
    copy.write_text(with_parameters(original, parameters), encoding="utf-8")
    variables = {
        **environment.variables,
        **pip_variables(read_pip_settings(os.environ)),
        "IPYTHONDIR": str(folder / ".ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    with (
        # A socket's path is short: 107 bytes at most.
        tempfile.TemporaryDirectory(prefix="kernel-") as sockets,
        (folder / "notebook.log").open("w", encoding="utf-8") as log,
    ):
        variables["JUPYTER_RUNTIME_DIR"] = sockets
        done = run(
            [environment.python, "-c", RUN, copy], env=variables, cwd=folder, log=log, check=False
        )
    cells = json.loads(copy.read_text(encoding="utf-8"))["cells"]
    return Run(
        status=done.status,
        output=done.output,
        text="".join(_texts(cells)),
        images=sum("image/jpeg" in output.get("data", {}) for output in _outputs(cells)),
    )


def _outputs(cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [output for cell in cells for output in cell.get("outputs", ())]


def _texts(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for output in _outputs(cells):
        text = output.get("text", output.get("data", {}).get("text/plain", ""))
        found.append(text if isinstance(text, str) else "".join(text))
    return found


def png(width: int, height: int, boxes: Sequence[tuple[int, int, int, int, str]]) -> bytes:
    """A grey picture with coloured boxes (left, top, width, height, ``r``, ``g`` or ``b``)."""
    rows = [bytearray(b"\x60\x60\x60" * width) for _ in range(height)]
    for left, top, wide, high, colour in boxes:
        for row in rows[top : top + high]:
            row[left * 3 : (left + wide) * 3] = bytes(CHANNELS[colour]) * wide
    pixels = zlib.compress(b"".join(b"\x00" + bytes(row) for row in rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()
