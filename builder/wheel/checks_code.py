"""Checks of the GPU code in a wheel: exactly what was asked for, in every file and module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.plan.spec import BuildSpec
from builder.wheel.cuda_code import sort_key
from builder.wheel.model import ElfFacts, Inspection, Violation


def code_violations(inspection: Inspection, spec: BuildSpec) -> Iterator[Violation]:
    """GPU code that is missing, was not asked for, or is not in every module of a file."""
    asked = frozenset(spec.architectures)
    asked_ptx = frozenset(() if spec.ptx is None else (spec.ptx,))
    files = [elf for elf in inspection.elves if elf.cuda is not None and not elf.vendored]
    if not files and (asked or asked_ptx):
        yield Violation(
            code="code-none",
            message="there is no GPU code in the wheel at all",
            remedy="the build did not find CUDA; look for what configuring says about it",
        )
    for elf in files:
        assert elf.cuda is not None
        yield from _compare(elf, "machine code", asked, elf.cuda.architectures("elf"))
        yield from _compare(elf, "PTX", asked_ptx, elf.cuda.architectures("ptx"))
        yield from _modules(elf, asked)


def _compare(
    elf: ElfFacts, what: str, asked: frozenset[str], has: frozenset[str]
) -> Iterator[Violation]:
    remedy = "pass WHEELHOUSE_CUDA_ARCHITECTURES on to every target, and prune static libraries"
    if asked - has:
        yield Violation(
            code="code-missing",
            message=f"{elf.path} has no {what} for {_list(asked - has)}, which was asked for",
            remedy=remedy,
        )
    if has - asked:
        yield Violation(
            code="code-unasked",
            message=f"{elf.path} has {what} for {_list(has - asked)}, which was not asked for",
            remedy=remedy,
        )


def _modules(elf: ElfFacts, asked: frozenset[str]) -> Iterator[Violation]:
    """One translation unit compiled for fewer architectures fails only when its kernels run."""
    assert elf.cuda is not None
    for code in elf.cuda.codes:
        lacking = elf.cuda.modules - code.modules
        if code.kind == "elf" and code.architecture in asked and lacking:
            yield Violation(
                code="code-partial",
                message=f"{elf.path}: {lacking} of {elf.cuda.modules} CUDA modules have no machine "
                f"code for {code.architecture}",
                remedy="compile every CUDA source file for the same architectures",
            )


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names, key=sort_key))
