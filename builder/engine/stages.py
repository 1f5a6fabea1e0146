"""Which stages a build has: the engine's own compilation and repair, everything else the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build import stages
from builder.engine import CIBUILDWHEEL

if TYPE_CHECKING:
    from builder.build.compiling import CompiledWheel
    from builder.build.pipeline import Order, Workshop
    from builder.toolchain.model import Toolchain


def stages_of(order: Order, shop: Workshop, work: Path) -> stages.Stages:
    """The stages of one build, by its spec's engine."""
    kind = ContainerStages if order.spec.engine == CIBUILDWHEEL else stages.Stages
    return kind(order=order, shop=shop, work=work)


class ContainerStages(stages.Stages):
    """A build in a container: cibuildwheel compiles, and calls our repair there."""

    __slots__ = ()

    def compile(self, project: Path, tools: Toolchain, packages: Sequence[Path]) -> CompiledWheel:
        """Make the wheel, repaired already."""
        from builder.engine.run import compile_in_container

        return compile_in_container(self.order.spec, project, tools, self.means(packages))

    def repair(self, compiled: CompiledWheel, tools: Toolchain) -> Path:
        """It was repaired in the container."""
        return compiled.path
