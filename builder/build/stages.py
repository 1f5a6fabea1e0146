"""The stages of one build, each a thin call of the part that does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from builder import fetch, toolchain, wheel
from builder.build.compile import compile_wheel
from builder.build.compiling import CompiledWheel, Means
from builder.build.jobs import jobs_for, this_machine
from builder.build.natives import NATIVE_LIBRARIES
from builder.build.python_env import build_env_artifacts, require_pinned_tools
from builder.build.render import render
from builder.disk import deleting
from builder.toolchain.model import Toolchain
from index.records import Record

if TYPE_CHECKING:
    from builder.build.pipeline import Order, Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """One build's stages, in order; see `builder.build.pipeline.make`."""

    order: Order
    shop: Workshop
    work: Path

    @property
    def log_path(self) -> Path:
        """This build's log file."""
        spec = self.order.spec
        return self.shop.cache.logs / f"{spec.recipe}-{spec.cuda}-{spec.key[:8]}.log"

    def toolchain(self) -> Toolchain:
        """Install the toolchain, or find it installed."""
        return toolchain.install(
            self.order.spec.cuda, cache=self.shop.cache, reporter=self.shop.reporter
        )

    def fetch(self) -> tuple[dict[str, Path], tuple[Path, ...]]:
        """The sources by name, and the build environment's wheels."""
        require_pinned_tools()  # now, not after an hour of compiling
        sources = self.order.spec.archives
        packages = build_env_artifacts()
        paths = fetch.fetch_all(
            [*(source.artifact() for source in sources.values()), *packages],
            cache=self.shop.cache,
            reporter=self.shop.reporter,
        )
        archives = {name: paths[source.artifact()] for name, source in sources.items()}
        return archives, tuple(paths[package] for package in packages)

    def render(self, sources: Mapping[str, Path]) -> Path:
        """Write the project folder."""
        return render(
            self.order.spec,
            self.order.recipe,
            self.work / "project",
            sources=sources,
            reporter=self.shop.reporter,
        )

    def means(self, packages: Sequence[Path]) -> Means:
        """What any engine compiles with."""
        return Means(
            cache=self.shop.cache,
            work=self.work,
            log_path=self.log_path,
            packages=packages,
            jobs=self.shop.jobs or jobs_for(this_machine()),
            reporter=self.shop.reporter,
        )

    def compile(self, project: Path, tools: Toolchain, packages: Sequence[Path]) -> CompiledWheel:
        """Make the raw wheel."""
        return compile_wheel(
            self.order.spec,
            project,
            tools,
            self.means(packages),
            capability=self.shop.capability,
        )

    def repair(self, compiled: CompiledWheel, tools: Toolchain) -> Path:
        """Make it portable."""
        into = self.work / "repaired"
        into.mkdir()
        with (
            deleting(() if self.shop.keep_work else self._done_with()),
            self.log_path.open("a", encoding="utf-8") as log,
        ):
            return wheel.repair(
                compiled.path,
                spec=self.order.spec,
                toolchain=tools,
                into=into,
                log=log,
                natives=self.work / "build" / NATIVE_LIBRARIES,
            )

    def _done_with(self) -> tuple[Path, ...]:
        """What nobody needs once it is compiled: thousands of files, but not the natives."""
        native = PurePath(NATIVE_LIBRARIES).parts[0]
        built = tuple((self.work / "build").iterdir())
        return (self.work / "project", *(path for path in built if path.name != native))

    def check(self, repaired: Path, tools: Toolchain) -> None:
        """Stop if it breaks a promise."""
        needles = wheel.machine_needles(
            self.shop.cache.root, self.work, tools.host, tools.cuda, self.order.recipe
        )
        inspection = wheel.inspect_wheel(repaired, needles=needles)
        violations = wheel.check(
            inspection, self.order.spec, needles=needles, max_size=self.order.max_size
        )
        wheel.require(violations, label=repaired.name)

    def record(self, repaired: Path, compiled: CompiledWheel) -> Record:
        """What goes beside it."""
        return wheel.make_record(repaired, self.order.spec, built=dict(compiled.facts.built))

    def companions(self) -> tuple[tuple[Path, Record], ...]:
        """Its companions, written now, and what goes beside each."""
        return wheel.write_companions(self.order.spec, self.work / "companions")

    def facts(self, compiled: CompiledWheel) -> dict[str, Any]:
        """What its compilation was like, for timings and benchmarks."""
        facts = compiled.facts
        return {
            "hits": dict(facts.hits),
            "misses": dict(facts.misses),
            "steps": facts.steps,
            "seconds": round(facts.seconds, 3),
            "cpu_seconds": round(facts.cpu_seconds, 3),
            "jobs": facts.jobs,
            "log": str(self.log_path),
        }
