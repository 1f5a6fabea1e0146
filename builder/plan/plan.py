"""The plan: every wheel that is asked for, its key, whether it exists, and what it costs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.engine import HERMETIC
from builder.errors import PlanError
from builder.plan.cost import Cost, cost_of
from builder.plan.facts import Facts, PublishedWheel, RecipeFacts, ToolchainFacts
from builder.plan.headers import UNKNOWN, as_published, no_headers, why_published
from builder.plan.resolve import assemble, possible
from builder.plan.spec import BuildSpec
from builder.recipe.fields import EACH
from builder.recipe.schema import REQUIRED_PROFILE, Recipe
from builder.targets import Architectures, Cuda, Target, Targets, python_tag


class State(StrEnum):
    """What is to be done about a wheel."""

    STORED = "in store"
    PUBLISHED = "published"
    BUILD = "to build"
    IMPOSSIBLE = "impossible"
    NOT_HERE = "not built here"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One wheel: a recipe for a CUDA in a profile.

    Attributes:
        recipe: The recipe.
        folder: Its folder.
        cuda: CUDA label.
        profile: Name of the profile.
        targets: The targets that share this wheel.
        spec: The build spec; None where there is none (impossible, or no toolchain known).
        state: What is to be done.
        why: The reason, where the state needs one.
        published: Whether the published index has this very build.
    """

    recipe: Recipe
    folder: Path
    cuda: str
    profile: str
    targets: tuple[Target, ...]
    spec: BuildSpec | None
    state: State
    why: str | None = None
    published: bool = False

    @property
    def key(self) -> str | None:
        """The build key."""
        return None if self.spec is None else self.spec.key

    @property
    def wheel(self) -> str:
        """Name and version, ``opencv-cuda 4.14.0.94+cu118``."""
        return f"{self.recipe.name} {self.recipe.version}+{self.cuda}"

    @property
    def label(self) -> str:
        """The same, and the Python where each has a wheel of its own: ``… for py313``."""
        if self.recipe.wheel.py_api != EACH:
            return self.wheel
        return f"{self.wheel} for {' '.join(python_tag(one.python) for one in self.targets)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every row, in the order of recipes and targets, and what the builds among them cost.

    Attributes:
        rows: One for each wheel.
        cost: What the builds cost.
        untried: Published wheels by a Python that the index does not advertise: it may once they
            were tried under it.
    """

    rows: tuple[Row, ...]
    cost: Cost
    untried: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, *states: State) -> tuple[Row, ...]:
        """The rows in any of these states."""
        return tuple(row for row in self.rows if row.state in states)

    def must_be_possible(self) -> None:
        """Refuse a plan that cannot be carried out as a whole.

        Raises:
            PlanError: a wheel is impossible, refused or cannot be built here; all are named.
        """
        bad = self.of(State.IMPOSSIBLE, State.REFUSED, State.NOT_HERE)
        if bad:
            raise PlanError("\n".join(f"{row.label}: {row.state}: {row.why}" for row in bad))


def make_plan(
    recipes: Sequence[RecipeFacts],
    wanted: Sequence[Target],
    *,
    targets: Targets,
    profile: str,
    architectures: Architectures | None,
    facts: Facts,
) -> Plan:
    """The plan for some recipes and targets; reads nothing, changes nothing.

    Args:
        recipes: What to build.
        wanted: For which targets.
        targets: The table they come from.
        profile: Name of the profile.
        architectures: Instead of what the profile says.
        facts: What exists already, and what toolchains are known.
    """
    rows: list[Row] = []
    for one in recipes:
        for label in dict.fromkeys(target.cuda for target in wanted):
            mine = [target for target in wanted if target.cuda == label]
            rows += _rows(
                one,
                mine,
                targets=targets,
                profile=profile,
                architectures=architectures,
                facts=facts,
            )
    building = [row for row in rows if row.state is State.BUILD]
    return Plan(rows=tuple(rows), cost=_cost(building, facts))


def _rows(
    one: RecipeFacts,
    wanted: Sequence[Target],
    *,
    targets: Targets,
    profile: str,
    architectures: Architectures | None,
    facts: Facts,
) -> Iterable[Row]:
    """The wheels for one CUDA, and apart from them the targets whose Python they are not for."""
    recipe, cuda = one.recipe, targets.cuda(wanted[0].cuda)

    def row(whose: tuple[Target, ...], verdict: _Verdict) -> Row:
        return Row(
            recipe=recipe,
            folder=one.folder,
            cuda=cuda.label,
            profile=profile,
            targets=whose,
            spec=verdict.spec,
            state=verdict.state,
            why=verdict.why,
            published=verdict.published,
        )

    allowed = SpecifierSet(recipe.wheel.requires_python)
    served = tuple(target for target in wanted if allowed.contains(target.python))
    each = recipe.wheel.py_api == EACH
    shares = [(target,) for target in served] if each else [served] if served else []
    for share in shares:
        verdict = _verdict(
            one,
            cuda,
            host_gcc=targets.host_gcc,
            profile=profile,
            architectures=architectures,
            facts=facts,
            python=share[0].python if each else None,
        )
        yield row(share, verdict)
    left = tuple(target for target in wanted if target not in served)
    if left:
        why = f"{recipe.name} is for Python {recipe.wheel.requires_python}"
        yield row(left, _Verdict(state=State.IMPOSSIBLE, why=why))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What is to be done about one wheel; fields as in `Row`."""

    state: State
    spec: BuildSpec | None = None
    why: str | None = None
    published: bool = False


