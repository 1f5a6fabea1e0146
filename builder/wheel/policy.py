"""The manylinux policies for x86-64, read by ourselves so that auditwheel's answer has a second.

A test holds this table against the one auditwheel ships.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from builder.wheel.model import VersionNeed

Numbers = tuple[int, ...]

PROMISED = frozenset(
    (
        *("libatomic.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libm.so.6", "libmvec.so.1"),
        *("libanl.so.1", "libdl.so.2", "librt.so.1", "libc.so.6", "libnsl.so.1", "libutil.so.1"),
        *("libpthread.so.0", "libX11.so.6", "libXext.so.6", "libXrender.so.1", "libICE.so.6"),
        *("libSM.so.6", "libGL.so.1", "libgobject-2.0.so.0", "libgthread-2.0.so.0"),
        *("libglib-2.0.so.0", "libresolv.so.2", "libexpat.so.1", "libz.so.1"),
        "ld-linux-x86-64.so.2",
    )
)
"""Libraries a manylinux wheel may expect on its user's machine."""
SYSROOT = (2, 31)
"""The glibc of our sysroot: no wheel of ours may ask for more."""
_ALIASES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_MANYLINUX = re.compile(r"(manylinux_(\d+)_(\d+)|manylinux1|manylinux2010|manylinux2014)_x86_64")
_ODD = {
    "CXXABI_TM_1": (2, 17),
    "CXXABI_FLOAT128": (2, 24),
    "GLIBC_ABI_DT_RELR": (2, 36),
}
"""Versions that are no numbers, and the oldest policy with each."""


@dataclass(frozen=True, slots=True)
class Row:
    """The newest symbol versions one policy allows."""

    glibc: Numbers
    glibcxx: Numbers
    cxxabi: Numbers
    gcc: Numbers
    zlib: Numbers
    libatomic: Numbers

    def allowed(self) -> dict[str, Numbers]:
        """The newest version by prefix."""
        return {
            "GLIBC": self.glibc,
            "GLIBCXX": self.glibcxx,
            "CXXABI": self.cxxabi,
            "GCC": self.gcc,
            "ZLIB": self.zlib,
            "LIBATOMIC": self.libatomic,
        }


_Z4, _Z52, _Z9, _Z12 = (1, 2, 2, 4), (1, 2, 5, 2), (1, 2, 9), (1, 2, 12)
POLICIES: dict[Numbers, Row] = {
    (2, 5): Row((2, 5), (3, 4, 8), (1, 3, 1), (4, 2, 0), (), ()),
    (2, 12): Row((2, 12), (3, 4, 13), (1, 3, 3), (4, 3, 0), _Z4, ()),
    (2, 17): Row((2, 17), (3, 4, 19), (1, 3, 7), (4, 8, 0), _Z52, ()),
    (2, 24): Row((2, 24), (3, 4, 22), (1, 3, 10), (4, 8, 0), _Z52, (1, 2)),
    (2, 26): Row((2, 26), (3, 4, 22), (1, 3, 10), (4, 8, 0), _Z52, (1, 2)),
    (2, 27): Row((2, 27), (3, 4, 24), (1, 3, 11), (7, 0, 0), _Z9, (1, 2)),
    (2, 28): Row((2, 28), (3, 4, 24), (1, 3, 11), (7, 0, 0), _Z9, (1, 2)),
    (2, 31): Row((2, 31), (3, 4, 28), (1, 3, 12), (7, 0, 0), _Z9, (1, 2)),
    (2, 34): Row((2, 34), (3, 4, 29), (1, 3, 13), (7, 0, 0), _Z9, (1, 2)),
    (2, 35): Row((2, 35), (3, 4, 30), (1, 3, 13), (12, 0, 0), _Z9, (1, 2)),
    (2, 36): Row((2, 36), (3, 4, 30), (1, 3, 13), (12, 0, 0), _Z9, (1, 2)),
    (2, 37): Row((2, 36), (3, 4, 30), (1, 3, 13), (12, 0, 0), _Z12, (1, 2)),
    (2, 38): Row((2, 38), (3, 4, 30), (1, 3, 13), (12, 0, 0), _Z12, (1, 2)),
    (2, 39): Row((2, 39), (3, 4, 33), (1, 3, 15), (14, 0, 0), _Z12, (1, 2)),
    (2, 40): Row((2, 40), (3, 4, 33), (1, 3, 15), (14, 0, 0), _Z12, (1, 2)),
    (2, 41): Row((2, 41), (3, 4, 33), (1, 3, 15), (14, 0, 0), _Z12, (1, 2)),
}


def split_version(version: str) -> tuple[str, Numbers | None]:
    """``GLIBC_2.29`` as ``("GLIBC", (2, 29))``; None where what follows is no number."""
    prefix, _, rest = version.partition("_")
    if not re.fullmatch(r"\d+(?:\.\d+)*", rest):
        return prefix, None
    return prefix, tuple(int(part) for part in rest.split("."))


def oldest(needs: Iterable[VersionNeed]) -> tuple[Numbers | None, tuple[str, ...]]:
    """The oldest policy whose symbol versions suffice, and the versions that no older one has.

    None: no policy suffices (``GLIBC_PRIVATE``, or newer than any we know).
    """
    known = next(iter(POLICIES.values())).allowed().keys()
    found: dict[str, Numbers | None] = {}
    for need in needs:
        for version in need.versions:
            if not need.library.startswith("ld-linux") and split_version(version)[0] in known:
                found[version] = _oldest_with(version)
    if not found:
        return next(iter(POLICIES)), ()
    hopeless = tuple(sorted(version for version, policy in found.items() if policy is None))
    if hopeless:
        return None, hopeless
    newest = max(policy for policy in found.values() if policy is not None)
    return newest, tuple(sorted(version for version, policy in found.items() if policy == newest))


def _oldest_with(version: str) -> Numbers | None:
    if version in _ODD:
        return _ODD[version]
    prefix, numbers = split_version(version)
    if numbers is None:
        return None
    return next((name for name, row in POLICIES.items() if numbers <= row.allowed()[prefix]), None)


def newest_by_prefix(needs: Iterable[VersionNeed]) -> tuple[tuple[str, str], ...]:
    """The newest needed version of each known prefix, as sorted pairs."""
    known = next(iter(POLICIES.values())).allowed()
    found: dict[str, Numbers] = {}
    for need in needs:
        for version in need.versions:
            prefix, numbers = split_version(version)
            if prefix in known and numbers is not None:
                found[prefix] = max(found.get(prefix, ()), numbers)
    return tuple((prefix, ".".join(map(str, numbers))) for prefix, numbers in sorted(found.items()))


def tag(policy: Numbers) -> str:
    """``(2, 31)`` as ``manylinux_2_31_x86_64``."""
    return f"manylinux_{policy[0]}_{policy[1]}_x86_64"


def claimed(platform: str) -> Numbers | None:
    """The glibc a platform tag asks for; None if it is no manylinux tag for x86-64."""
    match = _MANYLINUX.fullmatch(platform)
    if match is None:
        return None
    if match[2] is None:
        return _ALIASES[match[1]]
    return int(match[2]), int(match[3])
