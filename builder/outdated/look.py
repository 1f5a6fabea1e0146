"""One look at everything: what is newer, what does not fit Colab, what could not be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.fetch.pypi import Offer
from builder.fetch.settings import FetchSettings
from builder.outdated.colab import hold_against, read_colab
from builder.outdated.compare import (
    newer_package,
    newer_release,
    newest_pythons,
    newest_toolkits,
)
from builder.outdated.pins import Newer, Pin, Places, all_pins, places
from builder.outdated.redist import archive_pins, newer_manifests
from builder.outdated.upstream import Upstream
from builder.targets import Targets, load_targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one look showed.

    Attributes:
        pins: How many pins were looked at.
        newer: What is newer upstream, in the order of the files.
        news: What else is new: Pythons, toolkits, Colab's packages; one line each.
        refusals: What could not be asked, by its name, and why.
    """

    pins: int
    newer: tuple[Newer, ...]
    news: tuple[str, ...]
    refusals: Mapping[str, str]

    @property
    def outdated(self) -> bool:
        """Whether anything is new."""
        return bool(self.newer or self.news)


def look(
    recipe_folders: Sequence[Path],
    *,
    settings: FetchSettings,
    own: bool = True,
    colab: str | None = None,
    targets: Targets | None = None,
) -> Found:
    """Hold everything that is pinned against upstream.

    Args:
        recipe_folders: Whose recipes.
        settings: How to ask.
        own: Whether to look at what is not any recipe's, too: toolchains, Pythons, Colab.
        colab: Where Colab's lists lie, instead of the usual place.
        targets: The target table; this installation's own by default.

    Raises:
        RecipeError: a recipe or a pin file is not valid.
    """
    where, upstream = places(), Upstream(settings)
    table = targets or load_targets()
    pins = all_pins(recipe_folders, where, own=own)
    indexed = [pin for pin in pins if pin.kind in ("pypi", "requirement", "tool")]
    tables = (where.pythons, where.toolkits) if own else ()
    projects = upstream.projects([*tables, *(pin.name for pin in indexed)])
    newer = _releases(indexed, projects, where)
    newer += _packages([pin for pin in pins if pin.kind.startswith("debian")], where, upstream)
    manifests = archive_pins() if own else ()
    newer += newer_manifests(manifests, where, upstream, settings)
    newer = [
        replace(one, beyond=None) if where.is_part(one.pin) else one
        for one in newer
        if one.version is not None or not where.is_part(one.pin)
    ]
    news = []
    if own:
        news += _table_news(table, projects, where)
        news += _colab_news(recipe_folders, table, where, upstream, colab)
    return Found(
        pins=len(pins) + len(manifests),
        newer=tuple(sorted(newer, key=lambda one: one.pin)),
        news=tuple(news),
        refusals=dict(sorted(upstream.refusals.items())),
    )


def _releases(
    pins: Sequence[Pin], projects: Mapping[str, tuple[Offer, ...]], where: Places
) -> list[Newer]:
    found = []
    for pin in pins:
        offers = projects.get(canonicalize_name(pin.name))
        if offers is not None:
            found.append(newer_release(pin, offers, where.kept(canonicalize_name(pin.name))))
    return [one for one in found if one is not None]


def _packages(pins: Sequence[Pin], where: Places, upstream: Upstream) -> list[Newer]:
    if not pins:
        return []
    lists = {
        (pin.component, "source" if pin.kind == "debian-source" else "binary-amd64") for pin in pins
    }
    files = upstream.package_lists(where.debian.suites, lists)
    found = []
    for pin in pins:
        source = pin.kind == "debian-source"
        mine = [one for one in files if (".orig.tar." in one.filename) is source]
        found.append(newer_package(pin, mine))
    return [one for one in found if one is not None]


def _table_news(
    table: Targets, projects: Mapping[str, tuple[Offer, ...]], where: Places
) -> list[str]:
    pythons = newest_pythons(projects.get(where.pythons, ()), table.pythons)
    versions = [cuda.version for cuda in table.cudas]
    toolkits = newest_toolkits(projects.get(where.toolkits, ()), versions)
    lines = [
        f"Python {one}: {where.pythons} has wheels for it, and it is no target: add it to "
        "targets.toml. Wheels with abi3, or for every Python 3, serve it as they are: they are "
        "verified, not compiled"
        for one in pythons
    ]
    return lines + [
        f"CUDA {one}: {where.toolkits} has it, and it is no target (docs: adding a CUDA version)"
        for one in toolkits
    ]


def _colab_news(
    folders: Sequence[Path], table: Targets, where: Places, upstream: Upstream, colab: str | None
) -> list[str]:
    from builder.recipe import load_recipes

    place = (colab or where.colab).rstrip("/")
    packages = upstream.text("Colab's packages", f"{place}/{where.colab_packages}")
    system = upstream.text("Colab's system", f"{place}/{where.colab_system}")
    if packages is None or system is None:
        return []
    requirements = {
        (recipe.name, label): recipe.requirements(label, "full")
        for recipe in load_recipes(folders).values()
        for label in table.labels
        if recipe.supports(label)
    }
    return list(hold_against(read_colab(packages, system), table, requirements))
