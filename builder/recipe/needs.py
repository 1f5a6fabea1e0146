"""Which native libraries a recipe needs, those they need in turn, and in which order.

A native library's recipe lies beside the recipes that need it, in a folder of its own name: no
table says what there is, and a recipe's folder alone is enough to find all of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from builder.recipe.files import RECIPE_FILE
from builder.recipe.problems import Problem, key_path, nearest
from builder.recipe.schema import NATIVE

Where = tuple[str | int, ...]


def build_order(folder: Path, names: Iterable[str]) -> tuple[str, ...]:
    """The native libraries of these names and all that they need, each after what it needs.

    Args:
        folder: The folder of the recipe that names them; its siblings are looked at.
        names: What it needs. What is unknown or needs itself is left out: `need_problems` says so.

    Returns:
        Names; the same for the same needs, in whatever order they are written.
    """
    order: list[str] = []
    waiting: list[str] = []

    def visit(name: str) -> None:
        if name in order or name in waiting:
            return
        data = _native(folder.parent / name)
        if data is None:
            return
        waiting.append(name)
        for one in sorted(_needs(data)):
            visit(one)
        waiting.pop()
        order.append(name)

    for name in sorted(names):
        visit(name)
    return tuple(order)


def need_problems(data: dict[str, Any], folder: Path, file: Path) -> list[Problem]:
    """What is wrong with the ``needs`` of a recipe as it was written."""
    return [
        Problem(file=file, path=key_path(path), message=message)
        for path, message in _problems(data, folder)
    ]


def _problems(data: dict[str, Any], folder: Path) -> Iterator[tuple[Where, str]]:
    own = data.get("name")
    if data.get("kind") == NATIVE and isinstance(own, str) and own != folder.name:
        yield ("name",), f"must be that of its folder, '{folder.name}', not '{own}'"
    places: list[tuple[Where, object]] = [(("needs",), data.get("needs"))]
    profiles = data.get("profile")
    for name, profile in profiles.items() if isinstance(profiles, dict) else ():
        if isinstance(profile, dict):
            places.append((("profile", name, "needs"), profile.get("needs")))
    for path, names in places:
        for number, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str):
                why = _why_not(name, folder)
                if why is not None:
                    yield (*path, number), why


def _why_not(name: str, folder: Path) -> str | None:
    """Why a recipe cannot need this, or None."""
    if "/" in name or name in ("", ".", ".."):
        return f"must be the name of a native library, not '{name}'"
    if _native(folder.parent / name) is None:
        known = sorted(
            path.parent.name
            for path in folder.parent.glob(f"*/{RECIPE_FILE}")
            if _native(path.parent) is not None and path.parent != folder
        )
        there = f"known are {', '.join(known)}" if known else "there is none"
        return f"there is no native library '{name}'{nearest(name, known)}; {there}"
    circle = _circle(name, folder)
    return None if circle is None else f"needs itself: {' -> '.join(circle)}"


def _circle(name: str, folder: Path) -> tuple[str, ...] | None:
    """A way from this recipe through ``name`` back to where it has been already, or None."""

    def walk(way: tuple[str, ...]) -> tuple[str, ...] | None:
        if way[-1] in way[:-1]:
            return way
        data = _native(folder.parent / way[-1])
        for one in sorted(_needs(data)) if data is not None else ():
            found = walk((*way, one))
            if found is not None:
                return found
        return None

    return walk((folder.name, name))


def _needs(data: dict[str, Any]) -> list[str]:
    needs = data.get("needs")
    return [one for one in needs if isinstance(one, str)] if isinstance(needs, list) else []


def _native(folder: Path) -> dict[str, Any] | None:
    """A native recipe's data as it was written, or None where there is none."""
    try:
        data = tomllib.loads((folder / RECIPE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data if data.get("kind") == NATIVE else None
