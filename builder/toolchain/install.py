"""Install, find and remove toolchains: made in a temporary folder, renamed into place, locked."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from builder.errors import ToolchainError
from builder.fetch.artifact import Artifact
from builder.fetch.part import require_space, writing
from builder.paths import Cache
from builder.toolchain.assemble import assemble
from builder.toolchain.digest import pins_digest, prefix_name, toolchain_digest
from builder.toolchain.model import Toolchain
from builder.toolchain.pins import DATA, HOST, Package, Pins, RedistProduct, labels, load_pins
from builder.toolchain.redist import manifest_pins
from builder.ui import Reporter
from index.files import atomic_folder, write_text

STATE = "toolchain.json"
STATE_SCHEMA = 1


def artifacts(label: str, *, data: Path = DATA) -> tuple[Artifact, ...]:
    """Everything pinned that a toolchain needs, host prefix included, without asking the network.

    What comes from NVIDIA's redistributable archive is named by its manifests, of which only the
    manifests themselves are among these; `sizes` counts their components too.
    """
    found: list[Artifact] = []
    for name in (HOST, label):
        pins = load_pins(name, data=data)
        found += [package.artifact() for package in pins.package]
        found += [manifest_pins(data=data).find(one).artifact(one.product) for one in pins.redist]
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes to download and bytes on disk of a prefix; estimates, for plans."""

    download: int
    installed: int


def sizes(name: str, *, data: Path = DATA) -> Sizes:
    """What a prefix costs (``host`` or a CUDA label, each on its own)."""
    pins = load_pins(name, data=data)
    rows: tuple[Package | RedistProduct, ...] = (*pins.package, *pins.redist)
    return Sizes(
        download=sum(row.size for row in rows), installed=sum(row.installed_size for row in rows)
    )


def prefix_path(name: str, cache: Cache, *, data: Path = DATA) -> Path:
    """Where a prefix (``host`` or a CUDA label) is, or would be installed.

    A prefix holds its own path: where the folder is a link (to another cache's toolchains, or to
    another disk), this is the path behind it.
    """
    return cache.toolchains.resolve() / prefix_name(load_pins(name, data=data), data=data)


def installed(label: str, cache: Cache, *, data: Path = DATA) -> Toolchain | None:
    """The toolchain as it lies in the cache, or None if a part is missing, damaged or moved."""
    for name in (HOST, label):
        if not is_whole(prefix_path(name, cache, data=data), load_pins(name, data=data), data=data):
            return None
    return _toolchain(label, cache, data=data)


def is_whole(prefix: Path, pins: Pins, *, data: Path = DATA) -> bool:
    """Whether a prefix was finished from these pins, at this very path, and looks complete."""
    try:
        state = json.loads((prefix / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    expected = {"digest": pins_digest(pins, data=data), "prefix": str(prefix)}
    if not isinstance(state, dict) or any(state.get(key) != expected[key] for key in expected):
        return False
    return all((prefix / path).exists() for path in pins.check)


def install(label: str, *, cache: Cache, reporter: Reporter, data: Path = DATA) -> Toolchain:
    """The toolchain of a CUDA label, installed first where it is not there yet.

    Safe with other builders on the same cache: one installs, the others wait and take it.

    Raises:
        UsageError: there is no such toolchain.
        FetchError: a package could not be had.
        ToolchainError: it could not be put together.
        MachineError: the disk is full or cannot be written.
    """
    for name in (HOST, label):
        _install_prefix(load_pins(name, data=data), cache=cache, reporter=reporter, data=data)
    return _toolchain(label, cache, data=data)


def _install_prefix(pins: Pins, *, cache: Cache, reporter: Reporter, data: Path) -> Path:
    prefix = cache.toolchains.resolve() / prefix_name(pins, data=data)
    if is_whole(prefix, pins, data=data):
        return prefix
    with locked(prefix.name, cache, reporter=reporter):
        if is_whole(prefix, pins, data=data):
            return prefix
        clear(prefix)
        require_space(cache.toolchains, sizes(pins.label, data=data).installed)
        with writing(cache.toolchains), atomic_folder(prefix) as temporary:
            assemble(pins, temporary, final=prefix, cache=cache, reporter=reporter, data=data)
            missing = [path for path in pins.check if not (temporary / path).exists()]
            if missing:
                raise ToolchainError(f"{prefix.name}: {', '.join(missing)} did not come out of it")
            write_text(temporary / STATE, _state(pins, prefix, data=data))
    return prefix


@contextlib.contextmanager
def locked(name: str, cache: Cache, *, reporter: Reporter) -> Iterator[None]:
    """Hold the lock under which a prefix is installed or removed; say so if another has it."""
    folder = cache.locks
    shared = cache.toolchains.resolve().with_name(folder.name)
    if cache.toolchains.is_symlink() and shared.is_dir():  # another cache's, and so is their lock
        folder = shared
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"toolchain-{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        reporter.say(f"waiting for another builder that installs {name}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def remove(name: str, *, cache: Cache, reporter: Reporter) -> tuple[Path, ...]:
    """Remove every prefix of ``host`` or a CUDA label, of today's pins and of earlier ones.

    Returns:
        What was removed.
    """
    gone = tuple(sorted(path for path in cache.toolchains.glob(f"{name}-*") if path.is_dir()))
    for prefix in gone:
        with locked(prefix.name, cache, reporter=reporter):
            clear(prefix)
    return gone


def current_names(*, data: Path = DATA) -> frozenset[str]:
    """The folder names of all prefixes of today's pins."""
    names = (HOST, *labels(data=data))
    return frozenset(prefix_name(load_pins(name, data=data), data=data) for name in names)


def clear(prefix: Path) -> None:
    """Remove a prefix, and what a builder that was killed left of it; its lock must be held.

    It is renamed first, so that half of one is never taken for a whole one.
    """
    for left in prefix.parent.glob(f".{prefix.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    if prefix.exists():
        doomed = prefix.with_name(f".{prefix.name}.gone.part")
        prefix.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _state(pins: Pins, prefix: Path, *, data: Path) -> str:
    state = {
        "schema_version": STATE_SCHEMA,
        "label": pins.label,
        "version": pins.version,
        "digest": pins_digest(pins, data=data),
        "prefix": str(prefix),
        "packages": [{"source": one.source, "sha256": one.sha256} for one in pins.package],
    }
    return json.dumps(state, indent=2, sort_keys=True) + "\n"


def _toolchain(label: str, cache: Cache, *, data: Path) -> Toolchain:
    return Toolchain(
        label=label,
        digest=toolchain_digest(label, data=data),
        host=prefix_path(HOST, cache, data=data),
        cuda=prefix_path(label, cache, data=data),
    )
