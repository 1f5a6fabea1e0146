"""GPU architectures as people write them (``7.5``, ``8.0+PTX``) and as CMake wants them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PTX_SUFFIX = "+PTX"
ARCHITECTURE = re.compile(r"([1-9]\d?)\.(\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architectures:
    """The machine code that goes into a wheel.

    Attributes:
        real: Compute capabilities with machine code of their own, ascending: ``("7.5", "8.0")``.
        ptx: The capability whose PTX goes in besides, or None.
    """

    real: tuple[str, ...]
    ptx: str | None

    def everything(self) -> tuple[str, ...]:
        """Every capability nvcc is asked for, ascending."""
        return ordered({*self.real, *([self.ptx] if self.ptx else [])})

    def cmake(self) -> str:
        """CMake's own form: ``75-real;80-real;80-virtual``."""
        parts = [f"{one.replace('.', '')}-real" for one in self.real]
        if self.ptx:
            parts.append(f"{self.ptx.replace('.', '')}-virtual")
        return ";".join(parts)

    def __str__(self) -> str:
        text = " ".join(self.real)
        return f"{text} {PTX_SUFFIX}({self.ptx})" if self.ptx else text


def ordered(architectures: Iterable[str]) -> tuple[str, ...]:
    """Compute capabilities by number, so that ``10.0`` comes after ``9.0``."""
    return tuple(sorted(architectures, key=lambda one: tuple(int(part) for part in one.split("."))))


def parse_architectures(words: Iterable[str]) -> Architectures:
    """Read a list such as ``["7.5", "8.0+PTX"]``; the order written does not matter.

    Raises:
        ValueError: a word is no architecture, stands twice, or PTX is asked for more than once.
    """
    real: list[str] = []
    ptx: list[str] = []
    for word in words:
        number = word.removesuffix(PTX_SUFFIX)
        if not ARCHITECTURE.fullmatch(number):
            raise ValueError(f"'{word}' is no architecture; write '7.5' or '8.0{PTX_SUFFIX}'")
        if number in real:
            raise ValueError(f"'{number}' stands there twice")
        real.append(number)
        if word.endswith(PTX_SUFFIX):
            ptx.append(number)
    if not real:
        raise ValueError("at least one architecture is needed")
    if len(ptx) > 1:
        raise ValueError(f"PTX is asked for {len(ptx)} times ({', '.join(ptx)}); once is enough")
    return Architectures(real=ordered(real), ptx=ptx[0] if ptx else None)
