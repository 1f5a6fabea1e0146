"""Whose headers a wheel for one Python is compiled with, and when other ones are another build.

Headers are a fact of the machine and their digest is in the key, so that a key never stands for two
files. A patch release changes them and keeps Python's ABI: a wheel that is published is not built
again, nor refused, because this machine has another patch release than the one that built it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from builder.plan.facts import PublishedWheel
from builder.plan.spec import BuildSpec

UNKNOWN = "unknown"
"""In the place of headers that are not here, to compare the rest of a spec."""


def no_headers(python: str) -> str:
    """Why a wheel for this Python alone cannot be compiled here, and what to do."""
    return (
        f"no headers of Python {python} (Python.h) were found on this machine: install that Python "
        f"with them (its -dev package, pyenv, or uv python install {python})"
    )


def as_published(spec: BuildSpec, taken: Iterable[PublishedWheel]) -> BuildSpec | None:
    """The same build with a published wheel's headers, where nothing but those differs.

    Args:
        spec: A build, with the headers of this machine or `UNKNOWN`.
        taken: What is published under its name.

    Returns:
        The published wheel's spec: its key is the published one. None where more differs, or
        where the wheel is not for one Python alone.
    """
    if spec.python is None:
        return None
    for one in taken:
        if one.headers is not None and one.removed is None:
            there = spec.model_copy(update={"python_headers": one.headers})
            if there.key == one.key:
                return there
    return None


def why_published(here: BuildSpec, there: BuildSpec) -> str | None:
    """What is said of a wheel that is published with other headers than this machine's."""
    if here.python_headers == there.python_headers:
        return None
    mine = "" if here.python_headers == UNKNOWN else f", here are those of {release(here)}"
    return f"built with the headers of Python {release(there)}{mine}; their ABI is the same"


def release(spec: BuildSpec) -> str:
    """The Python whose headers a spec names: ``3.13.0``, or ``3.13`` where it does not say."""
    version, _, digest = spec.python_headers.partition(" ")
    return version if digest else str(spec.python)
