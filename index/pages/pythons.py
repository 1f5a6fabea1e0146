"""Which Pythons a wheel serves, told from its tags and requires-python, and how that is said."""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet

NEWEST = 39
"""Minor versions of Python 3 that are told apart: 3.0 to 3.39; the last stands for all later."""
EVERY = (1 << (NEWEST + 1)) - 1
"""A mask of minor versions with all bits set: bit 12 is Python 3.12."""
_INTERPRETER = re.compile(r"(py|cp)3(\d*)")


def of_tag(tag: str) -> int:
    """The mask of Pythons (not free-threaded) that take a tag such as ``cp39-abi3-linux_x86_64``.

    Interpreters other than CPython, and what is no tag, count as none.
    """
    interpreter, _, rest = tag.partition("-")
    abi = rest.partition("-")[0]
    match = _INTERPRETER.fullmatch(interpreter)
    if match is None:
        return 0
    minor = min(int(match[2] or 0), NEWEST)
    if (match[1] == "py" and abi == "none") or (match[1] == "cp" and abi == "abi3"):
        return EVERY >> minor << minor
    return 1 << minor if match[1] == "cp" and abi in ("none", interpreter) else 0


@lru_cache(maxsize=256)
def of_specifier(requires_python: str | None) -> int:
    """The mask of Pythons a requires-python lets in; like pip, one that is none lets in all."""
    if not requires_python:
        return EVERY
    try:
        allowed = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return EVERY
    # ">=3.10.2" and "<3.10.5" both let some 3.10 in.
    return sum(
        1 << minor
        for minor in range(NEWEST + 1)
        if f"3.{minor}.0" in allowed or f"3.{minor}.99" in allowed
    )


@lru_cache(maxsize=1024)
def served(tags: tuple[str, ...], requires_python: str | None) -> int:
    """The mask of Pythons that a wheel serves."""
    mask = 0
    for tag in tags:
        mask |= of_tag(tag)
    return mask & of_specifier(requires_python)


@lru_cache(maxsize=1024)
def describe(tags: tuple[str, ...], requires_python: str | None) -> str:
    """``3.10 and later, not free-threaded``, as told by a wheel's tags and requires-python."""
    said = ranges(served(tags, requires_python))
    abis = {tag.split("-")[1] for tag in tags if tag.count("-") == 2}
    free = sorted(
        tag.split("-")[0]
        for tag in tags
        if re.fullmatch(r"cp3\d+-cp3\d+t-.*", tag, flags=re.DOTALL)
    )
    if free:
        names = ", ".join(f"{_dotted(one)} free-threaded" for one in dict.fromkeys(free))
        return f"{said}, {names}" if said else names
    if said and "abi3" in abis:
        return f"{said}, not free-threaded"
    return said or ", ".join(sorted({tag.split("-")[0] for tag in tags})) or "not known"


@lru_cache(maxsize=1024)
def ranges(mask: int) -> str:
    """A mask in words: ``3.9``, ``3.9 to 3.11``, ``3.7, 3.10 and later``; nothing for none."""
    parts: list[str] = []
    minor = 0
    while mask >> minor:
        if not mask >> minor & 1:
            minor += 1
            continue
        first = minor
        while mask >> minor & 1:
            minor += 1
        last = minor - 1
        if last >= NEWEST:
            parts.append("3" if first == 0 else f"3.{first} and later")
        else:
            parts.append(f"3.{first}" if first == last else f"3.{first} to 3.{last}")
    return ", ".join(parts)


@lru_cache(maxsize=1024)
def among(mask: int, pythons: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``("3.10", "3.11", …)`` that a mask has."""
    return tuple(one for one in pythons if mask >> min(int(one.partition(".")[2]), NEWEST) & 1)


@lru_cache(maxsize=1024)
def mask_of(pythons: tuple[str, ...]) -> int:
    """The mask of ``("3.10", "3.11", …)``."""
    mask = 0
    for one in pythons:
        mask |= 1 << min(int(one.partition(".")[2]), NEWEST)
    return mask


@lru_cache(maxsize=256)
def platforms(tags: tuple[str, ...]) -> str:
    """``Linux x86-64, glibc 2.31 or later``, as told by a wheel's tags."""
    return "; ".join(dict.fromkeys(_platform(tag.split("-")[-1]) for tag in sorted(tags)))


def _platform(name: str) -> str:
    if name == "any":
        return "any platform"
    if match := re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", name):
        return f"Linux {_machine(match[3])}, glibc {match[1]}.{match[2]} or later"
    if match := re.fullmatch(r"manylinux(1|2010|2014)_(\w+)", name):
        glibc = {"1": "2.5", "2010": "2.12", "2014": "2.17"}[match[1]]
        return f"Linux {_machine(match[2])}, glibc {glibc} or later"
    if match := re.fullmatch(r"linux_(\w+)", name):
        return f"Linux {_machine(match[1])}"
    if name == "win_amd64":
        return "Windows x86-64"
    return name


def _machine(name: str) -> str:
    return {"x86_64": "x86-64", "aarch64": "Arm 64-bit"}.get(name, name)


def _dotted(interpreter: str) -> str:
    return f"3.{interpreter[3:]}"
