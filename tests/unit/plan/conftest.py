"""Two recipes in a folder, made from the tests' third recipe, and a world to plan them in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.engine import HERMETIC
from builder.fetch.artifact import Artifact
from builder.plan.facts import Facts, PrefixFacts, PublishedWheel, RecipeFacts, ToolchainFacts
from builder.plan.plan import Plan, make_plan
from builder.plan.resolve import read_files
from builder.recipe import load_recipe, load_recipes
from builder.targets import Targets, load_targets, parse_architectures, select

HELLO = Path(__file__).parents[2] / "recipes" / "hello-cuda"
SOURCE = """
[[source]]
name = "upstream"
source = "pypi:hello==1.0"
filename = "hello-1.0.tar.gz"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
size = 10000000
mirrors = ["https://example.org/hello-1.0.tar.gz"]
into = "sources/hello"
include = ["b/*", "a/*"]
patches = ["patches/0001-one.patch", "patches/0002-two.patch"]

[profile.full.defines]
WITH_X = "ON"
WITH_Y = 1
[profile.full.cuda.cu118]
WITH_X = "OFF"
"""


@dataclass(kw_only=True)
class World:
    """Recipes on disk, and what a plan is made from besides."""

    recipes: Path
    targets: Targets = field(default_factory=load_targets)
    stored: set[str] = field(default_factory=set)
    published: tuple[PublishedWheel, ...] | None = None
    cached: set[str] = field(default_factory=set)
    toolchains: dict[str, ToolchainFacts] = field(default_factory=dict)
    build_env: str = "e" * 64
    engine: str = HERMETIC
    headers: dict[str, str] = field(default_factory=dict)

    def plan(self, *selectors: str, profile: str = "full", archs: Iterable[str] = ()) -> Plan:
        """A plan for every recipe."""
        words = tuple(archs)
        folders = load_recipes(sorted(self.recipes.iterdir()), targets=self.targets)
        return make_plan(
            [self.facts(folder) for folder in folders],
            select(selectors, self.targets),
            targets=self.targets,
            profile=profile,
            architectures=parse_architectures(words) if words else None,
            facts=Facts(
                toolchains=self.toolchains,
                build_env=self.build_env,
                stored=frozenset(self.stored),
                published=self.published,
                cached=frozenset(self.cached),
                engine=self.engine,
                headers=self.headers,
            ),
        )

    def facts(self, folder: Path) -> RecipeFacts:
        recipe = load_recipe(folder, targets=self.targets)
        return RecipeFacts(recipe=recipe, folder=folder, files=read_files(recipe, folder))

    def keys(self, *selectors: str, profile: str = "full") -> dict[tuple[str, str], str]:
        """Key by recipe and CUDA."""
        rows = self.plan(*(selectors or ("all",)), profile=profile).rows
        return {(row.recipe.name, row.cuda): row.key for row in rows if row.key is not None}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in a file of the recipes' folder; it must be there."""
        path = self.recipes / name
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new, 1))


def host() -> PrefixFacts:
    artifact = Artifact(
        filename="g++.deb", source="debian:pool/g/g++.deb", sha256="b" * 64, size=100_000_000
    )
    return PrefixFacts(
        name="host", installed=False, artifacts=(artifact,), download=100_000_000, disk=300_000_000
    )


def cuda(label: str, digit: str) -> PrefixFacts:
    artifact = Artifact(
        filename=f"nvidia-{label}.whl",
        source="pypi:nvidia-cuda-runtime==1.0",
        sha256=digit * 64,
        size=1_000_000_000,
    )
    return PrefixFacts(
        name=label, installed=False, artifacts=(artifact,), download=10**9, disk=3 * 10**9
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    recipes = tmp_path / "recipes"
    hello, other = recipes / "hello-cuda", recipes / "other-cuda"
    shutil.copytree(HELLO, hello)
    shutil.copytree(HELLO, other)
    for folder in (hello, other):
        (folder / "patches").mkdir()
        (folder / "patches/0001-one.patch").write_text(f"one of {folder.name}\n")
        (folder / "patches/0002-two.patch").write_text(f"two of {folder.name}\n")
        text = (folder / "recipe.toml").read_text()
        text = text.replace('name = "hello-cuda"', f'name = "{folder.name}"')
        (folder / "recipe.toml").write_text(text + SOURCE)
    toolchains = {
        label: ToolchainFacts(label=label, digest=digit * 64, parts=(host(), cuda(label, digit)))
        for label, digit in (("cu118", "1"), ("cu124", "2"), ("cu130", "3"))
    }
    toolchains["cu128"] = ToolchainFacts(
        label="cu128", digest="4" * 64, unavailable="NVIDIA's archive does not answer"
    )
    return World(recipes=recipes, toolchains=toolchains)


@pytest.fixture
def published() -> Callable[..., PublishedWheel]:
    """A published wheel of hello-cuda for CUDA 11.8, with changes."""

    def make(**changes: str | None) -> PublishedWheel:
        values: dict[str, str | None] = {
            "filename": "hello_cuda-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl",
            "name": "hello-cuda",
            "version": "1.0+cu118",
            "build_tag": "1",
            "key": "0" * 32,
            "profile": "full",
            **changes,
        }
        # Only fields that may be None are None, which a dict of all of them cannot say.
        return PublishedWheel(**values)  # type: ignore[arg-type]

    return make
