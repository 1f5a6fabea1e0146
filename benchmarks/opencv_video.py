"""What the FFmpeg inside a wheel of OpenCV reads, writes and opens: rows for opencv_modules.py."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

KINDS = {
    "decoder": "video is decoded from",
    "encoder": "video is encoded to",
    "demuxer": "containers are read",
    "muxer": "containers are written",
    "protocol": "addresses are opened by",
}
"""What is listed, and how the page calls it."""
PROBE = """
import ctypes, json, cv2
cv2.VideoCapture("no such file")  # FFmpeg is loaded with it
maps = {line.split(maxsplit=5)[-1].strip() for line in open("/proc/self/maps") if "/" in line}
def library(name):
    return ctypes.CDLL(next(path for path in maps if "/lib" + name in path))
codec, format = library("avcodec"), library("avformat")
def each(iterate):
    iterate.restype = ctypes.c_void_p
    state = ctypes.c_void_p()
    while found := iterate(ctypes.byref(state)):
        yield found
def name(found):  # the first field of each of these structures
    return ctypes.string_at(ctypes.c_void_p.from_address(found).value).decode()
listed = {"decoder": [], "encoder": [], "protocol": set()}
for found in each(codec.av_codec_iterate):
    if ctypes.c_int.from_address(found + 16).value == 0:  # AVMEDIA_TYPE_VIDEO
        kind = "encoder" if codec.av_codec_is_encoder(ctypes.c_void_p(found)) else "decoder"
        listed[kind].append(name(found))
listed["demuxer"] = [name(found) for found in each(format.av_demuxer_iterate)]
listed["muxer"] = [name(found) for found in each(format.av_muxer_iterate)]
format.avio_enum_protocols.restype = ctypes.c_char_p
for out in (0, 1):
    state = ctypes.c_void_p()
    while found := format.avio_enum_protocols(ctypes.byref(state), out):
        listed["protocol"].add(found.decode())
print(json.dumps({kind: sorted(names) for kind, names in listed.items()}))
"""
Listed = Mapping[str, frozenset[str]]


def ask(python: Path) -> Listed:
    """Names by kind, from the libraries that an interpreter's cv2 has loaded."""
    done = subprocess.run(
        [python, "-I", "-c", PROBE], check=True, capture_output=True, text=True, timeout=300
    )
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return {kind: frozenset(names) for kind, names in found.items()}


def rows(ours: Listed, theirs: Listed, why: Callable[[str], str]) -> list[list[str]]:
    """A row per kind, and below it one per reason for what only theirs has.

    Args:
        ours: What ours lists.
        theirs: What theirs lists.
        why: The reason for ``decoder vvc``.
    """
    found = []
    for kind, title in KINDS.items():
        mine, yours = ours[kind], theirs[kind]
        found.append([title, str(len(mine)), str(len(yours)), shown(mine - yours), "", ""])
        missing: dict[str, set[str]] = {}
        for name in sorted(yours - mine):
            missing.setdefault(why(f"{kind} {name}"), set()).add(name)
        found += [["", "", "", "", shown(names), reason] for reason, names in missing.items()]
    return found


def shown(names: set[str] | frozenset[str]) -> str:
    """Names in a cell."""
    return ", ".join(f"`{name}`" for name in sorted(names))
