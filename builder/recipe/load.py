"""From a folder to a frozen recipe, or to every reason why not, at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from builder.errors import RecipeError
from builder.recipe.check import check_against_files, check_against_targets
from builder.recipe.files import RECIPE_FILE
from builder.recipe.needs import need_problems
from builder.recipe.problems import Problem, from_validation, key_path
from builder.recipe.schema import NATIVE, Native, Recipe
from builder.targets import Targets, load_targets


def load_recipe(folder: Path, *, targets: Targets | None = None) -> Recipe:
    """The recipe in ``folder``, checked as a whole.

    Raises:
        RecipeError: it is not valid; the message has one line per problem.
    """
    recipe, problems = _read(folder, targets or load_targets())
    if isinstance(recipe, Native):
        message = f"is the recipe of a native library, not of a wheel (kind = '{NATIVE}')"
        problems = [Problem(file=folder / RECIPE_FILE, path="kind", message=message)]
    if not isinstance(recipe, Recipe) or problems:
        raise _error(problems)
    return recipe


def load_native(folder: Path) -> Native:
    """The native library's recipe in ``folder``, checked as a whole.

    Raises:
        RecipeError: it is not valid, or a recipe for a wheel.
    """
    native, problems = _read(folder, load_targets())
    if isinstance(native, Recipe):
        message = f"is the recipe of a wheel, not of a native library (kind = '{NATIVE}')"
        problems = [Problem(file=folder / RECIPE_FILE, path="kind", message=message)]
    if not isinstance(native, Native) or problems:
        raise _error(problems)
    return native


def load_recipes(folders: Iterable[Path], *, targets: Targets | None = None) -> dict[Path, Recipe]:
    """Several recipes by folder; the problems of all of them come in one error.

    Those of native libraries are checked too, and left out.

    Raises:
        RecipeError: one is not valid, or two have one name.
    """
    return load_all(folders, targets=targets)[0]


def load_all(
    folders: Iterable[Path], *, targets: Targets | None = None
) -> tuple[dict[Path, Recipe], dict[Path, Native]]:
    """Several recipes by folder, those of wheels and those of native libraries apart.

    Raises:
        RecipeError: one is not valid, or two have one name; every problem is named.
    """
    table = targets or load_targets()
    found: dict[Path, Recipe] = {}
    natives: dict[Path, Native] = {}
    problems: list[Problem] = []
    names: dict[str, Path] = {}
    for folder in folders:
        recipe, faults = _read(folder, table)
        problems += faults
        if recipe is None:
            continue
        if recipe.name in names:
            message = f"'{recipe.name}' is also the name of {names[recipe.name] / RECIPE_FILE}"
            problems.append(Problem(file=folder / RECIPE_FILE, path="name", message=message))
        names[recipe.name] = folder
        if isinstance(recipe, Native):
            natives[folder] = recipe
        else:
            found[folder] = recipe
    problems += _shared_companions(found)
    if problems:
        raise _error(problems)
    return found, natives


def _shared_companions(recipes: dict[Path, Recipe]) -> list[Problem]:
    """Companions in the name of another recipe, or of another recipe's companion."""
    taken: dict[str, Path] = {
        canonicalize_name(recipe.name): folder for folder, recipe in recipes.items()
    }
    problems = []
    for folder, recipe in recipes.items():
        for number, companion in enumerate(recipe.companion):
            other = taken.setdefault(companion.name, folder)
            if other != folder:
                path = key_path(("companion", number, "name"))
                message = f"'{companion.name}' is also a name in {other / RECIPE_FILE}"
                problems.append(Problem(file=folder / RECIPE_FILE, path=path, message=message))
    return problems


def check_recipe(folder: Path, *, targets: Targets | None = None) -> list[Problem]:
    """Everything that is wrong with the recipe in ``folder``; empty when nothing is."""
    return _read(folder, targets or load_targets())[1]


def _error(problems: list[Problem]) -> RecipeError:
    return RecipeError(
        "\n".join(str(problem) for problem in problems),
        remedy="`builder recipe schema` prints what a recipe may hold",
    )


def _read(folder: Path, targets: Targets) -> tuple[Recipe | Native | None, list[Problem]]:
    file = folder / RECIPE_FILE
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        return None, [Problem(file=file, path="", message=f"cannot be read: {reason}")]
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 (byte {error.start})"
        return None, [Problem(file=file, path="", message=message)]
    except tomllib.TOMLDecodeError as error:
        return None, [Problem(file=file, path="", message=f"is not TOML: {error}")]
    kind: type[Recipe] | type[Native] = Native if data.get("kind") == NATIVE else Recipe
    recipe: Recipe | Native | None = None
    problems: list[Problem] = []
    try:
        recipe = kind.model_validate(data)
    except ValidationError as error:
        problems += from_validation(error, kind, file)
    if kind is Recipe:
        problems += check_against_targets(data, targets, file)
    problems += check_against_files(data, folder, file)
    problems += need_problems(data, folder, file)
    return recipe, problems
