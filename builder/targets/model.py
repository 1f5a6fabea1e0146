"""The target table's types."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.errors import UsageError
from builder.targets.architectures import Architectures

_PYTHON = re.compile(r"3\.(\d{1,2})")
_PYTHON_TAG = re.compile(r"py3(\d{1,2})")
_TARGET = re.compile(r"(?P<cuda>[a-z][a-z0-9]*)-(?P<python>py3\d{1,2})")


def python_tag(version: str) -> str:
    """``3.10`` → ``py310``.

    Raises:
        ValueError: not a Python version of that form.
    """
    match = _PYTHON.fullmatch(version)
    if match is None:
        raise ValueError(f"'{version}' is no Python version; write it like '3.10'")
    return f"py3{match[1]}"


def python_version(tag: str) -> str:
    """``py310`` → ``3.10``.

    Raises:
        ValueError: not a Python tag of that form.
    """
    match = _PYTHON_TAG.fullmatch(tag)
    if match is None:
        raise ValueError(f"'{tag}' is no Python tag; write it like 'py310'")
    return f"3.{match[1]}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """One CUDA and one Python; ``str()`` gives ``cu118-py310``."""

    cuda: str
    python: str
    """``3.10``."""

    def __str__(self) -> str:
        return f"{self.cuda}-{python_tag(self.python)}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``cu118-py310``, whether or not such a row exists.

        Raises:
            ValueError: the text does not have that form.
        """
        match = _TARGET.fullmatch(text)
        if match is None:
            raise ValueError(f"'{text}' is no target; write it like 'cu118-py310'")
        return cls(cuda=match["cuda"], python=python_version(match["python"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuda:
    """One CUDA version of the table.

    Attributes:
        label: ``cu118``.
        version: ``11.8``.
        architectures: Every compute capability its nvcc compiles for, ascending.
        default: What goes into a wheel when nobody says otherwise.
        max_host_gcc: The newest major version of GCC its nvcc accepts.
    """

    label: str
    version: str
    architectures: tuple[str, ...]
    default: Architectures
    max_host_gcc: int

    def unknown(self, wanted: Architectures) -> tuple[str, ...]:
        """Those of ``wanted`` that this CUDA cannot compile for."""
        return tuple(one for one in wanted.everything() if one not in self.architectures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The whole table, in the order it is written."""

    cudas: tuple[Cuda, ...]
    pythons: tuple[str, ...]
    host_gcc: int
    """Major version of the toolchain's host compiler."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every CUDA label."""
        return tuple(cuda.label for cuda in self.cudas)

    def cuda(self, label: str) -> Cuda:
        """The row of one CUDA.

        Raises:
            UsageError: there is none.
        """
        for cuda in self.cudas:
            if cuda.label == label:
                return cuda
        raise UsageError(f"no CUDA '{label}'; there are {', '.join(self.labels)}")

    def all(self) -> tuple[Target, ...]:
        """Every target, CUDA by CUDA."""
        return tuple(
            Target(cuda=cuda.label, python=python) for cuda in self.cudas for python in self.pythons
        )
