"""What turns Debian's packages into a compiler that runs from any folder on any distribution.

The compiler's programs are set to the sysroot's own dynamic loader and libraries, so they need
nothing of the machine but its kernel. The libraries themselves are left as Debian made them: they
are also what wheels are linked with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from builder import process
from builder.errors import ToolchainError
from builder.toolchain.layout import make_executable
from index.files import write_text

TRIPLET = "x86_64-linux-gnu"
GCC = "10"
LOADER = "lib64/ld-linux-x86-64.so.2"
LIBRARY_FOLDERS = (f"usr/lib/{TRIPLET}", f"lib/{TRIPLET}")
PROGRAM_FOLDERS = ("usr/bin", f"usr/lib/gcc/{TRIPLET}/{GCC}")
COMPILERS = {
    "gcc": ("gcc", "cc", f"gcc-{GCC}", f"{TRIPLET}-cc", f"{TRIPLET}-gcc-{GCC}"),
    "g++": ("g++", "c++", f"g++-{GCC}", f"{TRIPLET}-c++", f"{TRIPLET}-g++-{GCC}"),
    "cpp": ("cpp", f"cpp-{GCC}", f"{TRIPLET}-cpp-{GCC}"),
}
"""Each wrapped compiler and the further names it goes by."""

WRAPPER = """\
#!/bin/sh
# {name} of the host toolchain {digest}: compile caches hash this file as the compiler.
here=${{0%/*}}
case $here in
  /*/bin) root=${{here%/bin}} ;;
  *) root=$here/.. ;;
esac
exec "$root/sysroot/usr/bin/{program}" --sysroot="$root/sysroot" -B"$root/sysroot/usr/bin" "$@"
"""


def wrapper(name: str, *, digest: str) -> str:
    """A compiler's wrapper: the pinned program with its sysroot, wherever the prefix lies."""
    return WRAPPER.format(name=name, digest=digest, program=f"{TRIPLET}-{name}-{GCC}")


def finish_host(prefix: Path, *, final: Path, digest: str) -> None:
    """Complete a prefix whose packages are in place, for its final path.

    Raises:
        ToolchainError: a part is missing.
        CommandFailedError: patchelf failed.
    """
    sysroot = prefix / "sysroot"
    make_executable(prefix / "bin")
    _set_loader(sysroot, final=final, patchelf=prefix / "bin" / "patchelf")
    for name, others in COMPILERS.items():
        target = f"{TRIPLET}-{name}"
        write_text(prefix / "bin" / target, wrapper(name, digest=digest), mode=0o755)
        for other in others:
            (prefix / "bin" / other).symlink_to(target)
    _link_binutils(prefix)


def _set_loader(sysroot: Path, *, final: Path, patchelf: Path) -> None:
    if not (sysroot / LOADER).exists():
        raise ToolchainError(f"the sysroot has no '{LOADER}'")
    for folder in PROGRAM_FOLDERS:
        programs = list(dynamic_programs(sysroot / folder))
        if not programs:
            raise ToolchainError(f"no programs in the sysroot's '{folder}'")
        process.run(
            [
                patchelf,
                "--set-interpreter",
                final / "sysroot" / LOADER,
                "--force-rpath",
                "--set-rpath",
                run_path(folder),
                *programs,
            ],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )


def run_path(folder: str) -> str:
    """The run path of programs in a sysroot's folder: the sysroot's libraries, found relatively."""
    return ":".join(f"$ORIGIN/{os.path.relpath(library, folder)}" for library in LIBRARY_FOLDERS)


def dynamic_programs(folder: Path) -> Iterator[Path]:
    """The programs directly in a folder that need a dynamic loader, sorted."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            try:
                segments = [segment["p_type"] for segment in ELFFile(file).iter_segments()]
            except ELFError:
                continue
        if "PT_INTERP" in segments:
            yield path


def _link_binutils(prefix: Path) -> None:
    """Make the binary utilities known under both of their names in ``bin``."""
    start = f"{TRIPLET}-"
    for path in sorted((prefix / "sysroot" / "usr" / "bin").iterdir()):
        name = path.name
        if not name.startswith(start) or name.endswith(f"-{GCC}"):
            continue
        for link in (name, name.removeprefix(start)):
            (prefix / "bin" / link).symlink_to(f"../sysroot/usr/bin/{name}")
