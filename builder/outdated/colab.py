"""Colab's published package list, held against what our wheels require and serve. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.targets import Targets

_PYTHON = re.compile(r"(?m)^Python (3\.\d+)")
_TORCH_CUDA = re.compile(r"cu(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Colab:
    """What Colab says it has.

    Attributes:
        python: ``3.13``, or None where it does not say.
        cuda: The CUDA of its PyTorch, ``cu128``, or None.
        packages: Versions by normalised name.
    """

    python: str | None
    cuda: str | None
    packages: Mapping[str, str]


def read_colab(packages: str, system: str) -> Colab:
    """Read `pip freeze`'s lines and what Colab tells of its system."""
    found = {}
    for line in packages.splitlines():
        name, separator, version = line.partition("==")
        if separator and not line.startswith("#"):
            found[str(canonicalize_name(name.strip()))] = version.partition(";")[0].strip()
    python = _PYTHON.search(system)
    torch = _TORCH_CUDA.search(found.get("torch", "").partition("+")[2])
    return Colab(
        python=python[1] if python else None, cuda=torch[0] if torch else None, packages=found
    )


def hold_against(
    colab: Colab, targets: Targets, requirements: Mapping[tuple[str, str], Iterable[str]]
) -> tuple[str, ...]:
    """What in Colab's list does not fit, one line each; empty where everything does.

    Args:
        colab: What Colab has.
        targets: What is built for.
        requirements: What each wheel requires, by recipe and CUDA label.
    """
    lines = []
    if colab.python is None:
        lines.append("Colab's list does not say which Python it has")
    elif colab.python not in targets.pythons:
        lines.append(
            f"Colab has Python {colab.python}, which is no target: add it to targets.toml (a wheel "
            "with abi3 or none serves it as it is; it is verified, not compiled)"
        )
    if colab.cuda is None:
        return (*lines, "Colab's list does not say which CUDA its PyTorch has")
    mine = [label for label in targets.labels if _serves(label, colab.cuda)]
    if not mine:
        lines.append(
            f"Colab's PyTorch has {colab.cuda}, and no CUDA of that major version is built"
        )
    for (recipe, label), texts in sorted(requirements.items()):
        if label in mine:
            lines += [f"{recipe} for {label}: {one}" for one in _clashes(texts, colab.packages)]
    return tuple(lines)


def _serves(label: str, theirs: str) -> bool:
    """Whether a wheel for one CUDA runs beside a PyTorch for another: of one major version."""
    return label[:-1] == theirs[:-1]


def _clashes(texts: Iterable[str], packages: Mapping[str, str]) -> Iterable[str]:
    for text in texts:
        try:
            requirement = Requirement(text)
            version = packages.get(canonicalize_name(requirement.name))
            if version is None or not requirement.name.startswith("nvidia-"):
                continue
            if not requirement.specifier.contains(Version(version), prereleases=True):
                yield f"it requires {text}, and Colab has {requirement.name} {version}"
        except (InvalidRequirement, InvalidVersion):
            yield f"'{text}' cannot be compared with Colab's"
