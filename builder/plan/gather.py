"""From what was asked on the command line to a plan: the one place that reads what plans need.

`builder plan` and `builder build` both start here, so that they can never differ.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.engine import HERMETIC
from builder.errors import UsageError
from builder.paths import Cache
from builder.plan.facts import Facts, PrefixFacts, RecipeFacts, ToolchainFacts
from builder.plan.plan import Plan, State, make_plan
from builder.plan.published import PublishedIndex, read_index
from builder.plan.resolve import read_files
from builder.recipe import Recipe, load_all, load_recipes
from builder.recipe.fields import EACH
from builder.recipe.needs import build_order
from builder.store import Store
from builder.targets import (
    Architectures,
    Target,
    Targets,
    load_targets,
    parse_architectures,
    select,
)
from builder.ui import Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for.

    Attributes:
        selectors: Targets, ``cu118-py310`` or patterns.
        recipes: Names of recipes; when empty, all but those that are built by name only.
        profile: Name of a profile.
        architectures: Instead of what the profile says (`parse_architecture_option`).
        published: Address or folder of a published index, or None.
        new_is_fine: Whether there may be no index yet; then nothing is published.
        engine: What compiles.
    """

    selectors: tuple[str, ...]
    recipes: tuple[str, ...] = ()
    profile: str = "full"
    architectures: Architectures | None = None
    published: str | None = None
    new_is_fine: bool = False
    engine: str = HERMETIC


def gather(
    request: Request,
    *,
    recipe_folders: Sequence[Path],
    cache: Cache,
    reporter: Reporter | None = None,
    probe: bool = True,
) -> Plan:
    """The plan for a request.

    The network is asked only where toolchains must be had that may be out of reach, and for the
    published index.

    Args:
        request: What is asked for.
        recipe_folders: Every folder with a recipe.
        cache: Where the store, downloads and toolchains are.
        reporter: Told of damaged entries in the store.
        probe: Whether to ask if toolchains can be had at all.

    Raises:
        UsageError: a selector or a recipe's name matches nothing.
        RecipeError: a recipe or a pin file is not valid.
        FetchError: the published index could not be read.
    """
    from builder.build.python_env import build_env_digest

    targets = load_targets()
    wanted = select(request.selectors, targets)
    recipes = chosen_recipes(recipe_folders, request.recipes, targets=targets)
    labels = tuple(dict.fromkeys(target.cuda for target in wanted))
    index = (
        None
        if request.published is None
        else read_index(request.published, new_is_fine=request.new_is_fine)
    )
    found = [
        RecipeFacts(recipe=recipe, folder=folder, files=read_files(recipe, folder))
        for folder, recipe in recipes.items()
    ]
    toolchains = {label: toolchain_facts(label, cache) for label in labels}
    facts = Facts(
        toolchains=toolchains,
        build_env=build_env_digest(),
        stored=_Finished(Store(cache.store, reporter=reporter)),
        published=None if index is None else index.wheels,
        cached=_cached(found, toolchains.values(), cache),
        engine=request.engine,
        headers=_headers(found, wanted),
    )
    plan = _plan(request, found, wanted, targets, facts)
    reachable = _probed(plan, facts) if probe else facts
    if reachable is not facts:
        plan = _plan(request, found, wanted, targets, reachable)
    return plan if index is None else replace(plan, untried=_untried(plan, index, wanted))


def _untried(
    plan: Plan, index: PublishedIndex, wanted: Sequence[Target]
) -> dict[str, tuple[str, ...]]:
    """What is published and must be tried under Pythons that the index does not advertise."""
    building = [
        (canonicalize_name(row.recipe.name), row.cuda, target.python)
        for row in plan.of(State.BUILD)
        for target in row.targets
    ]
    return index.untried(tuple(dict.fromkeys(target.python for target in wanted)), building)


def _plan(
    request: Request,
    recipes: Sequence[RecipeFacts],
    wanted: Sequence[Target],
    targets: Targets,
    facts: Facts,
) -> Plan:
    return make_plan(
        recipes,
        wanted,
        targets=targets,
        profile=request.profile,
        architectures=request.architectures,
        facts=facts,
    )


def _headers(recipes: Iterable[RecipeFacts], wanted: Iterable[Target]) -> dict[str, str]:
    """Each wanted Python's headers here, where a recipe has a wheel for each Python."""
    if all(one.recipe.wheel.py_api != EACH for one in recipes):
        return {}
    from builder.build.python_headers import find_headers

    found = {python: find_headers(python) for python in {target.python for target in wanted}}
    return {python: one.stamp for python, one in sorted(found.items()) if one is not None}


