"""What wheels serve, read from their tags: Pythons on x86-64 Linux, and platforms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags

if TYPE_CHECKING:
    from index.facts import AnyRecord

_LINUX = re.compile(r"any|(?:many)?linux(?:1|2010|2014|_\d+_\d+)?_x86_64")
_MANYLINUX = re.compile(r"manylinux(?:(1|2010|2014)|_(\d+)_(\d+))_(\w+)")
_OLD_GLIBC = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}
_STAND_IN = "linux_x86_64"


Installs = tuple[tuple[str, ...], str | None]
"""What decides where a wheel installs: its tags and its requires-python."""


def serves(record: AnyRecord, python: str) -> bool:
    """Whether a wheel installs under a CPython with GIL (``3.12``) on x86-64 Linux.

    How new a glibc it needs is not asked.
    """
    return _serves(record.tags, record.requires_python, python)


@lru_cache(maxsize=1024)
def serve_all(wheels: tuple[Installs, ...], pythons: tuple[str, ...]) -> bool:
    """Whether each of the Pythons is served by at least one of the wheels."""
    return all(any(_serves(*wheel, python) for wheel in wheels) for python in pythons)


def _serves(tags: tuple[str, ...], requires_python: str | None, python: str) -> bool:
    return _allows(requires_python or "", python) and _fits(tags, python)


@lru_cache(maxsize=1024)
def _allows(requires_python: str, python: str) -> bool:
    # A late patch version, as people have: "<3.13" leaves it out, ">=3.12.2" does not.
    return SpecifierSet(requires_python).contains(f"{python}.99", prereleases=True)


@lru_cache(maxsize=1024)
def _fits(tags: tuple[str, ...], python: str) -> bool:
    return any(
        _LINUX.fullmatch(platform) and (interpreter, abi) in _accepted(python)
        for interpreter, abi, platform in (tag.split("-") for tag in tags)
    )


def served_pythons(records: Iterable[AnyRecord], pythons: Sequence[str]) -> tuple[str, ...]:
    """Those of ``pythons`` that at least one of the wheels serves, in order."""
    wheels = list(records)
    return tuple(python for python in pythons if any(serves(record, python) for record in wheels))


def platforms(records: Iterable[AnyRecord]) -> tuple[str, ...]:
    """What the wheels run on, for a person: ``Linux x86_64 with glibc 2.31 or newer``, sorted.

    Of two wheels for one machine the more demanding one is named. Platforms with no better name
    stand there as in the tag.
    """
    needs: dict[str, tuple[int, int]] = {}
    others: set[str] = set()
    for record in records:
        lowest: dict[str, tuple[int, int]] = {}
        for tag in record.tags:
            platform = tag.split("-")[2]
            match = _MANYLINUX.fullmatch(platform)
            if match is None:
                others.add("any platform" if platform == "any" else platform)
                continue
            glibc = _OLD_GLIBC[match[1]] if match[1] else (int(match[2]), int(match[3]))
            lowest[match[4]] = min(glibc, lowest.get(match[4], glibc))
        for machine, glibc in lowest.items():
            needs[machine] = max(glibc, needs.get(machine, glibc))
    named = (
        f"Linux {machine} with glibc {major}.{minor} or newer"
        for machine, (major, minor) in needs.items()
    )
    return tuple(sorted({*named, *others}))


@lru_cache(maxsize=32)
def _accepted(python: str) -> frozenset[tuple[str, str]]:
    """Interpreter and ABI of the tags a CPython takes, whatever the platform."""
    major, minor = (int(part) for part in python.split("."))
    name = f"cp{major}{minor}"
    found: list[Tag] = [
        *cpython_tags((major, minor), [name], [_STAND_IN]),
        *compatible_tags((major, minor), name, [_STAND_IN]),
    ]
    return frozenset((tag.interpreter, tag.abi) for tag in found)
