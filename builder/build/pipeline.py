"""One build key from its spec to a finished wheel in the store and in ``dist/``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from builder.build.timings import Timings
from builder.disk import FULL, delete_folder, disk_full
from builder.errors import BuilderError
from builder.paths import Cache
from builder.plan.spec import BuildSpec
from builder.sandbox.capability import Capability
from builder.store import Store, StoredWheel
from builder.ui import Reporter
from index.files import copy_file
from index.records import Record, record_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One wheel to build.

    Attributes:
        spec: Everything that can change its bytes.
        recipe: The recipe's folder.
        max_size: The recipe's limit in bytes, or None.
    """

    spec: BuildSpec
    recipe: Path
    max_size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every build of one command shares.

    Attributes:
        cache: Downloads, toolchains, compile cache, work folders, locks.
        dist: Where finished wheels are laid out.
        capability: How far a build can be shut in.
        reporter: Says what is done.
        timings: Gets every stage's time.
        jobs: Compilations at once, or None for what cores and memory allow.
        keep_work: Leave the work folder of a failed build for its author to look at.
    """

    cache: Cache
    dist: Path
    capability: Capability
    reporter: Reporter
    timings: Timings = field(default_factory=Timings)
    jobs: int | None = None
    keep_work: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A wheel in ``dist/``, with its record beside it.

    Attributes:
        order: What was asked for.
        wheel: The wheel in ``dist/``.
        sha256: Of the wheel.
        size: Bytes.
        fresh: Whether it was compiled just now rather than found in the store.
        facts: What its compilation was like (hits, steps, seconds …); empty if it was not.
        companions: The empty wheels it requires, in ``dist/`` too.
    """

    order: Order
    wheel: Path
    sha256: str
    size: int
    fresh: bool
    facts: dict[str, Any]
    companions: tuple[Path, ...] = ()


def build(order: Order, shop: Workshop) -> Finished:
    """The wheel of ``order``, from the store if it is there, else built.

    Raises:
        BuilderError: a stage failed; its own kind says which.
        MachineError: the disk is full.
    """
    try:
        stored, facts = obtain(order, shop)
        return lay_out(order, stored, shop, facts)
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(str(error)) from error
        raise


def obtain(order: Order, shop: Workshop) -> tuple[StoredWheel, dict[str, Any] | None]:
    """The stored wheel, and what its compilation was like if it was compiled just now."""
    store = Store(shop.cache.store, reporter=shop.reporter)
    key = order.spec.key
    found = store.get(key, hashed=True)
    if found is not None:
        return found, None
    with locked(shop, f"build-{key}", f"{order.spec.recipe} ({key[:8]})"):
        found = store.get(key, hashed=True)  # another builder may have finished it meanwhile
        if found is not None:
            return found, None
        name = work_name(order.spec, shop.capability)
        with locked(shop, name, "in the same folder"), work_folder(shop, name) as work:
            return make(order, shop, store, work)


def make(
    order: Order, shop: Workshop, store: Store, work: Path
) -> tuple[StoredWheel, dict[str, Any]]:
    """Fetch, install, render, compile, repair, check, record, store."""
    from builder.engine.stages import stages_of

    stages = stages_of(order, shop, work)
    with shop.timings.stage("toolchain", of=order.spec.key):
        toolchain = stages.toolchain()
    with shop.timings.stage("fetch", of=order.spec.key):
        sources, packages = stages.fetch()
    with shop.timings.stage("render", of=order.spec.key):
        project = stages.render(sources)
    with shop.timings.stage("compile", of=order.spec.key):
        compiled = stages.compile(project, toolchain, packages)
    with shop.timings.stage("repair", of=order.spec.key):
        wheel = stages.repair(compiled, toolchain)
    with shop.timings.stage("check", of=order.spec.key):
        stages.check(wheel, toolchain)
    with shop.timings.stage("store", of=order.spec.key):
        record = stages.record(wheel, compiled)
        companions = stages.companions()
        stored = store.put(order.spec.key, wheel, record, companions=companions)
    return stored, stages.facts(compiled)


def lay_out(
    order: Order, stored: StoredWheel, shop: Workshop, facts: dict[str, Any] | None
) -> Finished:
    """Put stored wheels and their records into ``dist/``, where they are not there already."""
    record = stored.record
    # Companions first: whoever finds the wheel finds what it requires.
    companions = tuple(place(one.wheel, one.record, shop.dist) for one in stored.companions)
    wheel = place(stored.wheel, record, shop.dist)
    for report in stored.reports():
        if not (shop.dist / report.name).exists():
            copy_file(report, shop.dist / report.name)
            times = report.stat()  # its age says whether the tests have changed since
            os.utime(shop.dist / report.name, ns=(times.st_atime_ns, times.st_mtime_ns))
    return Finished(
        order=order,
        wheel=wheel,
        sha256=record.sha256,
        size=record.size,
        fresh=facts is not None,
        facts=facts or {},
        companions=companions,
    )


def place(stored: Path, record: Record, dist: Path) -> Path:
    """Put one stored wheel and its record into ``dist``; nothing is written that is there."""
    wheel = dist / stored.name
    if not same(wheel, record.sha256, record.size):
        for stale in dist.glob(f"{wheel.name}.verify.*.json"):
            stale.unlink(missing_ok=True)  # about the wheel that was here before
        copy_file(stored, wheel)
    beside = record_path(wheel)
    data = record_path(stored).read_bytes()
    if not beside.is_file() or beside.read_bytes() != data:
        copy_file(record_path(stored), beside)
    return wheel


def same(path: Path, sha256: str, size: int) -> bool:
    """Whether the file at ``path`` has these bytes."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def work_name(spec: BuildSpec, capability: Capability) -> str:
    """The name of a build's work folder.

    Where compilers see the real path, it must be the same for every key, or nothing would ever be
    found in the compile cache again after the least change.
    """
    return f"work-{spec.key}" if capability.fixed_path else f"work-{spec.recipe}-{spec.cuda}"


@contextmanager
def locked(shop: Workshop, name: str, label: str) -> Iterator[None]:
    """Hold the lock of one build key or work folder; says so when another builder has it."""
    shop.cache.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(shop.cache.locks / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        shop.reporter.say(f"another builder is building {label}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def work_folder(shop: Workshop, name: str) -> Iterator[Path]:
    """An empty folder for one build; what a dead builder left there goes first."""
    work = shop.cache.work / name
    delete_folder(work)
    work.mkdir(parents=True)
    try:
        yield work
    except BuilderError:
        if shop.keep_work:
            shop.reporter.say(f"the work folder is kept: {work}")
        else:
            delete_folder(work)
        raise
    except BaseException:
        delete_folder(work)
        raise
    delete_folder(work)
