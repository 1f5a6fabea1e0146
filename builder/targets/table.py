"""Read ``builder/data/targets.toml``; a row that makes no sense is refused with its place."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import Any

from builder.errors import RecipeError
from builder.targets.architectures import ARCHITECTURE, Architectures, ordered
from builder.targets.model import Cuda, Targets, python_tag

TABLE = Path(__file__).parents[1] / "data" / "targets.toml"
_TOP_KEYS = {"schema", "pythons", "host-gcc", "cuda"}
_CUDA_KEYS = {"version", "architectures", "default", "ptx", "max-host-gcc"}
_LABEL = re.compile(r"cu[1-9]\d{2,3}")


@functools.cache
def load_targets(path: Path = TABLE) -> Targets:
    """The target table of this installation (or of ``path``).

    Raises:
        RecipeError: the table is not valid.
    """
    return parse_targets(path.read_text("utf-8"), name=path.name)


def parse_targets(text: str, *, name: str = "targets.toml") -> Targets:
    """The table from its text.

    Raises:
        RecipeError: it is not valid; every reason is named.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name}: {error}") from error
    faults: list[str] = []
    if data.get("schema") != 1:
        faults.append(f"schema: must be 1, not {data.get('schema')!r}")
    faults += [f"{key}: unknown key" for key in sorted(set(data) - _TOP_KEYS)]
    pythons = _strings(data, "pythons", "pythons", faults)
    for python in pythons:
        try:
            python_tag(python)
        except ValueError as error:
            faults.append(f"pythons: {error}")
    host_gcc = _integer(data, "host-gcc", "host-gcc", faults)
    rows = data.get("cuda", {})
    if not isinstance(rows, dict) or not rows:
        faults.append("cuda: at least one [cuda.cuXYZ] table is needed")
        rows = {}
    cudas = tuple(_cuda(label, row, faults) for label, row in rows.items())
    if faults:
        raise RecipeError("\n".join(f"{name}: {fault}" for fault in faults))
    return Targets(cudas=cudas, pythons=pythons, host_gcc=host_gcc)


def _cuda(label: str, row: object, faults: list[str]) -> Cuda:
    here = f"cuda.{label}"
    if not isinstance(row, dict):
        faults.append(f"{here}: must be a table")
        row = {}
    faults += [f"{here}.{key}: unknown key" for key in sorted(set(row) - _CUDA_KEYS)]
    version = str(row.get("version", ""))
    if not _LABEL.fullmatch(label) or label != "cu" + version.replace(".", ""):
        faults.append(f"{here}: the label must be 'cu' and the version ('cu118' for 11.8)")
    known = _strings(row, "architectures", f"{here}.architectures", faults)
    default = _strings(row, "default", f"{here}.default", faults)
    ptx = str(row.get("ptx", ""))
    for one in (*known, *default, *([ptx] if ptx else [])):
        if not ARCHITECTURE.fullmatch(one):
            faults.append(f"{here}: '{one}' is no architecture")
        elif one not in known:
            faults.append(f"{here}: '{one}' is not among its architectures")
    good = tuple(one for one in default if ARCHITECTURE.fullmatch(one))
    return Cuda(
        label=label,
        version=version,
        architectures=known,
        default=Architectures(real=ordered(good), ptx=ptx or None),
        max_host_gcc=_integer(row, "max-host-gcc", f"{here}.max-host-gcc", faults),
    )


def _strings(data: dict[str, Any], key: str, where: str, faults: list[str]) -> tuple[str, ...]:
    value = data.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        faults.append(f"{where}: must be a list of strings, not {value!r}")
        return ()
    if len(set(value)) != len(value):
        faults.append(f"{where}: something stands there twice")
    return tuple(value)


def _integer(data: dict[str, Any], key: str, where: str, faults: list[str]) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        faults.append(f"{where}: must be a whole number, not {value!r}")
        return 0
    return value
