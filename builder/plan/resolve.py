"""From a recipe and a CUDA to a frozen build spec, with nothing left to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from builder.errors import PlanError
from builder.plan.natives import NativeFiles, chosen_natives, read_natives, rules_sha256
from builder.plan.spec import BuildSpec, CompanionSpec, SourceSpec, source_spec
from builder.recipe.fields import (
    CUDA_ARCH_BIN_DEFINE,
    CUDA_ARCH_PTX_DEFINE,
    CUDA_ARCHITECTURES_DEFINE,
    CUDA_VERSION_DEFINE,
    DEFAULT,
    EACH,
    NATIVES_DEFINE,
    PYTHON_DEFINE,
    RUN_PATHS_DEFINE,
)
from builder.recipe.files import file_sha256, project_files
from builder.recipe.schema import Profile, Recipe
from builder.targets import Architectures, Cuda, Targets, load_targets, parse_architectures


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFiles:
    """The hashes of a recipe's files, read once for all its builds.

    Attributes:
        project: (path, sha256) of the project's own files, sorted.
        patches: sha256 by path of every patch a source names.
        natives: Every native library that one of its profiles needs, each after what it needs.
    """

    project: tuple[tuple[str, str], ...]
    patches: Mapping[str, str]
    natives: tuple[NativeFiles, ...] = ()


def read_files(recipe: Recipe, folder: Path) -> RecipeFiles:
    """Hash the project files and patches in a recipe's folder, and in those it needs.

    Raises:
        RecipeError: the recipe of a native library is not valid.
    """
    patches = {patch for source in recipe.source for patch in source.patches}
    return RecipeFiles(
        project=tuple((name, file_sha256(folder / name)) for name in project_files(folder)),
        patches={name: file_sha256(folder / name) for name in sorted(patches)},
        natives=read_natives(recipe, folder),
    )


def resolve(
    recipe: Recipe,
    *,
    folder: Path,
    cuda: str,
    profile: str,
    toolchain_digest: str,
    architectures: Architectures | None = None,
    build_env: str = "",
    targets: Targets | None = None,
    python: str | None = None,
    headers: str = "",
) -> BuildSpec:
    """The build spec of one recipe for one CUDA.

    Args:
        recipe: The checked recipe.
        folder: Its folder; project files and patches are read for their hashes.
        cuda: CUDA label, ``cu118``.
        profile: Name of one of the recipe's profiles.
        toolchain_digest: Digest over the toolchain's pins.
        architectures: Instead of what the profile says.
        build_env: Digest over the pins of the Python environment that runs the build.
        targets: The target table; this installation's own by default.
        python: The Python of a recipe that has a wheel for each; else None.
        headers: That Python's headers, as a spec names them.

    Raises:
        PlanError: it is impossible; the message says why.
        UsageError: there is no such CUDA.
    """
    table = targets or load_targets()
    return assemble(
        recipe,
        files=read_files(recipe, folder),
        cuda=table.cuda(cuda),
        profile=profile,
        toolchain_digest=toolchain_digest,
        build_env=build_env,
        architectures=architectures,
        host_gcc=table.host_gcc,
        python=python,
        headers=headers,
    )


def assemble(
    recipe: Recipe,
    *,
    files: RecipeFiles,
    cuda: Cuda,
    profile: str,
    toolchain_digest: str,
    build_env: str,
    architectures: Architectures | None,
    host_gcc: int,
    python: str | None = None,
    headers: str = "",
) -> BuildSpec:
    """`resolve` without touching a file.

    Args:
        recipe, cuda, profile, toolchain_digest, build_env, architectures: As there.
        files: The hashes of its files.
        host_gcc: The host compiler's major version.
        python: The Python of a recipe that has a wheel for each; else None.
        headers: That Python's headers, as a spec names them.

    Raises:
        PlanError: it is impossible; the message says why.
    """
    if (recipe.wheel.py_api == EACH) != (python is not None and bool(headers)):
        raise PlanError(f"{recipe.name} has a wheel for each Python: a build is for one of them")
    chosen = possible(
        recipe, cuda=cuda, profile=profile, architectures=architectures, host_gcc=host_gcc
    )
    run_paths = recipe.run_paths(cuda.label)
    natives = chosen_natives(files.natives, recipe.natives(profile))
    return BuildSpec(
        recipe=recipe.name,
        version=recipe.version,
        revision=recipe.revision,
        cuda=cuda.label,
        cuda_version=cuda.version,
        profile=profile,
        architectures=chosen.real,
        ptx=chosen.ptx,
        py_api=recipe.wheel.py_api,
        requires_python=recipe.wheel.requires_python,
        dependencies=recipe.requirements(cuda.label, profile),
        python=python,
        python_headers=headers,
        defines=definitions(recipe.profile[profile], cuda, chosen, run_paths, natives, python),
        sources=_sources(recipe, files, profile, cuda.label),
        project=files.project,
        toolchain=toolchain_digest,
        build_env=build_env,
        allowed_libs=_allowed_libs(recipe, natives),
        excluded_libs=tuple(sorted(recipe.wheel.excluded)),
        run_paths=run_paths,
        companions=_companions(recipe),
        natives=tuple(one.spec() for one in natives),
        native_rules=rules_sha256() if natives else "",
    )


def possible(
    recipe: Recipe,
    *,
    cuda: Cuda,
    profile: str,
    architectures: Architectures | None,
    host_gcc: int,
) -> Architectures:
    """The architectures of a build that can be done.

    Raises:
        PlanError: it cannot; the message gives every reason.
    """
    reasons = []
    if not recipe.supports(cuda.label):
        reasons.append(f"{recipe.name} is only for {', '.join(recipe.cuda)}")
    if host_gcc > cuda.max_host_gcc:
        reasons.append(
            f"the host compiler is too new: GCC {host_gcc}, "
            f"and CUDA {cuda.version} takes GCC {cuda.max_host_gcc} at most"
        )
    if profile not in recipe.profile:
        there = ", ".join(sorted(recipe.profile))
        reasons.append(f"{recipe.name} has no profile '{profile}' (it has {there})")
        raise PlanError("; ".join(reasons))
    chosen = architectures or _of_profile(recipe.profile[profile], cuda)
    unknown = cuda.unknown(chosen)
    if unknown:
        reasons.append(
            f"CUDA {cuda.version} has no architecture {', '.join(unknown)} "
            f"(it has {', '.join(cuda.architectures)})"
        )
    if reasons:
        raise PlanError("; ".join(reasons))
    return chosen


def _of_profile(profile: Profile, cuda: Cuda) -> Architectures:
    choice = profile.choice(cuda.label)
    if isinstance(choice, str):
        assert choice == DEFAULT
        return cuda.default
    return parse_architectures(choice)


def definitions(
    profile: Profile,
    cuda: Cuda,
    architectures: Architectures,
    run_paths: tuple[str, ...],
    natives: Sequence[NativeFiles] = (),
    python: str | None = None,
) -> tuple[tuple[str, str], ...]:
    """The builder's own CMake definitions and the profile's, sorted by name."""
    found = dict(profile.defines)
    for pattern in sorted(profile.cuda):
        if fnmatchcase(cuda.label, pattern):
            found |= profile.cuda[pattern]
    found |= {
        CUDA_VERSION_DEFINE: cuda.version,
        CUDA_ARCHITECTURES_DEFINE: architectures.cmake(),
        CUDA_ARCH_BIN_DEFINE: ";".join(architectures.real),
        CUDA_ARCH_PTX_DEFINE: architectures.ptx or "",
        RUN_PATHS_DEFINE: ";".join(run_paths),
    }
    if python is not None:
        found[PYTHON_DEFINE] = python
    if natives:  # in the order they are built in
        found[NATIVES_DEFINE] = ";".join(one.native.name for one in natives)
    return tuple(sorted(found.items()))


def _allowed_libs(recipe: Recipe, natives: Sequence[NativeFiles]) -> tuple[str, ...]:
    found = {*recipe.wheel.libs, *(lib for one in natives for lib in one.native.libs)}
    return tuple(sorted(found))


def _companions(recipe: Recipe) -> tuple[CompanionSpec, ...]:
    found = (
        CompanionSpec(
            name=one.name,
            version=one.version,
            summary=one.summary or f"Empty: {recipe.name} takes the place of {one.name}",
        )
        for one in recipe.companion
    )
    return tuple(sorted(found, key=lambda one: one.name))


def _sources(
    recipe: Recipe, files: RecipeFiles, profile: str, label: str
) -> tuple[SourceSpec, ...]:
    return tuple(
        source_spec(source, files.patches)
        for source in recipe.source
        if source.needed(profile, label)
    )
