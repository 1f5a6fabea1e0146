"""What we have and what OpenCV's own wheel has, row by row: writes docs/opencv-modules.md.

``python benchmarks/opencv_modules.py --ours PYTHON --theirs PYTHON [--write FILE]``: two
interpreters, one with our `full` wheel, one with opencv-contrib-python-headless of the same
version. Modules and features come from both wheels' ``cv2.getBuildInformation()``, names from what
``import cv2`` gives, video formats from the FFmpeg inside (opencv_video.py). Every difference to
our loss must have a reason in opencv_modules.toml; one that has none, or a reason that no
difference needs any more, ends in exit code 1.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import opencv_video

REASONS = Path(__file__).with_suffix(".toml")
PROBE = """
import json, types, cv2
found, seen = {}, set()
def walk(module, path):
    seen.add(id(module))
    for name in dir(module):
        value = getattr(module, name, None)
        if name.startswith("_"):
            continue
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith("cv2.") and id(value) not in seen:
                walk(value, path + "." + name)
        else:
            found.setdefault(path, []).append(name)
            if isinstance(value, type) and getattr(value, "__module__", "").startswith("cv2"):
                members = [one for one in vars(value) if not one.startswith("_")]
                found[path] += [name + "." + one for one in members]
walk(cv2, "cv2")
print(json.dumps({"information": cv2.getBuildInformation(), "names": found,
                  "version": cv2.__version__}))
"""
SECTIONS = (
    "CPU/HW features",
    "GUI",
    "Media I/O",
    "Video I/O",
    "Parallel framework",
    "Trace",
    "Other third-party libraries",
    "NVIDIA CUDA",
    "cuDNN",
    "OpenCL",
)
"""Parts of the build information that are compared line by line."""
SKIPPED = ("at", "Include path", "Link libraries", "requested", "SIMD Support Request")
"""Lines of those that say where something lies, or what was asked for."""
ABSENT = re.compile(r"(NO|NONE|-)?(?: .*)?|.*\bNO$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One wheel: modules, features it says it has, names by module of Python, FFmpeg's lists."""

    version: str
    modules: frozenset[str]
    features: Mapping[str, str]
    names: Mapping[str, frozenset[str]]
    video: opencv_video.Listed


def ask(python: Path) -> Side:
    """Import cv2 in an interpreter and read what it says of itself."""
    done = subprocess.run(
        [python, "-I", "-c", PROBE], check=True, capture_output=True, text=True, timeout=300
    )
    data: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    features = lines(data["information"])
    return Side(
        version=data["version"],
        modules=frozenset(features["OpenCV modules / To be built"].split()),
        features={label: value for label, value in features.items() if compared(label)},
        names={module: frozenset(found) for module, found in data["names"].items()},
        video=opencv_video.ask(python),
    )


def lines(information: str) -> dict[str, str]:
    """``Media I/O / JPEG / SIMD Support`` → ``YES``: one entry per line with a label."""
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in information.splitlines():
        match = re.fullmatch(r"( *)([^:]+):(?: +(.*))?", line)
        if match is None:
            continue
        depth = len(match[1])
        path = [part for part in path if part[0] < depth]
        path.append((depth, re.sub(r" \(\d+ files\)", "", match[2].strip())))
        found[" / ".join(label for _, label in path)] = (match[3] or "").strip()
    return found


def compared(label: str) -> bool:
    """Whether a line says what the wheel can do."""
    parts = label.split(" / ")
    return parts[0] in SECTIONS and parts[-1] not in SKIPPED


def has(value: str | None) -> bool:
    """Whether a feature's line means that it is there; a heading's own line means nothing."""
    return value is not None and not ABSENT.fullmatch(value)


def short(value: str | None) -> str:
    """A cell: without the folders of the machine that built it."""
    text = re.sub(r"/[^ )]*/", "", value or "no")
    return text.replace("|", "\\|") or "yes"


def module_rows(ours: Side, theirs: Side, why: Reasons) -> list[list[str]]:
    """A row per module that either has."""
    rows = []
    for name in sorted(ours.modules | theirs.modules):
        mine, yours = name in ours.modules, name in theirs.modules
        reason = "" if mine else why.of(f"module {name}")
        rows.append([f"`{name}`", "yes" if mine else "no", "yes" if yours else "no", reason])
    return rows


def feature_rows(ours: Side, theirs: Side, why: Reasons) -> list[list[str]]:
    """A row per line of the build information in which something is there."""
    rows = []
    for label in dict.fromkeys((*theirs.features, *ours.features)):
        mine, yours = ours.features.get(label), theirs.features.get(label)
        if has(mine) or has(yours):
            reason = why.of(label) if has(yours) and not has(mine) else ""
            rows.append([label, short(mine), short(yours), reason])
    return rows