def _verdict(
    one: RecipeFacts,
    cuda: Cuda,
    *,
    host_gcc: int,
    profile: str,
    architectures: Architectures | None,
    facts: Facts,
    python: str | None,
) -> _Verdict:
    """Whether the wheel can be built, and whether it has to be."""
    headers = "" if python is None else facts.headers.get(python, UNKNOWN)
    if python is not None and facts.engine != HERMETIC:
        why = f"{facts.engine} builds no wheel for one Python alone: leave out --engine"
        return _Verdict(state=State.NOT_HERE, why=why)
    toolchain = facts.toolchains.get(cuda.label) or ToolchainFacts(label=cuda.label, digest=None)
    try:
        if toolchain.digest is None:
            possible(
                one.recipe,
                cuda=cuda,
                profile=profile,
                architectures=architectures,
                host_gcc=host_gcc,
            )
            why = toolchain.unavailable or f"no toolchain for {cuda.label}"
            return _Verdict(state=State.NOT_HERE, why=why)
        spec = assemble(
            one.recipe,
            files=one.files,
            cuda=cuda,
            profile=profile,
            toolchain_digest=toolchain.digest,
            build_env=facts.build_env,
            architectures=architectures,
            host_gcc=host_gcc,
            python=python,
            headers=headers,
        )
    except PlanError as error:
        return _Verdict(state=State.IMPOSSIBLE, why=error.message)
    return _judge(spec.model_copy(update={"engine": facts.engine}), toolchain, facts)


def _judge(spec: BuildSpec, toolchain: ToolchainFacts, facts: Facts) -> _Verdict:
    """What is to be done about a wheel that is possible."""
    taken = [one for one in facts.published or () if _has_name_of(one, spec)]
    published = any(one.key == spec.key and one.removed is None for one in taken)
    why = None
    if not published and (there := as_published(spec, taken)) is not None:
        why, spec, published = why_published(spec, there), there, True
    if spec.python is not None and spec.python_headers == UNKNOWN:
        return _Verdict(state=State.NOT_HERE, why=no_headers(spec.python))
    conflict = None if published else _conflict(spec, taken)
    if conflict is not None:
        return _Verdict(spec=spec, state=State.REFUSED, why=conflict)
    if spec.key in facts.stored:
        return _Verdict(spec=spec, state=State.STORED, why=why, published=published)
    if published:
        return _Verdict(spec=spec, state=State.PUBLISHED, why=why, published=True)
    if toolchain.unavailable is not None:
        return _Verdict(spec=spec, state=State.NOT_HERE, why=toolchain.unavailable)
    return _Verdict(spec=spec, state=State.BUILD)


def _has_name_of(published: PublishedWheel, spec: BuildSpec) -> bool:
    """Whether the build would have the published file's name, up to its platform tag."""
    return (
        published.name == canonicalize_name(spec.recipe)
        and published.version == spec.public_version
        and published.build_tag == str(spec.revision)
        and (spec.python is None or f"-{spec.interpreter}-" in published.filename)
    )


def _conflict(spec: BuildSpec, taken: Sequence[PublishedWheel]) -> str | None:
    """Why this build may not have its name, or None.

    A reduced profile is not published, so it only conflicts with a published build of its own kind.
    """
    for one in taken:
        if spec.profile not in (REQUIRED_PROFILE, one.profile):
            continue
        raising = f"raise the recipe's revision ({spec.revision})"
        if one.removed is not None:
            return f"{one.filename} was removed ({one.removed}) and its name stays taken: {raising}"
        there = f"with the key {one.key[:12]}" if one.key else "without a build key"
        return f"{one.filename} is published {there}, this is {spec.key[:12]}: {raising}"
    return None


def _cost(building: Sequence[Row], facts: Facts) -> Cost:
    specs = [(row.spec, row.recipe.wheel.max_bytes) for row in building if row.spec is not None]
    toolchains = [facts.toolchains[label] for label in dict.fromkeys(row.cuda for row in building)]
    return cost_of(specs, toolchains, cached=facts.cached)
