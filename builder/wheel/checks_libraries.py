"""Checks of the libraries a wheel carries and those it expects to find."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from builder.plan.spec import BuildSpec
from builder.wheel.inspect import run_folder, run_folders
from builder.wheel.model import ElfFacts, Inspection, Violation
from builder.wheel.policy import PROMISED

DRIVER = ("libcuda.so.*", "libnvidia-*.so.*", "libnvcuvid.so.*", "libnvoptix.so.*")
"""Libraries of the NVIDIA driver: on the machine itself, never in a package."""
_HOMES = (
    ("libcudart", "cuda_runtime"),
    ("libcublas", "cublas"),
    ("libnvblas", "cublas"),
    ("libcudnn", "cudnn"),
    ("libcufft", "cufft"),
    ("libcurand", "curand"),
    ("libcusolver", "cusolver"),
    ("libcusparse", "cusparse"),
    ("libnpp", "npp"),
    ("libnvjpeg", "nvjpeg"),
    ("libnvrtc", "cuda_nvrtc"),
    ("libnvJitLink", "nvjitlink"),
    ("libnccl", "nccl"),
    ("libcupti", "cuda_cupti"),
)
"""Which of NVIDIA's packages (`nvidia/<component>/lib`) a library lies in."""
_COMPANIONS = (("libcublas.so.", "libcublasLt.so."), ("libnpp", "libnppc.so."))
"""What libraries of NVIDIA's need themselves, and look for on ``LD_LIBRARY_PATH`` first."""
_GRAFT_HASH = re.compile(r"-[0-9a-f]{8}(?=\.)")


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name fits one of the patterns (fnmatch, as auditwheel compares sonames)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def library_violations(inspection: Inspection, spec: BuildSpec | None) -> Iterator[Violation]:
    """Libraries carried without leave, needed without being there, or out of the loader's reach."""
    if spec is not None:
        yield from _vendored(inspection, spec)
    for elf in inspection.elves:
        if elf.machine != "x86_64":
            yield Violation(
                code="machine",
                message=f"{elf.path} is for {elf.machine}",
                remedy="ship x86-64 files only",
            )
        yield from _versions(elf)
        yield from _run_paths(elf)
        yield from _inside(elf, inspection)
        yield from _families(elf)
        if spec is not None:
            yield from _outside(elf, inspection, spec)


def _vendored(inspection: Inspection, spec: BuildSpec) -> Iterator[Violation]:
    for name in inspection.vendored:
        if not matches(name, spec.allowed_libs) and not matches(
            _GRAFT_HASH.sub("", name), spec.allowed_libs
        ):
            yield Violation(
                code="library-grafted",
                message=f"{name} was grafted into .libs/, and is not on the recipe's list",
                remedy="link it statically, exclude it, or list it (libraries the wheel may carry)",
            )


def _versions(elf: ElfFacts) -> Iterator[Violation]:
    for need in elf.version_needs:
        if need.library not in elf.needed:
            yield Violation(
                code="version-need",
                message=f"{elf.path} needs versions of {need.library}, which is not in its NEEDED",
                remedy="exclude all of a family of libraries or none of it",
            )


def _run_paths(elf: ElfFacts) -> Iterator[Violation]:
    for run_path in elf.run_paths:
        if run_folder(elf, run_path) is None:
            yield Violation(
                code="run-path",
                message=f"{elf.path} looks for libraries in '{run_path}'",
                remedy="use $ORIGIN-relative run paths that stay below site-packages",
            )
    if elf.run_paths and not elf.legacy_run_path:
        yield Violation(
            code="run-path-kind",
            message=f"{elf.path} has its run path as DT_RUNPATH: LD_LIBRARY_PATH comes before it",
            remedy="repair the raw wheel again, which makes it DT_RPATH, or link it so",
        )


def _families(elf: ElfFacts) -> Iterator[Violation]:
    """A file's run path counts for what it needs itself, not for what that needs in turn."""
    for prefix, companion in _COMPANIONS:
        first = next((soname for soname in elf.needed if soname.startswith(prefix)), None)
        if first is not None and not any(name.startswith(companion) for name in elf.needed):
            other = companion + first.rpartition(".so.")[2]
            yield Violation(
                code="library-family",
                message=f"{elf.path} needs {first} and not {other}, which that would take from "
                "LD_LIBRARY_PATH",
                remedy=f"link {other} as well (-Wl,--no-as-needed): it is found where {first} is",
            )


def _inside(elf: ElfFacts, inspection: Inspection) -> Iterator[Violation]:
    """Libraries of the wheel itself must lie where the file that needs them looks."""
    places: dict[str, set[str]] = {}
    for other in inspection.elves:
        folder, name = posixpath.split(other.installed)
        places.setdefault(name, set()).add(folder)
    for soname in elf.needed:
        if soname in places and not places[soname] & {folder or "." for folder in run_folders(elf)}:
            where = ", ".join(sorted(places[soname]))
            yield Violation(
                code="library-unreachable",
                message=f"{elf.path} needs {soname} of this wheel, and does not look in {where}",
                remedy="add a run path such as $ORIGIN/../X.libs to that file",
            )


def _outside(elf: ElfFacts, inspection: Inspection, spec: BuildSpec) -> Iterator[Violation]:
    external = {item.soname for item in inspection.external}
    for soname in elf.needed:
        if soname not in external or soname in PROMISED:
            continue
        if not matches(soname, spec.excluded_libs):
            yield Violation(
                code="library-missing",
                message=f"{elf.path} needs {soname}: not in the wheel, not excluded, and not "
                "promised by manylinux",
                remedy="link it statically, or exclude it and depend on the package that has it",
            )
        elif not matches(soname, DRIVER) and not _covered(elf, soname, spec):
            yield Violation(
                code="library-unreachable",
                message=f"{elf.path} needs {soname}, and no run path of it leads there "
                f"(it looks in {', '.join(run_folders(elf)) or 'nothing'})",
                remedy="set the target's INSTALL_RPATH from WHEELHOUSE_RUN_PATHS",
            )


def _covered(elf: ElfFacts, soname: str, spec: BuildSpec) -> bool:
    folders = set(run_folders(elf))
    for prefix, component in _HOMES:
        if soname.startswith(prefix):
            shared = f"nvidia/cu{spec.cuda_version.partition('.')[0]}/lib"
            return bool(folders & {f"nvidia/{component}/lib", shared})
    return bool(folders & set(spec.run_paths))