def _probed(plan: Plan, facts: Facts) -> Facts:
    """The facts, with the toolchains marked that a plan needs and that cannot be had from here."""
    from builder.toolchain import availability

    missing = {}
    for label in dict.fromkeys(row.cuda for row in plan.of(State.BUILD)):
        toolchain = facts.toolchains[label]
        if any(not part.installed for part in toolchain.parts if part.name == label):
            why = availability(label)
            if why is not None:
                why = why.removeprefix(f"{State.NOT_HERE}: ")
                missing[label] = replace(toolchain, unavailable=why)
    return replace(facts, toolchains={**facts.toolchains, **missing}) if missing else facts


def chosen_recipes(
    folders: Sequence[Path], names: Sequence[str], *, targets: Targets | None = None
) -> dict[Path, Recipe]:
    """The recipes of these names by folder, or all of them; only those are loaded and checked.

    Without a name, those that are built by name only are left out (unless there are no others).
    Those of native libraries are built with the wheels that need them, and not by themselves.

    Raises:
        UsageError: there is no such recipe, or it is a native library's.
        RecipeError: one of them is not valid.
    """
    by_folder = {folder.name: folder for folder in folders}
    if set(names) <= set(by_folder):
        wanted = [by_folder[name] for name in dict.fromkeys(names)] or list(folders)
        found, natives = load_all(sorted(wanted), targets=targets)
        for folder in natives if names else ():
            raise _no_wheel(folder.name, folders)
        unasked = {folder: one for folder, one in found.items() if not one.by_name_only}
        return found if names else unasked or found
    every, natives = load_all(folders, targets=targets)
    known = sorted(recipe.name for recipe in every.values())
    for name in names:
        if name in {native.name for native in natives.values()}:
            raise _no_wheel(name, folders)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
            raise UsageError(f"no recipe '{name}'", remedy=remedy)
    return {folder: recipe for folder, recipe in every.items() if recipe.name in names}


def _no_wheel(name: str, folders: Sequence[Path]) -> UsageError:
    """The error of whoever asks for a native library as if it were a wheel."""
    users = [
        recipe.name
        for folder, recipe in load_recipes(folders).items()
        if any(name in build_order(folder, recipe.natives(one)) for one in recipe.profile)
    ]
    return UsageError(
        f"'{name}' is a native library: it is built with the wheels that need it",
        remedy=f"ask for {' or '.join(users)}" if users else "no recipe needs it yet",
    )


def parse_architecture_option(text: str | None) -> Architectures | None:
    """Read ``--archs``: ``7.5,8.0+PTX`` (commas, semicolons or spaces).

    Raises:
        UsageError: it is no list of architectures.
    """
    if text is None:
        return None
    try:
        return parse_architectures(text.replace(",", " ").replace(";", " ").split())
    except ValueError as error:
        raise UsageError(f"--archs: {error}", remedy="write it like 7.5,8.0+PTX") from error


def toolchain_facts(label: str, cache: Cache) -> ToolchainFacts:
    """What this machine knows of a CUDA's toolchain, without the network."""
    from builder.toolchain import labels, toolchain_digest
    from builder.toolchain.pins import HOST

    if label not in labels():
        return ToolchainFacts(
            label=label, digest=None, unavailable=f"no toolchain is pinned for {label}"
        )
    prefixes = tuple(_prefix(name, cache) for name in (HOST, label))
    return ToolchainFacts(
        label=label,
        digest=toolchain_digest(label),
        parts=(*prefixes, _build_env()),
    )


def _prefix(name: str, cache: Cache) -> PrefixFacts:
    from builder.toolchain import prefix_path, sizes
    from builder.toolchain.install import is_whole
    from builder.toolchain.pins import load_pins

    pins, cost = load_pins(name), sizes(name)
    return PrefixFacts(
        name=name,
        installed=is_whole(prefix_path(name, cache), pins),
        artifacts=tuple(package.artifact() for package in pins.package),
        download=cost.download,
        disk=cost.installed,
    )


def _build_env() -> PrefixFacts:
    from builder.build.python_env import build_env_artifacts

    artifacts = build_env_artifacts()
    size = sum(artifact.size or 0 for artifact in artifacts)
    return PrefixFacts(
        name="build-env", installed=False, artifacts=artifacts, download=size, disk=4 * size
    )


class _Finished:
    """The keys of whole entries; each is looked at when a plan asks for it, however many exist."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._store.get(key) is not None


def _cached(
    recipes: Iterable[RecipeFacts], toolchains: Iterable[ToolchainFacts], cache: Cache
) -> frozenset[str]:
    """Which of the files a plan may need are among the downloads; their bytes are not read."""
    wanted = {
        (source.sha256, source.filename)
        for one in recipes
        for sources in (one.recipe.source, *(need.native.source for need in one.files.natives))
        for source in sources
    }
    for toolchain in toolchains:
        for part in toolchain.parts:
            wanted |= {(one.sha256, one.filename) for one in part.artifacts}
    return frozenset(
        sha256
        for sha256, filename in wanted
        if (cache.downloads / sha256[:2] / sha256 / filename).is_file()
    )
