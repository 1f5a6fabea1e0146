"""From a rendered project to a raw wheel: ``python -m build`` in the sandbox."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from builder import process
from builder.build import progress
from builder.build.compiling import (
    CACHE_SIZE_VARIABLE,
    DEFAULT_CACHE_SIZE,
    CompiledWheel,
    Facts,
    Means,
    network_kept,
    only_wheel,
)
from builder.build.cpu import children_cpu
from builder.build.environment import (
    CompileCache,
    Places,
    build_environment,
    remote_cache,
)
from builder.build.python_env import make_environment
from builder.build.python_headers import put_headers
from builder.build.secrets import Secrets
from builder.build.toolchain_file import toolchain_file
from builder.build.tools import link_tools
from builder.disk import disk_full, says_full
from builder.errors import CompileError, MachineError
from builder.paths import Cache
from builder.plan.spec import BuildSpec
from builder.sandbox import Capability, Mount, Sandbox
from builder.sandbox.capability import REFUSED
from builder.sandbox.launch import NAMESPACE_FAILED
from builder.toolchain.model import Toolchain
from builder.ui import Reporter
from index.files import copy_file, write_text

DRIVE = Path(__file__).with_name("drive.py")
NO_SERVER = 124
WRITABLE = ("project", "build", "home", "tmp", "out", "compile")
READ_ONLY = ("host", "cuda", "env")


def compile_wheel(
    spec: BuildSpec,
    project: Path,
    toolchain: Toolchain,
    means: Means,
    *,
    capability: Capability,
    environ: Mapping[str, str] = os.environ,
) -> CompiledWheel:
    """Build the raw wheel of ``project``, not yet repaired.

    Args:
        spec: What is built.
        project: The rendered project.
        toolchain: Compilers and CUDA.
        means: What to compile with; ``work`` gets ``build``, ``env``, ``home``, ``tmp``, ``out``.
        capability: How far the build can be shut in.
        environ: The caller's environment; only settings of a remote compile cache are taken.

    Raises:
        CompileError: with the failing command's last lines and the log's path.
        MachineError: the sandbox or the compile cache did not start.
    """
    work, log_path = means.work, means.log_path
    remote = remote_cache(environ)
    sandbox = make_sandbox(project, toolchain, means.cache, work, capability, network=bool(remote))
    size = environ.get(CACHE_SIZE_VARIABLE, DEFAULT_CACHE_SIZE)
    settings = CompileCache(size=size, remote=remote[1] if remote else None)
    secrets = Secrets(settings.remote)
    if remote is not None:
        means.reporter.say(network_kept(remote[0]))
    make_environment(work / "env", means.packages)
    counter = Counter()
    began, cpu = time.monotonic(), children_cpu()
    try:
        command = prepare(spec, sandbox, work, settings, means.jobs)
        with secrets.open(log_path) as log:
            head(log, spec, sandbox, means.jobs)
            told = Told(spec=spec, log_path=log_path, reporter=means.reporter, secrets=secrets)
            run_build(command, log, work, counter, told)
    finally:
        (work / "launch.json").unlink(missing_ok=True)  # it may hold a remote cache's credentials
        keep_steps(work / "build", log_path)
    hits, misses = statistics(work / "home" / "stats.json")
    facts = Facts(
        built=built_how(sandbox, remote),
        hits=hits,
        misses=misses,
        steps=counter.total,
        seconds=time.monotonic() - began,
        cpu_seconds=children_cpu() - cpu,
        jobs=means.jobs,
    )
    return CompiledWheel(path=only_wheel(work / "out", log_path), facts=facts)


def keep_steps(build: Path, log_path: Path) -> None:
    """Leave what ninja noted of its steps beside the log: how long each took."""
    steps = build / ".ninja_log"
    if steps.is_file():
        copy_file(steps, log_path.with_suffix(".ninja_log"))


def built_how(sandbox: Sandbox, remote: tuple[str, Mapping[str, str]] | None) -> dict[str, Any]:
    """What the wheel's record says of the compilation: no path and no host name."""
    how = {
        "engine": "hermetic",
        "fixed_path": sandbox.capability.fixed_path,
        "network": sandbox.has_network,
        "compile_cache": remote[0] if remote else "local",
    }
    if not sandbox.capability.fixed_path:
        how["reproducible"] = (
            f"not reproducible here, because {sandbox.capability.refused or REFUSED}: "
            "the folder it was compiled in is in its bytes"
        )
    return how


