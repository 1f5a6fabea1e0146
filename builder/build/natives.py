"""What a rendered project has besides: native libraries, and the licences of what is added."""

from __future__ import annotations

from pathlib import Path

from builder.errors import RecipeError
from builder.plan.natives import RULES
from builder.plan.spec import BuildSpec, NativeSpec
from builder.recipe.files import NATIVE_FOLDER
from index.files import write_bytes, write_text

NATIVE_PREFIX = f"{NATIVE_FOLDER}/prefix"
"""Where the libraries are installed to, below the build tree; `RULES` has it too."""
NATIVE_LIBRARIES = f"{NATIVE_PREFIX}/lib"
NOTICES = f"{NATIVE_FOLDER}/NOTICES.txt"
HEAD = """\
Libraries in this wheel that are not its own, each built from the source of that hash, with the
patches of the recipe of its name. Shared libraries among them may be replaced by other builds.
"""


def finish_natives(spec: BuildSpec, into: Path) -> None:
    """Write the rules that build a project's natives, and the notices that go into its wheel.

    Raises:
        RecipeError: a licence file that a recipe names is not in its project.
    """
    named = [(spec.recipe, into, source.license_files) for source in spec.sources]
    named += [(one.name, into / one.into, one.license_files) for one in spec.natives]
    for recipe, folder, names in named:
        for name in names:
            if not (folder / name).is_file():
                raise RecipeError(
                    f"recipe {recipe}: license-files: there is no '{name}' in its project",
                    remedy="name a file of the recipe, or of a source as it is unpacked",
                )
    if spec.natives:
        write_bytes(into / NATIVE_FOLDER / RULES.name, RULES.read_bytes())
        write_text(into / NOTICES, notices(spec))


def licence_files(spec: BuildSpec) -> tuple[str, ...]:
    """What natives and sources add to a wheel's licence files, relative to the project."""
    own = [name for source in spec.sources for name in source.license_files]
    found = [f"{native.into}/{name}" for native in spec.natives for name in native.license_files]
    return (*own, *found, NOTICES) if found else tuple(own)


def notices(spec: BuildSpec) -> str:
    """Which libraries a wheel holds, under which licence, and from which sources they are."""
    held = [native for native in spec.natives if native.licenses]
    return "\n".join([HEAD, *(notice(native) for native in held)])


def notice(native: NativeSpec) -> str:
    """One library's entry."""
    lines = [f"{native.name} {native.version}", f"  licence: {' AND '.join(native.licenses)}"]
    for source in native.sources:
        if not source.only_runs:
            patches = f", with {', '.join(name for name, _ in source.patches)}"
            lines.append(f"  {source.filename}{patches if source.patches else ''}")
            lines.append(f"    sha256 {source.sha256}")
    return "\n".join(lines) + "\n"
