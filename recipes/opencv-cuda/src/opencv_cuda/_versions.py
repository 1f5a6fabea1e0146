"""Versions as NVIDIA's packages have them, numbers and dots: enough to judge a range by.

The package ``packaging`` would do, and is not in every environment.
"""

import re
from collections.abc import Callable

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*([\d.]+)\s*")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*\(?([^);]*)\)?\s*(?:;.*)?")
_JUDGES: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    "==": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "<": lambda have, want: have < want,
    ">": lambda have, want: have > want,
}


def numbers(version: str) -> tuple[int, ...]:
    """``12.4.5.8`` → ``(12, 4, 5, 8)``; whatever follows the numbers is left out."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def fits(version: str, wanted: str) -> bool:
    """Whether a version lies in a range such as ``>=12.4,<13``.

    A version known to fewer places than the range (a library says ``12.4.5`` of package
    ``12.4.5.8``) is compared in those places. What cannot be read is no reproach.
    """
    have = numbers(version)
    for clause in filter(None, (part.strip() for part in wanted.split(","))):
        match = _CLAUSE.fullmatch(clause)
        if match is None or not have:
            continue
        want = numbers(match[2])
        places = min(len(have), len(want)) if match[1] != "<" else len(want)
        padded = have + (0,) * (places - len(have))
        if not _JUDGES[match[1]](padded[:places], want[:places]):
            return False
    return True


def parse_requirement(text: str) -> tuple[str, str]:
    """``nvidia-cublas-cu12<13,>=12.4`` → ``("nvidia-cublas-cu12", "<13,>=12.4")``."""
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        return text, ""
    return re.sub(r"[-_.]+", "-", match[1]).lower(), match[2].strip()
