"""What an empty companion wheel promises: that it is empty, and leads to the wheel it is for."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.wheel.companion import TAG
from builder.wheel.model import Inspection, Violation

_REMEDY = "build the recipe's wheel again; its companions are made with it"


def companion_violations(inspection: Inspection, main: str) -> Iterator[Violation]:
    """Every promise broken by a companion of the project ``main`` (normalised name)."""
    for problem in inspection.problems:
        yield Violation(code="archive", message=problem, remedy=_REMEDY)
    if inspection.tags != (TAG,):
        message = f"an empty wheel has the tag {TAG}, not {', '.join(inspection.tags)}"
        yield Violation(code="companion-tag", message=message, remedy=_REMEDY)
    files = [part.name for part in inspection.largest_files if ".dist-info/" not in part.name]
    if files:
        message = f"a companion is empty, and this one holds {', '.join(files)}"
        yield Violation(code="companion-not-empty", message=message, remedy=_REMEDY)
    local = Version(inspection.version).local
    if local is None or not _leads_back(inspection.dependencies, main, local):
        needs = ", ".join(inspection.dependencies) or "nothing"
        message = f"it must require one version of {main} of its own CUDA; it requires {needs}"
        yield Violation(code="companion-requires", message=message, remedy=_REMEDY)


def _leads_back(dependencies: tuple[str, ...], main: str, local: str) -> bool:
    """Whether the one requirement is ``main==VERSION+LOCAL``."""
    try:
        (requirement,) = map(Requirement, dependencies)
        (specifier,) = requirement.specifier
        version = Version(specifier.version)
    except (InvalidRequirement, InvalidVersion, ValueError):
        return False
    return (
        canonicalize_name(requirement.name) == main
        and requirement.marker is None
        and specifier.operator == "=="
        and version.local == local
    )
