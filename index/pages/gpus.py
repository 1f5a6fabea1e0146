"""CUDA versions and GPU architectures in words people know: drivers and the names of cards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Cards of one architecture (compute capability).

    Attributes:
        arch: ``8.0``.
        name: NVIDIA's name of it.
        cards: The cards people have, best known first.
    """

    arch: str
    name: str
    cards: str


GENERATIONS = tuple(
    Generation(arch=arch, name=name, cards=cards)
    for arch, name, cards in (
        ("5.0", "Maxwell", "GTX 750"),
        ("5.2", "Maxwell", "GTX 900, M40, M60"),
        ("6.0", "Pascal", "P100"),
        ("6.1", "Pascal", "GTX 10, P4, P40"),
        ("7.0", "Volta", "V100, Titan V"),
        ("7.5", "Turing", "T4, RTX 20, GTX 16"),
        ("8.0", "Ampere", "A100, A30"),
        ("8.6", "Ampere", "RTX 30, A10, A40"),
        ("8.9", "Ada", "RTX 40, L4, L40"),
        ("9.0", "Hopper", "H100, H200"),
        ("10.0", "Blackwell", "B200, GB200"),
        ("10.3", "Blackwell", "B300, GB300"),
        ("12.0", "Blackwell", "RTX 50, RTX PRO"),
    )
)
"""Of the machines wheels are for (no Jetson), oldest first."""
COMMON_FROM = "6.0"
"""Older cards are listed only where a file has code for them."""
DRIVERS = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}
"""CUDA's major version to the oldest driver that all its minor versions run on."""
_ARCH = re.compile(r"(\d+)\.(\d+)([af]?)")
_LABEL = re.compile(r"cu(\d{1,2})(\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How a file runs on an architecture's cards.

    Attributes:
        kind: ``code`` (machine code is in it), ``ptx`` (the driver compiles it) or ``no``.
        by: The architecture whose code or PTX it is; empty for ``no``.
    """

    kind: str
    by: str = ""


@lru_cache(maxsize=4096)
def support(architectures: tuple[str, ...], ptx: str | None, card: str) -> Support:
    """What happens on a card of architecture ``card``.

    Machine code runs on its own architecture and on later ones of the same major version (code for
    8.0 on 8.6 and 8.9); ``9.0a`` on that one alone. PTX runs on everything as new or newer.
    """
    major, minor = _numbers(card)[:2]
    best: tuple[int, str] | None = None
    for one in architectures:
        code = _numbers(one)
        exact = code[2] == "a"
        fits = code[0] == major and (code[1] == minor if exact else code[1] <= minor)
        if fits and (best is None or code[1] > best[0]):
            best = code[1], one
    if best is not None:
        return Support(kind="code", by=best[1])
    if ptx and not _numbers(ptx)[2] and (0, 0) < _numbers(ptx)[:2] <= (major, minor):
        return Support(kind="ptx", by=ptx)
    return Support(kind="no")


@lru_cache(maxsize=1024)
def cards(architectures: tuple[str, ...], ptx: str | None) -> str:
    """The cards a file has machine code for, and whether PTX helps newer ones, as a sentence."""
    found = [(one, support(architectures, ptx, one.arch)) for one in GENERATIONS]
    native = "; ".join(
        f"{one.cards} ({one.arch}{'' if how.by == one.arch else f', by code for {how.by}'})"
        for one, how in found
        if how.kind == "code"
    )
    if not ptx:
        return native
    newer = f"newer cards by PTX {ptx}, which the driver compiles on first use"
    return f"{native}; {newer}" if native else newer


@lru_cache(maxsize=1024)
def short(architectures: tuple[str, ...], ptx: str | None) -> str:
    """``7.5, 8.0, 9.0 + PTX 9.0``; nothing where neither is known."""
    return " + ".join(
        part for part in (", ".join(in_order(architectures)), f"PTX {ptx}" if ptx else "") if part
    )


def in_order(architectures: Iterable[str]) -> tuple[str, ...]:
    """Architectures by number; what is none comes first."""
    return tuple(sorted(architectures, key=_numbers))


def listed(shown: Iterable[tuple[tuple[str, ...], str | None]]) -> tuple[Generation, ...]:
    """The generations a table has: the common ones, and older ones that a file runs on."""
    pairs = tuple(shown)
    return tuple(
        one
        for one in GENERATIONS
        if _numbers(one.arch) >= _numbers(COMMON_FROM)
        or any(support(code, ptx, one.arch).kind == "code" for code, ptx in pairs)
    )


@lru_cache(maxsize=256)
def cuda_version(label: str) -> tuple[int, int]:
    """``cu124`` → 12, 4; a label that is no CUDA's is 0, 0."""
    match = _LABEL.fullmatch(label)
    return (int(match[1]), int(match[2])) if match else (0, 0)


@lru_cache(maxsize=256)
def cuda_name(label: str | None) -> str:
    """``cu124`` → ``CUDA 12.4``; other labels as they are; None is every CUDA's."""
    if label is None:
        return "Any CUDA"
    major, minor = cuda_version(label)
    return f"CUDA {major}.{minor}" if major else label


def by_version(labels: Iterable[str]) -> tuple[str, ...]:
    """CUDA labels, oldest CUDA first (``cu92`` before ``cu118``)."""
    return tuple(sorted(labels, key=lambda label: (cuda_version(label), label)))


@lru_cache(maxsize=1024)
def _numbers(arch: str) -> tuple[int, int, str]:
    match = _ARCH.fullmatch(arch)
    return (int(match[1]), int(match[2]), match[3]) if match else (0, 0, "")