def name_rows(ours: Side, theirs: Side, why: Reasons) -> list[list[str]]:
    """A row per module of Python: how many names each has, and which only they have."""
    rows = []
    for module in sorted({*ours.names, *theirs.names}):
        mine, yours = ours.names.get(module, frozenset()), theirs.names.get(module, frozenset())
        missing = sorted(yours - mine)
        whys = dict.fromkeys(why.of(f"{module}.{name}") for name in missing)
        lost = [
            name for name in missing if name.partition(".")[0] not in missing or "." not in name
        ]
        rows.append([f"`{module}`", str(len(mine)), str(len(yours)), str(len(mine - yours))])
        rows[-1] += [", ".join(f"`{name}`" for name in lost), "; ".join(whys)]
    return rows


def reasons() -> dict[str, str]:
    """The file beside this program: pattern to reason."""
    found = tomllib.loads(REASONS.read_text(encoding="utf-8"))["missing"]
    return {pattern: one["why"] for one in found for pattern in one["what"]}


class Reasons:
    """Why something is missing, from the file beside this program; notes what was used."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table
        self._used: set[str] = set()
        self.unexplained: list[str] = []

    def of(self, what: str) -> str:
        """The reason for a module, a feature, or a public name with its module."""
        for pattern, reason in self._table.items():
            if fnmatchcase(what, pattern):
                self._used.add(pattern)
                return reason
        self.unexplained.append(what)
        return "**?**"

    @property
    def unused(self) -> list[str]:
        """Reasons for what is not missing."""
        return sorted(set(self._table) - self._used)


VIDEO = """\
## Video
What FFmpeg has in both, for pictures (neither plays sound). Theirs writes H.264 and HEVC with the
encoder of a small board alone, ours with an NVIDIA GPU's: neither has one in software, for those
are GPL. In both `mp4v`, `XVID`, `MJPG` and the like are written everywhere.
"""
WITHOUT_DATA = """\
## There by name, without its data
OpenCV's CMake fetches some data from GitHub while configuring. Nothing is fetched here: what a
build needs is pinned in its recipe, or off. So in ours:
- `cv2.xfeatures2d.BoostDesc_create()` and `VGG_create()` raise `error: (-213:The function/feature
  is not implemented)`, and work in theirs: their tables are in no package registry. The other
  descriptors of `xfeatures2d` need none.
- The optical flow hardware of `cudaoptflow` (`NvidiaOpticalFlow_1_0` and `_2_0`) raises an error:
  NVIDIA's headers for it are downloaded too. Theirs has no `cudaoptflow`.
- Models that are given by path are in neither wheel: the landmark models of `cv2.face`
  (`createFacemarkLBF`, `createFacemarkKazemi`) and the four files of `cv2.wechat_qrcode`.
"""
"""What no table shows: names that are the same, and what stands behind them is not."""


def page(ours: Side, theirs: Side, why: Reasons) -> str:
    """The page's text."""
    return f"""\
# Ours and theirs

What the `full` wheel of opencv-cuda {ours.version} has, beside `opencv-contrib-python-headless`
{theirs.version} from the package index. Written by `benchmarks/opencv_modules.py` from both wheels'
`cv2.getBuildInformation()`, public names and the lists of the FFmpeg inside; the reasons are in
`benchmarks/opencv_modules.toml`.

## Modules
{markdown(["module", "ours", "theirs", "why not"], module_rows(ours, theirs, why))}

## Features
{markdown(["feature", "ours", "theirs", "why not"], feature_rows(ours, theirs, why))}

{VIDEO}
{
        markdown(
            ["", "ours", "theirs", "only ours", "only theirs", "why not"],
            opencv_video.rows(ours.video, theirs.video, why.of),
        )
    }

{WITHOUT_DATA}
## Names
Functions, classes with their members, and constants.

{
        markdown(
            ["module", "ours", "theirs", "only ours", "only theirs", "why"],
            name_rows(ours, theirs, why),
        )
    }
"""


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    every = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in every)


def main() -> int:
    """Write the page; 1 if a difference has no reason, or a reason no difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", type=Path, required=True, help="a Python with our wheel")
    parser.add_argument("--theirs", type=Path, required=True, help="a Python with OpenCV's own")
    parser.add_argument("--write", type=Path, help="the page (default: print it)")
    options = parser.parse_args()
    why = Reasons(reasons())
    text = page(ask(options.ours), ask(options.theirs), why)
    if options.write is None:
        print(text)
    else:
        options.write.write_text(text, encoding="utf-8")
    for what in why.unexplained:
        print(f"{what}: theirs has it, and {REASONS.name} gives no reason", file=sys.stderr)
    for what in why.unused:
        print(f"{REASONS.name} explains {what}, which is not missing", file=sys.stderr)
    return 1 if why.unexplained or why.unused else 0


if __name__ == "__main__":
    sys.exit(main())
