"""From the raw wheel to the one that is published: auditwheel, then the same bytes every time."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

from builder.errors import CheckError, ToolchainError
from builder.process import CommandFailedError, run
from builder.wheel import policy
from builder.wheel.archive import Wheel, is_elf
from builder.wheel.write import DEFAULT_EPOCH, rewrite

if TYPE_CHECKING:  # importing them for real would load half the builder
    from builder.plan.spec import BuildSpec
    from builder.toolchain.model import Toolchain

_SYSROOT_FOLDERS = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib", "lib")
_NOT_FOUND = re.compile(r'required library "([^"]+)" could not be located')
_TOO_RECENT = re.compile(r"too-recent versioned symbols")
_LATER = ("builder.wheel.run_path", "builder.wheel.sbom", "builder.wheel.inspect")
"""What is needed when auditwheel is done, and takes as long to load."""


def repair(
    raw: Path,
    *,
    spec: BuildSpec,
    toolchain: Toolchain,
    into: Path,
    log: IO[str] | None,
    natives: Path | None = None,
) -> Path:
    """Make a wheel portable and give it its platform tag.

    Libraries are looked for among the natives built with the wheel and in the toolchain's sysroot
    and CUDA prefix alone, never on this machine; those of ``spec.excluded_libs`` stay out, and run
    paths to them stay in, as DT_RPATH (`builder.wheel.run_path`). The result is written anew so
    that the same raw wheel always gives the same bytes, with a bill of materials and its build spec
    in it. It is not checked yet.

    Args:
        raw: The wheel the build made; its build tag and Python tags are kept.
        spec: What it was built from.
        toolchain: What it was built with.
        into: The folder of the repaired wheel.
        log: Where auditwheel's output goes.
        natives: Folder of the shared libraries that were built with the wheel, if any.

    Returns:
        The repaired wheel, its tag no newer than the sysroot's.

    Raises:
        CheckError: it cannot be repaired (a library is missing, symbols are too new), or there is
            nothing compiled in it.
        ToolchainError: the toolchain is damaged.
    """
    _require_patchelf(toolchain)
    _require_compiled(raw)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".repair.", dir=into) as scratch:
        places = _places(toolchain, natives)
        loading = threading.Thread(target=_load, daemon=True)
        loading.start()
        try:
            repaired = _audited(raw, spec, toolchain, places=places, scratch=Path(scratch), log=log)
        finally:
            loading.join()
        _check_tag(repaired)
        return _finish(repaired, spec, into)


def _require_patchelf(toolchain: Toolchain) -> None:
    if not (toolchain.host / "bin" / "patchelf").is_file():
        raise ToolchainError(
            f"the toolchain in '{toolchain.host}' has no patchelf",
            remedy=f"builder toolchain remove {toolchain.label}, and install it again",
        )


def _require_compiled(raw: Path) -> None:
    with Wheel(raw) as wheel:
        if not any(is_elf(wheel.start(name, 4)) for name in wheel):
            raise CheckError(
                f"{raw.name}: there is nothing compiled in it",
                remedy="look whether the recipe's CMakeLists.txt installs its targets",
            )


def _audited(
    raw: Path,
    spec: BuildSpec,
    toolchain: Toolchain,
    *,
    places: str,
    scratch: Path,
    log: IO[str] | None,
) -> Path:
    """The wheel as auditwheel repairs it, in the scratch folder."""
    output, temporary = scratch / "out", scratch / "tmp"
    output.mkdir()
    temporary.mkdir()
    command = _command(raw, spec=spec, places=places, output=output)
    try:
        run(command, env=_environment(toolchain, temporary), cwd=temporary, log=log)
    except CommandFailedError as error:
        raise _explain(raw, error) from None
    return _only_wheel(output, raw)


def _load() -> None:
    """Import, while auditwheel runs, what its result needs; an error shows where it is used."""
    with contextlib.suppress(Exception):
        for module in _LATER:
            importlib.import_module(module)


def _finish(repaired: Path, spec: BuildSpec, into: Path) -> Path:
    """Write it anew: every run path of the one kind, and what it says of itself."""
    # Here: only repair needs their libraries.
    from builder.wheel.run_path import by_rpath
    from builder.wheel.sbom import NOT_OURS, about

    def changes(wheel: Wheel) -> dict[str, bytes]:
        files = by_rpath(wheel)
        return files | about(wheel, spec, instead=files)

    return rewrite(repaired, into, add=changes, without=(NOT_OURS,))


def _places(toolchain: Toolchain, natives: Path | None) -> str:
    """The folders libraries are looked for in, as auditwheel takes them."""
    folders = [] if natives is None else [natives]
    folders += [toolchain.host / "sysroot" / folder for folder in _SYSROOT_FOLDERS]
    folders.append(toolchain.cuda / "lib64")
    return ":".join(str(folder) for folder in folders if folder.is_dir())


def _command(raw: Path, *, spec: BuildSpec, places: str, output: Path) -> list[str | Path]:
    # -I: neither PYTHONPATH nor a user's site folder may put another auditwheel in its place.
    command: list[str | Path] = [sys.executable, "-I", "-m", "auditwheel", "repair"]
    # Level 0: what auditwheel packs is unpacked again at once, to be written by `rewrite`.
    command += ["--plat", "auto", "-z", "0", "--ldpaths", places, "--wheel-dir", output]
    for pattern in spec.excluded_libs:
        command += ["--exclude", pattern]
    return [*command, raw.resolve()]


def _environment(toolchain: Toolchain, temporary: Path) -> dict[str, str]:
    return {
        "PATH": str(toolchain.host / "bin"),  # patchelf; nothing of this machine
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": str(DEFAULT_EPOCH),
    }


def _only_wheel(folder: Path, raw: Path) -> Path:
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise CheckError(f"{raw.name}: auditwheel made {len(found)} wheels of it, not one")
    return found[0]


def _check_tag(repaired: Path) -> None:
    with Wheel(repaired) as wheel:
        platforms = sorted({tag.platform for tag in wheel.named.tags})
    asked = [policy.claimed(platform) for platform in platforms]
    if None in asked or not asked:
        raise CheckError(
            f"repair gave the platform tag {', '.join(platforms)}, which promises nothing",
            remedy="only manylinux wheels for x86-64 leave the builder",
        )
    oldest = min(item for item in asked if item is not None)
    if oldest > policy.SYSROOT:
        raise CheckError(
            f"repair gave {policy.tag(oldest)}, newer than the sysroot's "
            f"{policy.tag(policy.SYSROOT)}",
            remedy="something was compiled or linked against this machine's own libraries",
        )


def _explain(raw: Path, error: CommandFailedError) -> CheckError:
    missing = _NOT_FOUND.search(error.output)
    if missing:
        return CheckError(
            f"{raw.name} needs {missing[1]}, which is neither excluded, nor in the sysroot, nor in "
            "the CUDA prefix",
            remedy="link it statically, or exclude it and depend on the package that has it",
        )
    if _TOO_RECENT.search(error.output):
        return CheckError(
            f"{raw.name} needs newer symbols than any manylinux policy has",
            remedy="something was compiled or linked against this machine's own libraries",
        )
    tail = "\n".join(error.output.splitlines()[-8:])
    return CheckError(f"{raw.name} cannot be repaired:\n{tail}")
