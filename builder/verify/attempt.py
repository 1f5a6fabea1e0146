"""One verification under way: a wheel in a clean environment of one Python, check by check."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from builder.errors import FetchError
from builder.process import CommandFailedError
from builder.ui import Task
from builder.verify.environment import (
    Environment,
    dependencies,
    hide,
    index_of,
    install_with_pip,
    make_environment,
    out_of_reach,
)
from builder.verify.files import collisions, disturbed, snapshot
from builder.verify.gpu import NONE, Gpu, find_gpu
from builder.verify.means import Means, Trial
from builder.verify.pythons import Interpreter
from builder.verify.report import Check
from builder.verify.tests import run_tests
from index.records import Record

TAIL_LINES = 20
# The time-out holds in C code too, and the traceback says where it hung.
_IMPORT = """
import faulthandler, importlib, sys
faulthandler.enable()
faulthandler.dump_traceback_later(120, exit=True)
module = importlib.import_module(sys.argv[1])
origin = getattr(getattr(module, "__spec__", None), "origin", None)
if origin and not origin.startswith(sys.prefix):
    sys.exit("it was imported from " + origin + ", not from the environment")
print("IMPORTED")
"""
_IMPORTED = "IMPORTED"
"""The last word of a good import: a native library may end the process with status 0."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One verification under way.

    Attributes:
        record: Of the wheel.
        wheels: Everything the index has, this wheel among it.
        trial: What to try.
        interpreter: The Python.
        means: What to work with.
        folder: Where the environment is made.
        log: Where every command and its output go.
        task: Shows which check is under way.
        done: The checks that ended, as whoever takes them puts them here.
        started: How many were started.
        trying: The one that was started last.
        pip: The version of the pip that installed the wheel, when it has.
        gpu: The GPU that was found, when it was looked for.
    """

    record: Record
    wheels: Mapping[Path, Record]
    trial: Trial
    interpreter: Interpreter
    means: Means
    folder: Path
    log: IO[str]
    task: Task
    done: list[Check] = field(default_factory=list)
    started: int = 0
    trying: str = ""
    pip: str | None = None
    gpu: Gpu = NONE

    def checks(self) -> Iterator[Check]:
        """Each check as it ends."""
        started = self._start("dependencies")
        try:
            environment = self._make()
        except CommandFailedError as error:
            if out_of_reach(error.output):
                raise self._unreachable(error) from error
            reason = hide(_last_line(error.output), self.folder, self.interpreter)
            yield Check(
                name="dependencies", outcome="failed", reason=reason, detail=_tail(error.output)
            )
            yield from self._skipped("its dependencies could not be installed")
            return
        yield Check(name="dependencies", outcome="passed", seconds=time.monotonic() - started)
        self.gpu = find_gpu(environment.python, env=environment.variables)
        before = snapshot(environment.site_packages)
        installed = tuple(self._install(environment))
        yield from installed
        if any(check.outcome == "failed" for check in installed):
            yield from self._skipped("the wheel is not installed")
            return
        yield self._untouched(environment, disturbed(before, snapshot(environment.site_packages)))
        yield self._program(environment, "pip check", "-m", "pip", "check")
        if not self.trial.imports:
            yield Check(name="imports", outcome="not run", reason="no recipe names a module")
        for module in self.trial.imports:
            arguments = ("-c", _IMPORT, module)
            yield self._program(environment, f"import {module}", *arguments, says=_IMPORTED)
        yield from self._tests(environment)

    def _make(self) -> Environment:
        names = {record.name for record in self.wheels.values()}
        return make_environment(
            self.folder,
            interpreter=self.interpreter,
            uv=self.means.uv,
            uv_cache=self.means.cache.environments / "uv",
            pip=self.means.pip_settings(),
            requirements=(
                f"pip=={self.means.pip_version}",
                *dependencies(self.record, self.interpreter, leave_out=tuple(names)),
                *self.trial.requires,
            ),
            log=self.log,
            env=self.means.env,
            tick=self._still,
        )

    def _unreachable(self, error: CommandFailedError) -> FetchError:
        """The network's failure, which says nothing about the wheel and goes into no report."""
        return FetchError(
            f"{self.record.filename} could not be tried under Python {self.interpreter.python}: "
            f"its dependencies could not be fetched\n{_tail(error.output)}",
            remedy="check the network and pip's index (PIP_INDEX_URL), and run the same command "
            f"again: the wheel is finished and only this is left to do; the log is {self.log.name}",
        )

    def _install(self, environment: Environment) -> Iterator[Check]:
        started = self._start("install")
        with index_of(self.wheels) as server:
            done, ours = install_with_pip(
                environment, self.record, server=server, pip=self.means.pip_settings()
            )
            url = server.url
        seconds = time.monotonic() - started
        if done.status != 0:
            reason = environment.hide(_last_line(done.output).replace(url, "<index>"))
            yield Check(
                name="install", outcome="failed", reason=reason, detail=_tail(done.output),
                seconds=seconds,
            )  # fmt: skip
            return
        yield Check(name="install", outcome="passed", seconds=seconds)
        name = "installed wheel is this one"
        if ours is None:
            yield Check(name=name, outcome="failed", reason="pip reports no such package")
        elif ours.sha256 != self.record.sha256 or not ours.url.startswith(f"{url}/"):
            reason = f"pip took another file, with sha256 {ours.sha256 or 'unknown'}"
            yield Check(name=name, outcome="failed", reason=reason, detail=ours.url)
        else:
            self.pip = ours.pip
            yield Check(name=name, outcome="passed")

    def _untouched(self, environment: Environment, changes: Sequence[str]) -> Check:
        problems = (*changes, *collisions(environment.site_packages))
        name = "other packages' files unchanged"
        if not problems:
            return Check(name=name, outcome="passed")
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        detail = "\n".join(problems[:TAIL_LINES])
        return Check(name=name, outcome="failed", reason=problems[0] + more, detail=detail)

    def _program(
        self, environment: Environment, name: str, *arguments: str, says: str = ""
    ) -> Check:
        started = self._start(name)
        done = environment.run(*arguments)
        seconds = time.monotonic() - started
        if done.status == 0 and says in done.output:
            return Check(name=name, outcome="passed", seconds=seconds)
        last = environment.hide(_last_line(done.output))
        early = "it ended the process with status 0" if done.status == 0 else ""
        reason = ": ".join(part for part in (early, last) if part) or f"status {done.status}"
        return Check(
            name=name, outcome="failed", reason=reason, detail=_tail(done.output), seconds=seconds
        )

    def _tests(self, environment: Environment) -> tuple[Check, ...]:
        self._start("tests")
        checks = run_tests(
            environment, self.trial.tests, timeout=self.trial.timeout, no_gpu=self.gpu.reason
        )
        return tuple(
            check.model_copy(update={"reason": environment.hide(check.reason)})
            if check.reason
            else check
            for check in checks
        )

    def _start(self, name: str) -> float:
        """Show what is being tried now, and look at the clock."""
        self.started, self.trying = self.started + 1, name
        self._still()
        return time.monotonic()

    def _still(self) -> None:
        """Show that what was started last is under way: a recipe's tests may take minutes."""
        self.task.update(self.started, detail=self.trying)

    def _skipped(self, reason: str) -> Iterator[Check]:
        already = {check.name for check in self.done}
        names = ("install", "other packages' files unchanged", "pip check")
        imports = (f"import {module}" for module in self.trial.imports)
        for name in (*names, *imports, "tests"):
            if name not in already:
                yield Check(name=name, outcome="not run", reason=reason)


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-TAIL_LINES:])


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
