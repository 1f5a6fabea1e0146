"""The few basic programs of this machine a build may call; everything else of it is out of sight.

What a project finds on PATH can end in its bytes (a `nasm` switches on hand-written SIMD code, a
`ccache` or `git` is picked up), so PATH holds the toolchain and these, which every Linux has.
"""

from __future__ import annotations

import shutil
from pathlib import Path

SYSTEM = "/usr/bin:/bin"
BASICS = (
    *("sh", "env", "true", "false", "test", "[", "echo", "printf", "expr", "sleep", "date"),
    *("cat", "head", "tail", "tee", "wc", "od", "sort", "uniq", "tr", "cut", "paste", "comm"),
    *("sed", "grep", "egrep", "fgrep", "awk", "find", "xargs", "cmp", "diff"),
    *("cp", "mv", "rm", "ln", "ls", "mkdir", "rmdir", "touch", "chmod", "install", "mktemp"),
    *("pwd", "dirname", "basename", "readlink", "realpath", "uname", "id", "nproc"),
    *("tar", "gzip", "gunzip", "sha256sum", "md5sum"),
)
PREFIXES = ("", "/usr", "/usr/local", "/opt", "/usr/pkg")
IGNORED = (
    *(f"{prefix}/bin" for prefix in PREFIXES),
    *(f"{prefix}/sbin" for prefix in PREFIXES),
    *("/usr/games", "/usr/local/games", "/usr/X11R6/bin"),
)
"""Folders in which CMake looks for programs by itself, whatever PATH says."""


def link_tools(folder: Path) -> None:
    """Make ``folder`` and fill it with links to the basic programs this machine has."""
    folder.mkdir(parents=True)
    for name in BASICS:
        found = shutil.which(name, path=SYSTEM)
        if found is not None:
            (folder / name).symlink_to(found)
