"""The text of the CMake toolchain file: compilers, search roots, compile-cache launchers."""

from __future__ import annotations

from pathlib import Path

from builder.build.environment import Places
from builder.build.tools import IGNORED

TRIPLET = "x86_64-linux-gnu"


def toolchain_file(places: Places) -> str:
    """What CMake is told about the toolchain at ``places``.

    ``CMAKE_SYSTEM_NAME`` stays unset: with it CMake believes it is cross-compiling, and projects
    then skip checks and search differently.
    """
    host, cuda = places.host, places.cuda
    tool = f"{host}/bin/{TRIPLET}"
    maps = prefix_maps(places)
    flags = " ".join(f"-ffile-prefix-map={old}={new}" for old, new in maps)
    cuda_flags = " ".join(f"-Xcompiler=-ffile-prefix-map={old}={new}" for old, new in maps)
    roots = ";".join(str(p) for p in (cuda, host / "sysroot", places.project, places.build))
    sccache = f"{host}/bin/sccache"
    lines = [
        "# Written by the builder for one build.",
        *compilers(tool, cuda),
        f'set(CMAKE_C_FLAGS_INIT "{flags}")',
        f'set(CMAKE_CXX_FLAGS_INIT "{flags}")',
        # The run-time library is the user's nvidia package, and not every toolkit has a static one.
        f'set(CMAKE_CUDA_FLAGS_INIT "--cudart=shared {cuda_flags}")',
        "set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)",
        *(
            f'set(CMAKE_{language}_COMPILER_LAUNCHER "{sccache}" CACHE STRING "")'
            for language in ("C", "CXX", "CUDA")
        ),
        # Headers, libraries and packages come from the toolchain and the project alone.
        f'set(CMAKE_FIND_ROOT_PATH "{roots}")',
        "set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)",
        "set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)",
        "set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)",
        "set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)",
        # Programs too: CMake would look here by itself, and what it finds can end in the bytes.
        f'set(CMAKE_SYSTEM_IGNORE_PATH "{";".join(IGNORED)}")',
        "set(CMAKE_FIND_USE_PACKAGE_REGISTRY OFF)",
        "set(CMAKE_FIND_USE_SYSTEM_PACKAGE_REGISTRY OFF)",
        f'set(CUDAToolkit_ROOT "{cuda}" CACHE PATH "")',
        f'set(CUDA_TOOLKIT_ROOT_DIR "{cuda}" CACHE PATH "")',
        f'set(CUDA_HOST_COMPILER "{tool}-g++" CACHE FILEPATH "")',
        # No pkg-config: what this machine has installed is nobody's business.
        'set(PKG_CONFIG_EXECUTABLE "PKG_CONFIG_EXECUTABLE-NOTFOUND" CACHE FILEPATH "")',
        "set(CMAKE_DISABLE_FIND_PACKAGE_PkgConfig ON)",
    ]
    return "\n".join(lines) + "\n"


def compilers(tool: str, cuda: Path) -> list[str]:
    """The lines that name compilers and binary tools."""
    binutils = ("ar", "ranlib", "nm", "objcopy", "objdump", "readelf", "strip")
    return [
        f'set(CMAKE_C_COMPILER "{tool}-gcc")',
        f'set(CMAKE_CXX_COMPILER "{tool}-g++")',
        f'set(CMAKE_CUDA_COMPILER "{cuda}/bin/nvcc")',
        f'set(CMAKE_CUDA_HOST_COMPILER "{tool}-g++")',
        f'set(CMAKE_LINKER "{tool}-ld" CACHE FILEPATH "")',
        *(f'set(CMAKE_{name.upper()} "{tool}-{name}" CACHE FILEPATH "")' for name in binutils),
    ]


def prefix_maps(places: Places) -> tuple[tuple[str, str], ...]:
    """(real prefix, what stays in the binary) so that no folder of a build is left in it."""
    return tuple(
        (str(getattr(places, name)), name) for name in ("project", "build", "host", "cuda")
    )
