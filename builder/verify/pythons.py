"""Finding a Python of each minor version on this machine, by running what looks like one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import BuilderError, UsageError
from builder.process import run

_VERSION = re.compile(r"3\.\d{1,2}")
# The base interpreter is asked for: an environment made from another one would not be clean.
_PROBE = """
import json, os, platform, struct, sys, sysconfig
info = sys.implementation.version
version = "{0.major}.{0.minor}.{0.micro}".format(info)
if info.releaselevel != "final":
    version += info.releaselevel[0] + str(info.serial)
print("PYTHON" + json.dumps({
    "path": getattr(sys, "_base_executable", None) or sys.executable,
    "version": platform.python_version(),
    "implementation": sys.implementation.name,
    "bits": struct.calcsize("P") * 8,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "markers": {
        "implementation_name": sys.implementation.name,
        "implementation_version": version,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": "{0[0]}.{0[1]}".format(sys.version_info),
        "sys_platform": sys.platform,
    },
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that was run and is fit for verification.

    Attributes:
        path: The interpreter itself, no shim and no environment's link.
        python: Its minor version, ``3.10``.
        version: Its whole version, ``3.10.13``.
        markers: What environment markers (PEP 508) evaluate to under it.
    """

    path: Path
    python: str
    version: str
    markers: Mapping[str, str] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.version} at '{self.path}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search ended with.

    Attributes:
        python: The minor version looked for.
        interpreter: The Python, or None.
        reason: Why there is none, and what was tried; None where there is one.
    """

    python: str
    interpreter: Interpreter | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where Pythons are looked for; tests give folders of their own.

    Attributes:
        path: The folders of ``PATH``, in order.
        home: The user's home.
        root: The file system's root.
        conda: A conda installation named by the environment, or None.
        tools: A CI runner's folder of tools, GitHub's for one, or None.
    """

    path: tuple[Path, ...]
    home: Path
    root: Path = Path("/")
    conda: Path | None = None
    tools: Path | None = None

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Places:
        """The places of a user with this environment."""
        conda, tools = env.get("CONDA_PREFIX"), env.get("RUNNER_TOOL_CACHE")
        return cls(
            path=tuple(Path(part) for part in env.get("PATH", "").split(":") if part),
            home=Path(env.get("HOME") or "/nonexistent"),
            conda=Path(conda) if conda else None,
            tools=Path(tools) if tools else None,
        )


def find_python(
    python: str,
    *,
    overrides: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    places: Places | None = None,
) -> Found:
    """The first fit interpreter of a minor version.

    Args:
        python: ``3.10``.
        overrides: Interpreters the user named; they come before all others.
        env: The environment candidates are run in (default: this process's own).
        places: Where to look; None for where that environment says.

    Raises:
        UsageError: ``python`` is not a minor version.
    """
    env = dict(os.environ) if env is None else env
    places = places or Places.of(env)
    refused: list[str] = []
    seen: set[Path] = set()
    for candidate in (*overrides, *candidates(python, places)):
        if not _is_file(candidate):
            continue
        real = candidate.resolve()
        if real in seen:
            continue
        seen.add(real)
        found = probe(candidate, env=env)
        if isinstance(found, Interpreter) and found.python == python:
            return Found(python=python, interpreter=found)
        if isinstance(found, str):
            refused.append(f"'{candidate}' {found}")
    reason = f"no Python {python} on this machine"
    if refused:
        reason += f" ({'; '.join(refused[:3])})"
    return Found(python=python, reason=reason)


def _is_file(path: Path) -> bool:
    """Whether a file is there; PATH may name folders that are closed to this user."""
    try:
        return path.is_file()
    except OSError:
        return False


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted; nothing where it is missing or closed to this user."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def interpreter_at(path: Path, *, env: Mapping[str, str]) -> Interpreter:
    """The interpreter a user named.

    Raises:
        UsageError: there is none, or it is not fit for verification.
    """
    if not path.is_file():
        raise UsageError(f"there is no Python at '{path}'")
    found = probe(path, env=env)
    if isinstance(found, str):
        raise UsageError(f"the Python at '{path}' {found}")
    return found


def candidates(python: str, places: Places) -> Iterator[Path]:
    """Every path that may be a Python of this minor version, best known places first."""
    if not _VERSION.fullmatch(python):
        raise UsageError(f"'{python}' is not a Python's minor version", remedy="write it as 3.10")
    name = f"python{python}"
    yield from (folder / name for folder in places.path)
    for folder in (places.root / "usr/local/bin", places.root / "usr/bin"):
        yield folder / name
    digits = python.replace(".", "")
    manylinux = f"cp{digits}-cp{digits}"
    yield places.root / "opt/python" / manylinux / "bin/python"
    yield from _newest(places.home / ".pyenv/versions", python, f"bin/{name}")
    for prefix in ("cpython-", ""):
        yield from _newest(places.home / ".local/share/uv/python", prefix + python, f"bin/{name}")
    if places.tools is not None:
        yield from _newest(places.tools / "Python", python, f"x64/bin/{name}")
    for conda in _condas(places):
        yield conda / "bin" / name
        yield from (folder / "bin" / name for folder in _entries(conda / "envs"))


def probe(path: Path, *, env: Mapping[str, str]) -> Interpreter | str:
    """Run a candidate: what it is, or why it is not fit (a clause: ``"is PyPy"``)."""
    try:
        done = run([path.absolute(), "-I", "-c", _PROBE], env=env, check=False)
    except (BuilderError, OSError) as error:
        return f"does not start ({error})"
    answer = next(
        (line[6:] for line in done.output.splitlines() if line.startswith("PYTHON")), None
    )
    if done.status != 0 or answer is None:
        last = done.output.strip().splitlines()[-1:] or [f"status {done.status}"]
        return f"does not run ({last[0]})"
    facts = json.loads(answer)
    if facts["implementation"] != "cpython":
        return f"is {facts['markers']['platform_python_implementation']}, not CPython"
    if facts["free_threaded"]:
        return "is free-threaded, for which no wheels are made"
    if facts["bits"] != 64:
        return f"has {facts['bits']} bits, not 64"
    return Interpreter(
        path=Path(facts["path"]),
        python=facts["markers"]["python_version"],
        version=facts["version"],
        markers=facts["markers"],
    )


def _newest(folder: Path, start: str, inside: str) -> Iterator[Path]:
    """Paths in version folders that begin with ``start``, highest patch version first."""
    pattern = re.compile(re.escape(start) + r"\.(\d+)(?!.*freethreaded).*")
    found = [(m, path) for path in _entries(folder) if (m := pattern.fullmatch(path.name))]
    found.sort(key=lambda pair: (-int(pair[0][1]), pair[1].name))
    yield from (path / inside for _, path in found)


def _condas(places: Places) -> Iterator[Path]:
    if places.conda is not None:
        yield places.conda
    for name in ("miniconda3", "anaconda3", "miniforge3", "mambaforge"):
        yield places.home / name
    yield places.root / "opt/conda"