def prepare(
    spec: BuildSpec, sandbox: Sandbox, work: Path, settings: CompileCache, jobs: int
) -> list[str]:
    """Write the files the build is steered by, and return the command that runs it."""
    places = Places(**{mount.name: sandbox.path(mount.name) for mount in sandbox.mounts})
    link_tools(work / "home" / places.tools.name)
    write_text(work / "home" / places.toolchain_file.name, toolchain_file(places))
    socket_name = f"gpu-wheelhouse-{spec.key[:8]}-{secrets.token_hex(8)}"
    plan = session_plan(places, socket_name=socket_name)
    write_text(work / "home" / "session.json", json.dumps(plan, indent=1))
    if spec.python is not None:
        put_headers(spec.python, spec.python_headers, work / "home" / places.python_headers.name)
    env = build_environment(
        places,
        jobs=jobs,
        cache=settings,
        socket_name=socket_name,
        one_python=spec.python is not None,
    )
    python = places.env / "bin" / "python"
    argv: list[str | Path] = [python, "-I", DRIVE, places.home / "session.json"]
    return sandbox.command(argv, env=env, cwd=places.project, scratch=work)


def make_sandbox(
    project: Path,
    toolchain: Toolchain,
    cache: Cache,
    work: Path,
    capability: Capability,
    *,
    network: bool,
) -> Sandbox:
    """The folders of one build; those that are the build's own are made here."""
    folders = {
        "host": toolchain.host,
        "cuda": toolchain.cuda,
        "project": project,
        "compile": cache.compile,
        **{name: work / name for name in ("env", "build", "home", "tmp", "out")},
    }
    for name in (*WRITABLE, "env"):
        folders[name].mkdir(parents=True, exist_ok=True)
    mounts = tuple(
        Mount(name=name, source=folders[name], writable=name in WRITABLE)
        for name in (*READ_ONLY, *WRITABLE)
    )
    return Sandbox(mounts=mounts, capability=capability, network=network)


def session_plan(places: Places, *, socket_name: str) -> dict[str, Any]:
    """What ``drive.py`` is told."""
    build = [places.env / "bin" / "python", "-I", "-u", "-m", "build", "--wheel", "--no-isolation"]
    build += ["--outdir", places.out, f"--config-setting=build-dir={places.build}", "."]
    return {
        "build": [str(part) for part in build],
        "cwd": str(places.project),
        "sccache": str(places.host / "bin" / "sccache"),
        "socket": socket_name,
        "stats": str(places.home / "stats.json"),
    }


class Counter:
    """How far ninja is."""

    def __init__(self) -> None:
        self.total = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is said of a build, and what must not be.

    Attributes:
        spec: What is built.
        log_path: Where everything it prints goes.
        reporter: Shows how far it is.
        secrets: Credentials of a remote compile cache.
    """

    spec: BuildSpec
    log_path: Path
    reporter: Reporter
    secrets: Secrets


def run_build(
    command: Sequence[str], log: IO[str], work: Path, counter: Counter, told: Told
) -> None:
    """Run the build to its end; a failure becomes an error that says what failed."""
    spec, log_path = told.spec, told.log_path
    with told.reporter.task(f"compile {spec.recipe} for {spec.cuda}", unit="steps") as task:

        def on_line(line: str) -> None:
            step = progress.ninja_step(line)
            if step is not None:
                counter.total = step[1]
                task.update(step[0], step[1], step[2])

        done = process.run(command, log=log, on_line=on_line, check=False)
    if done.status == 0:
        return
    output = told.secrets.hide(done.output)
    status = work / "launch.status"
    if done.status == NAMESPACE_FAILED and status.exists():
        raise MachineError(
            f"the build's sandbox could not be made: {status.read_text(encoding='utf-8')}",
            remedy="run with --sandbox off (the wheel's bytes then depend on the folder)",
        )
    if done.status == NO_SERVER:
        raise MachineError(
            f"the compile cache's server did not start:\n{progress.failure(output)}",
            remedy=f"check the SCCACHE_… variables that are set; the log is {log_path}",
        )
    full = says_full(output)
    if full is not None:
        raise disk_full(full)
    raise CompileError(
        f"{spec.recipe} for {spec.cuda} ({spec.profile}) did not compile:\n"
        f"{progress.failure(output)}",
        remedy=f"the whole log is {log_path}",
    )


def head(log: IO[str], spec: BuildSpec, sandbox: Sandbox, jobs: int) -> None:
    """The first lines of a log: what is built and how."""
    where = "fixed path" if sandbox.capability.fixed_path else "real path"
    network = "with network" if sandbox.has_network else "no network"
    log.write(
        f"# {spec.recipe} {spec.public_version}, profile {spec.profile}, key {spec.key}\n"
        f"# {where}, {network}, {jobs} jobs, Python {sys.version.split()[0]}\n"
    )


def statistics(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Hits and misses by language, from the compile cache's own statistics."""
    try:
        stats = json.loads(path.read_text(encoding="utf-8"))["stats"]
        hits, misses = (dict(stats[name]["counts"]) for name in ("cache_hits", "cache_misses"))
    except (OSError, ValueError, LookupError, TypeError):
        return {}, {}
    return hits, misses
