"""What the builder writes into a recipe's ``pyproject.toml``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from builder.build.natives import licence_files
from builder.errors import RecipeError
from builder.plan.spec import BuildSpec

DECIDED = ("version", "requires-python", "dependencies")
"""Keys of ``[project]`` that the spec decides."""


def edit_pyproject(text: str, spec: BuildSpec) -> str:
    """The recipe's own ``pyproject.toml`` with everything the spec decides set.

    Raises:
        RecipeError: it is not TOML, or has no ``[project]`` table.
    """
    where = f"recipe {spec.recipe}: pyproject.toml"
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise RecipeError(f"{where}: {error}") from error
    project = document.get("project")
    if not isinstance(project, MutableMapping):
        raise RecipeError(f"{where}: there is no [project] table")
    dynamic = [name for name in project.get("dynamic", ()) if name not in DECIDED]
    if dynamic:
        project["dynamic"] = dynamic
    else:
        project.pop("dynamic", None)
    project["version"] = spec.public_version
    project["requires-python"] = spec.requires_python
    dependencies = tomlkit.array()
    dependencies.extend(spec.dependencies)
    project["dependencies"] = dependencies.multiline(multiline=True)
    if spec.further_licences:
        add_licences(project, spec, where)
    wheel = table(document, "tool", "scikit-build", "wheel")
    wheel["py-api"] = "" if spec.python is not None else spec.py_api
    wheel["build-tag"] = str(spec.revision)
    define = table(document, "tool", "scikit-build", "cmake", "define")
    for name, value in spec.defines:
        define[name] = value
    if spec.python is not None:
        add_tags(document, spec)
    edited = tomlkit.dumps(document)
    require_defines(edited, spec, where)
    return edited


def add_licences(project: MutableMapping[str, Any], spec: BuildSpec, where: str) -> None:
    """Add the licences of native libraries, and of what only this build has, to the project's own.

    Raises:
        RecipeError: the project does not say its own as one SPDX expression and a list of files.
    """
    own, files = project.get("license"), project.get("license-files", [])
    if not isinstance(own, str) or not isinstance(files, list):
        raise RecipeError(
            f"{where}: [project] must have 'license' and 'license-files', to which those of "
            f"{', '.join(one.name for one in spec.further_licences)} are added",
            remedy="write 'license' as an SPDX expression and 'license-files' as a list",
        )
    terms = [f"({own})"] if " OR " in own else own.split(" AND ")
    for part in spec.further_licences:
        terms += [f"({one})" if " " in one else one for one in part.licenses]
    project["license"] = " AND ".join(dict.fromkeys(terms))
    paths = [*files, *licence_files(spec)]
    project["license-files"] = tomlkit.array(json.dumps(paths)).multiline(multiline=True)


def add_tags(document: MutableMapping[str, Any], spec: BuildSpec) -> None:
    """Make the wheel one for the spec's Python, whichever Python runs the build.

    scikit-build-core takes tags from an override alone; this one always holds.
    """
    override = tomlkit.table()
    override["if"] = tomlkit.inline_table().append("platform-system", "linux")
    override["wheel"] = tomlkit.inline_table().append("tags", [f"{spec.interpreter}-linux_x86_64"])
    tables = table(document, "tool", "scikit-build")
    if "overrides" not in tables:
        tables["overrides"] = tomlkit.aot()
    tables["overrides"].append(override)


def require_defines(edited: str, spec: BuildSpec, where: str) -> None:
    """Make sure that scikit-build-core will read every definition.

    Raises:
        RecipeError: the recipe writes its tables so that a table added below them lands elsewhere.
    """
    try:
        found = tomllib.loads(edited)["tool"]["scikit-build"]["cmake"]["define"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        found = {}
    if any(found.get(name) != value for name, value in spec.defines):
        raise RecipeError(
            f"{where}: CMake definitions cannot be added below [tool.scikit-build]",
            remedy="write [tool.scikit-build.cmake] as a table of its own, without dotted keys",
        )


def table(document: MutableMapping[str, Any], *names: str) -> MutableMapping[str, Any]:
    """The table with that dotted name, made where it is missing."""
    here = document
    for depth, name in enumerate(names, 1):
        if name not in here:
            here[name] = tomlkit.table(is_super_table=depth < len(names))
        here = here[name]
    return here
