"""What a finished wheel promises, and whether it keeps it. Pure: no file is touched here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.errors import CheckError
from builder.plan.spec import BuildSpec
from builder.wheel.checks_code import code_violations
from builder.wheel.checks_companion import companion_violations
from builder.wheel.checks_libraries import library_violations
from builder.wheel.model import Inspection, Violation
from builder.wheel.policy import SYSROOT, claimed, tag

SANDBOX = "/mnt/wheelhouse"
"""Where compilation takes place; a path below it in a wheel means nothing to its user."""
# S108: compared with, never written to.
_COMMON = frozenset({"/", "/home", "/opt", "/srv", "/usr", "/var", "/tmp", "/mnt"})  # noqa: S108


def machine_needles(*folders: Path) -> tuple[str, ...]:
    """The paths that must not stand in a wheel built here.

    Args:
        folders: This machine's folders of the build (cache, work, project) besides the home folder.
    """
    found = {SANDBOX, f"{Path.home()}/"}
    for folder in folders:
        found |= {str(folder), str(folder.resolve())}
    return tuple(sorted(needle for needle in found if needle.rstrip("/") not in {"", *_COMMON}))


def check(
    inspection: Inspection, spec: BuildSpec | None, *, needles: Iterable[str], max_size: int | None
) -> tuple[Violation, ...]:
    """Every promise this wheel breaks, in a fixed order; empty if it keeps them all.

    Args:
        inspection: What is in the wheel, made with the same ``needles``.
        spec: What was asked for; None for a wheel of unknown making, of which only what holds for
            every wheel is checked.
        needles: Paths of the building machine (`machine_needles`).
        max_size: The recipe's limit in bytes, or None.
    """
    if inspection.recorded is not None and inspection.recorded.companion_of is not None:
        return tuple(companion_violations(inspection, inspection.recorded.companion_of))
    return (
        *(_identity(inspection, spec) if spec else ()),
        *_archive(inspection),
        *_platform(inspection),
        *library_violations(inspection, spec),
        *(code_violations(inspection, spec) if spec else ()),
        *_leaks(inspection, frozenset(needles)),
        *_size(inspection, max_size),
    )


def require(violations: Iterable[Violation], *, label: str) -> None:
    """Stop if there are violations.

    Raises:
        CheckError: there are; the message lists them all, each with its remedy.
    """
    found = tuple(violations)
    if not found:
        return
    lines = [f"{label}: {len(found)} promise{'s' if len(found) > 1 else ''} broken"]
    for violation in found:
        lines.append(f"  - {violation.message} [{violation.code}]")
        lines.append(f"    {violation.remedy}")
    raise CheckError(
        "\n".join(lines), remedy=f"builder inspect {label} shows everything in the wheel"
    )


def _identity(inspection: Inspection, spec: BuildSpec) -> Iterator[Violation]:
    remedy = "set it in the rendered pyproject.toml from the build spec, not by hand"
    name = canonicalize_name(spec.recipe)
    if inspection.name != name:
        message = f"the wheel is of '{inspection.name}', not of '{name}'"
        yield Violation(code="wrong-name", message=message, remedy=remedy)
    if Version(inspection.version) != Version(spec.public_version):
        message = f"the version is {inspection.version}, not {spec.public_version}"
        yield Violation(code="wrong-version", message=message, remedy=remedy)
    if inspection.build_tag != str(spec.revision):
        message = f"the build tag is {inspection.build_tag}, not {spec.revision}"
        yield Violation(code="wrong-build-tag", message=message, remedy=remedy)
    interpreters = {item.rpartition("-")[0] for item in inspection.tags}
    if interpreters != {spec.interpreter}:
        message = f"the tags are for {sorted(interpreters)}, not {spec.interpreter}"
        yield Violation(code="wrong-py-api", message=message, remedy=remedy)
    if not _same_pythons(inspection.requires_python, spec.requires_python):
        message = f"it requires Python {inspection.requires_python}, not {spec.requires_python}"
        yield Violation(code="wrong-requires-python", message=message, remedy=remedy)
    has, asked = _requirements(inspection.dependencies), _requirements(spec.dependencies)
    if has != asked:
        differing = ", ".join(sorted(has ^ asked))
        message = f"its dependencies are not those of the spec (differing: {differing})"
        yield Violation(code="wrong-dependencies", message=message, remedy=remedy)


def _same_pythons(has: str | None, asked: str) -> bool:
    try:
        return SpecifierSet(has or "") == SpecifierSet(asked)
    except InvalidSpecifier:
        return has == asked


def _requirements(texts: Iterable[str]) -> frozenset[str]:
    """Requirements in one spelling, without those of extras."""
    found = set()
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            found.add(text)
            continue
        if "extra" in str(requirement.marker or ""):
            continue
        requirement.name = canonicalize_name(requirement.name)
        found.add(str(requirement))
    return frozenset(found)


def _archive(inspection: Inspection) -> Iterator[Violation]:
    for problem in inspection.problems:
        yield Violation(
            code="archive",
            message=problem,
            remedy="something changed the wheel after it was made; repair the raw wheel again",
        )
    if inspection.pure and inspection.elves:
        yield Violation(
            code="pure",
            message="Root-Is-Purelib is true, but there are compiled files",
            remedy="set wheel.platlib = true in the recipe's [tool.scikit-build]",
        )


def _platform(inspection: Inspection) -> Iterator[Violation]:
    for platform in inspection.platforms:
        if claimed(platform) is None:
            yield Violation(
                code="platform-tag",
                message=f"the platform tag {platform} promises nothing to its user",
                remedy="only repaired wheels (manylinux, x86-64) leave the builder",
            )
    asked = [policy for policy in map(claimed, inspection.platforms) if policy is not None]
    if not asked:
        return
    needed = None if inspection.policy is None else claimed(inspection.policy)
    reasons = ", ".join(inspection.policy_reasons)
    if min(asked) > SYSROOT:
        yield Violation(
            code="platform-too-new",
            message=f"{tag(min(asked))} is newer than the sysroot's {tag(SYSROOT)}",
            remedy="something was compiled or grafted from outside the sysroot",
        )
    if needed is None or needed > min(asked):
        yield Violation(
            code="symbols-too-new",
            message=f"it claims {tag(min(asked))}, and needs {reasons} "
            f"({inspection.policy or 'in no policy'})",
            remedy="something was compiled or grafted from outside the sysroot",
        )


def _leaks(inspection: Inspection, needles: frozenset[str]) -> Iterator[Violation]:
    for leak in inspection.leaks:
        if leak.needle in needles:
            times = "" if leak.count == 1 else f" ({leak.count} times)"
            yield Violation(
                code="path-leak",
                message=f"{leak.path} holds a path of this machine{times}: …{leak.text}…",
                remedy="map it away (-ffile-prefix-map), or patch out what writes it",
            )


def _size(inspection: Inspection, max_size: int | None) -> Iterator[Violation]:
    if max_size is None or inspection.size <= max_size:
        return
    largest = ", ".join(
        f"{PurePosixPath(part.name).name} {part.size / 1e6:.1f} MB"
        for part in inspection.largest_files[:3]
    )
    yield Violation(
        code="too-large",
        message=f"{inspection.size / 1e6:.1f} MB is over the recipe's limit of "
        f"{max_size / 1e6:.1f} MB (largest, unpacked: {largest})",
        remedy="build fewer modules or architectures, or raise the recipe's limit",
    )
