"""From a rendered project to a repaired wheel by cibuildwheel, in a container."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from builder.build.environment import CompileCache, remote_cache
from builder.build.secrets import Secrets
from builder.disk import disk_full, says_full
from builder.engine import CIBUILDWHEEL
from builder.engine.bring import CONFIG, mounts, write_files
from builder.engine.config import ContainerBuild
from builder.engine.container import (
    IMAGE,
    IMAGE_SETTING,
    Engine,
    find_engine,
    passed_on,
    require_cibuildwheel,
)
from builder.engine.inside import ERROR, STATS
from builder.errors import BuilderError, CheckError, CompileError, MachineError
from builder.plan.spec import BuildSpec
from builder.sandbox import Sandbox
from builder.toolchain.model import Toolchain
from builder.ui import Reporter

LABEL = "gpu-wheelhouse"
_IMAGE = re.compile(r"Starting container image (\S+?)\.\.\.")
_WHEELHOUSE = "wheelhouse: "


@dataclass(slots=True)
class Heard:
    """What is read from cibuildwheel's output while it runs."""

    image: str | None = None
    stats: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    refused: str | None = None
    steps: int = 0

    def line(self, text: str) -> tuple[int, int, str] | None:
        """Take in one line; ninja's counts, if it is one of ninja's."""
        found = _IMAGE.search(text)
        if found:
            self.image = found[1]
        elif text.startswith(STATS):
            self.stats = _json(text.removeprefix(STATS))
        elif text.startswith(ERROR):
            self.error = _json(text.removeprefix(ERROR))
        elif text.startswith(_WHEELHOUSE):
            self.refused = text.removeprefix(_WHEELHOUSE)
        step = progress.ninja_step(text)
        if step is not None:
            self.steps = step[1]
        return step

    def counts(self, name: str) -> dict[str, int]:
        """The compile cache's hits or misses, by language."""
        stats = (self.stats.get("sccache") or {}).get("stats") or {}
        return dict((stats.get(name) or {}).get("counts") or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of cibuildwheel.

    Attributes:
        build: What it is told.
        spec: What is built.
        project: The rendered project.
        work: This build's own folder.
        log_path: Gets everything it prints, without secrets.
        reporter: Shows ninja's counts.
    """

    build: ContainerBuild
    spec: BuildSpec
    project: Path
    work: Path
    log_path: Path
    reporter: Reporter


def compile_in_container(
    spec: BuildSpec,
    project: Path,
    toolchain: Toolchain,
    means: Means,
    *,
    environ: Mapping[str, str] = os.environ,
) -> CompiledWheel:
    """Build and repair the wheel of ``project``; arguments as `compile_wheel`'s.

    Raises:
        CompileError: with the failing command's last lines and the log's path.
        CheckError: the wheel cannot be repaired.
        MachineError: no container engine works here, or the image cannot run the toolchain.
    """
    version, engine = require_cibuildwheel(), find_engine(environ)
    kind, remote = remote_cache(environ) or ("local", None)
    if remote is not None:
        means.reporter.say(network_kept(kind))
    work = means.work
    build = ContainerBuild(
        label=f"{LABEL}={spec.key}",
        python=f"cp{sys.version_info.major}{sys.version_info.minor}",
        engine=engine.name,
        extra=engine.extra,
        image=environ.get(IMAGE_SETTING) or IMAGE,
        mounts=mounts(toolchain, means.cache, work, remote=remote),
        jobs=means.jobs,
        cache=CompileCache(
            size=environ.get(CACHE_SIZE_VARIABLE, DEFAULT_CACHE_SIZE), remote=remote
        ),
    )
    write_files(build, spec, toolchain, work, means.packages)
    job = Job(
        build=build, spec=spec, project=project, work=work, log_path=means.log_path,
        reporter=means.reporter,
    )  # fmt: skip
    heard, began = Heard(), time.monotonic()
    engine.remove(build.label)
    try:
        run(job, heard, environ)
    finally:
        engine.remove(build.label)
        if heard.image is not None and remote is None:
            engine.take_back(heard.image, means.cache.compile)
    facts = Facts(
        built=built_how(build, engine, heard, version, kind),
        hits=heard.counts("cache_hits"),
        misses=heard.counts("cache_misses"),
        steps=heard.steps,
        seconds=time.monotonic() - began,
        cpu_seconds=float(heard.stats.get("cpu_seconds", 0.0)),
        jobs=means.jobs,
    )
    return CompiledWheel(path=only_wheel(work / "out", means.log_path), facts=facts)


def built_how(
    build: ContainerBuild, engine: Engine, heard: Heard, version: str, cache: str
) -> dict[str, Any]:
    """What the wheel's record says of the compilation: no path and no host name."""
    return {
        "engine": CIBUILDWHEEL,
        "cibuildwheel": version,
        "image": None if heard.image is None else engine.digest(heard.image),
        "python": build.python,
        "fixed_path": True,
        "network": build.network,
        "compile_cache": cache,
    }


def run(job: Job, heard: Heard, environ: Mapping[str, str]) -> None:
    """Run cibuildwheel to its end; it ends with this process, however that does."""
    build, spec = job.build, job.spec
    words: list[str | Path] = [sys.executable, "-I", "-u", "-m", "cibuildwheel"]
    words += ["--platform", "linux", "--config-file", job.work / CONFIG]
    words += ["--output-dir", job.work / "out", "."]
    env = {**passed_on(environ), **(build.cache.remote or {})}
    secrets = Secrets(env)
    launcher = Sandbox(mounts=(), network=True)
    label = f"compile {spec.recipe} for {spec.cuda} in {build.engine}"
    with job.reporter.task(label, unit="steps") as task, secrets.open(job.log_path) as log:
        log.write(f"# {spec.recipe} {spec.public_version}, key {spec.key}, in {build.image}\n")

        def on_line(line: str) -> None:
            step = heard.line(line)
            if step is not None:
                task.update(step[0], step[1], step[2])

        command = launcher.command(words, env=env, cwd=job.project, scratch=job.work)
        try:
            done = process.run(command, log=log, on_line=on_line, check=False)
        finally:
            (job.work / "launch.json").unlink(missing_ok=True)  # it holds the environment
    if done.status != 0:
        raise failure(spec, heard, secrets.hide(done.output), job.log_path)


def failure(spec: BuildSpec, heard: Heard, output: str, log_path: Path) -> BuilderError:
    """The error that a failed run of cibuildwheel amounts to."""
    where = f"the whole log is {log_path}"
    if heard.error is not None:
        return CheckError(heard.error["message"], remedy=heard.error.get("remedy") or where)
    if heard.refused is not None:
        return MachineError(
            heard.refused, remedy=f"name another image in ${IMAGE_SETTING}; {where}"
        )
    full = says_full(output)
    if full is not None:
        return disk_full(full)
    if not heard.steps and "-- " not in output:  # neither ninja nor CMake has said anything
        return MachineError(
            f"cibuildwheel could not start the build:\n{progress.failure(output)}", remedy=where
        )
    return CompileError(
        f"{spec.recipe} for {spec.cuda} ({spec.profile}) did not compile in the container:\n"
        f"{progress.failure(output)}",
        remedy=where,
    )


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
