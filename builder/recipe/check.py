"""What the schema alone cannot see: the target table, and the files beside ``recipe.toml``.

These look at the data as it was written, so that they speak even where the schema refused a part;
whatever has the wrong type is skipped here, because the schema has named it already.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from builder.recipe.fields import DEFAULT
from builder.recipe.files import NATIVE_FOLDER, NOT_PROJECT, project_files
from builder.recipe.problems import Problem, key_path, nearest
from builder.recipe.schema import ALWAYS, NATIVE, REQUIRED_PROFILE
from builder.targets import Cuda, Targets, parse_architectures

_NO_PLACE = frozenset({*NOT_PROJECT, NATIVE_FOLDER})
PATCH_SUFFIXES = (".patch", ".diff")


def check_against_targets(data: dict[str, Any], targets: Targets, file: Path) -> list[Problem]:
    """Patterns that match no CUDA, architectures a CUDA lacks, Pythons the wheel cannot have."""
    found = [
        *_patterns(data, targets),
        *_architectures(data, targets),
        *_profiles(data),
        *_conditions(data),
        *_floor(data, targets),
        *_companions(data),
    ]
    return [Problem(file=file, path=key_path(path), message=message) for path, message in found]


def check_against_files(data: dict[str, Any], folder: Path, file: Path) -> list[Problem]:
    """Files the recipe names and does not have, or has and does not name."""
    found = [*_patches(data, folder), *_places(data, folder), *_folder(data, folder)]
    return [Problem(file=file, path=key_path(path), message=message) for path, message in found]


Found = Iterator[tuple[tuple[str | int, ...], str]]


def _table(data: object, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _list(data: object, key: str) -> list[Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []


def _strings(data: object, key: str) -> list[tuple[int, str]]:
    return [(n, one) for n, one in enumerate(_list(data, key)) if isinstance(one, str)]


def _patterns(data: dict[str, Any], targets: Targets) -> Found:
    places: list[tuple[tuple[str | int, ...], str, tuple[str, ...]]] = [
        (("cuda", n), pattern, ()) for n, pattern in _strings(data, "cuda")
    ]
    places += [(("dependencies", key), key, (ALWAYS,)) for key in _table(data, "dependencies")]
    places += [(("wheel", "run-paths", key), key, ()) for key in _table(data, "wheel", "run-paths")]
    for number, source in enumerate(_list(data, "source")):
        for index, pattern in _strings(source, "cuda"):
            places.append((("source", number, "cuda", index), pattern, ()))
    for name in _table(data, "profile"):
        for part in ("cuda", "architectures", "without"):
            keys = _table(data, "profile", name, part)
            places += [(("profile", name, part, key), key, ()) for key in keys]
    for path, pattern, more in places:
        if pattern in more or any(fnmatchcase(label, pattern) for label in targets.labels):
            continue
        known = [*more, *targets.labels]
        near = nearest(pattern, known)
        yield path, f"'{pattern}' matches no CUDA; known are {', '.join(known)}{near}"


def _supported(data: dict[str, Any], targets: Targets) -> list[Cuda]:
    if not isinstance(data.get("cuda"), list):
        return list(targets.cudas)
    patterns = [pattern for _, pattern in _strings(data, "cuda")]
    return [cuda for cuda in targets.cudas if any(fnmatchcase(cuda.label, one) for one in patterns)]


def _architectures(data: dict[str, Any], targets: Targets) -> Found:
    cudas = _supported(data, targets)
    for name in _table(data, "profile"):
        choice = _table(data, "profile", name).get("architectures", DEFAULT)
        path = ("profile", name, "architectures")
        if not isinstance(choice, dict):
            yield from _lacking(path, choice, cudas)
            continue
        left = cudas
        for pattern in sorted(choice):
            matching = [cuda for cuda in left if fnmatchcase(cuda.label, pattern)]
            yield from _lacking((*path, pattern), choice[pattern], matching)
            left = [cuda for cuda in left if cuda not in matching]


def _lacking(path: tuple[str | int, ...], choice: object, cudas: list[Cuda]) -> Found:
    if choice == DEFAULT or not isinstance(choice, list):
        return
    try:
        wanted = parse_architectures([one for one in choice if isinstance(one, str)])
    except ValueError:
        return
    for cuda in cudas:
        for one in cuda.unknown(wanted):
            known = ", ".join(cuda.architectures)
            yield path, f"'{one}' is unknown to {cuda.label}: CUDA {cuda.version} has {known}"


def _profiles(data: dict[str, Any]) -> Found:
    profiles = _table(data, "profile")
    if "profile" in data and REQUIRED_PROFILE not in profiles:
        there = f" (there are {', '.join(profiles)})" if profiles else ""
        yield ("profile",), f"must have '{REQUIRED_PROFILE}', the one that is published{there}"
    for name in profiles:
        if not name.replace("-", "").isalnum() or name != name.lower():
            yield ("profile", name), "must be lower-case letters, digits and '-'"


def _conditions(data: dict[str, Any]) -> Found:
    """Profiles a source names, and packages a profile does without, that are nowhere else."""
    profiles = list(_table(data, "profile"))
    for number, source in enumerate(_list(data, "source")):
        for index, name in _strings(source, "profiles"):
            if name not in profiles:
                message = f"there is no profile '{name}'{nearest(name, profiles)}"
                yield ("source", number, "profiles", index), message
    required = sorted(_required(data))
    for name in profiles:
        table = _table(data, "profile", name, "without")
        for pattern in table:
            for index, package in _strings(table, pattern):
                if package not in required:
                    near = nearest(package, required)
                    message = f"'{package}' is in no list of dependencies{near}"
                    yield ("profile", name, "without", pattern, index), message


def _required(data: dict[str, Any]) -> dict[str, tuple[str | int, ...]]:
    """Where each package is required, by its normalised name."""
    found: dict[str, tuple[str | int, ...]] = {}
    for key in _table(data, "dependencies"):
        for index, text in _strings(_table(data, "dependencies"), key):
            with contextlib.suppress(InvalidRequirement):
                found[canonicalize_name(Requirement(text).name)] = ("dependencies", key, index)
    return found


def _floor(data: dict[str, Any], targets: Targets) -> Found:
    wheel = _table(data, "wheel")
    py_api, requires = wheel.get("py-api"), wheel.get("requires-python")
    if not isinstance(py_api, str) or not isinstance(requires, str):
        return
    try:
        specifiers = SpecifierSet(requires)
    except InvalidSpecifier:
        return
    allowed = [python for python in targets.pythons if specifiers.contains(python)]
    if not allowed:
        pythons = ", ".join(targets.pythons)
        yield ("wheel", "requires-python"), f"'{requires}' allows none of the targets' {pythons}"
    if not py_api.startswith("cp3") or not py_api[3:].isdigit():
        return
    below = [python for python in allowed if int(python.split(".")[1]) < int(py_api[3:])]
    if below:
        pythons = ", ".join(below)
        message = f"'{py_api}' wheels do not load in {pythons}, which requires-python allows"
        yield ("wheel", "py-api"), message


def _companions(data: dict[str, Any]) -> Found:
    """Names no companion may have: the recipe's own, another one's, a dependency's."""
    name = data.get("name")
    taken = {
        required: f"required in {key_path(place)}; a companion is required without it"
        for required, place in _required(data).items()
    }
    if isinstance(name, str):
        taken[canonicalize_name(name)] = "the recipe's own name"
    for number, companion in enumerate(_list(data, "companion")):
        one = companion.get("name") if isinstance(companion, dict) else None
        if not isinstance(one, str):
            continue
        normal = canonicalize_name(one)
        if normal in taken:
            yield ("companion", number, "name"), f"'{one}' is {taken[normal]}"
        taken.setdefault(normal, f"another companion (see {key_path(('companion', number))})")


def _patches(data: dict[str, Any], folder: Path) -> Found:
    named: dict[str, tuple[str | int, ...]] = {}
    for number, source in enumerate(_list(data, "source")):
        for index, patch in _strings(source, "patches"):
            path = ("source", number, "patches", index)
            inside = not patch.startswith("/") and ".." not in PurePosixPath(patch).parts
            if patch in named:
                yield path, f"'{patch}' is named twice (see {key_path(named[patch])})"
            elif inside and not (folder / patch).is_file():
                yield path, f"there is no file '{patch}' in {folder}"
            named[patch] = path
    for file in sorted((folder / "patches").rglob("*")):
        relative = file.relative_to(folder).as_posix()
        if file.suffix in PATCH_SUFFIXES and relative not in named:
            yield ("source",), f"'{relative}' is in the folder, and no source names it"


def _places(data: dict[str, Any], folder: Path) -> Found:
    seen: dict[str, tuple[str | int, ...]] = {}
    names: set[str] = set()
    for number, source in enumerate(_list(data, "source")):
        if not isinstance(source, dict):
            continue
        into, name = source.get("into"), source.get("name")
        if isinstance(name, str):
            if name in names:
                yield ("source", number, "name"), f"'{name}' is the name of another source"
            names.add(name)
        if not isinstance(into, str):
            continue
        path = ("source", number, "into")
        if into in seen:
            yield path, f"'{into}' is taken (see {key_path(seen[into])})"
        if PurePosixPath(into).parts[:1] and PurePosixPath(into).parts[0] in _NO_PLACE:
            yield path, f"'{into}' is no place for sources; use 'sources/…'"
        elif ".." not in into and not into.startswith("/") and (folder / into).exists():
            yield path, f"'{into}' exists in the recipe's folder"
        seen[into] = path


def _folder(data: dict[str, Any], folder: Path) -> Found:
    project = project_files(folder)
    main = "CMakeLists.txt" if data.get("kind") == NATIVE else "pyproject.toml"
    if main not in project:
        yield (), f"there is no {main} beside it, in {folder}"
    if any(name.startswith(f"{NATIVE_FOLDER}/") for name in project):
        yield (), f"'{NATIVE_FOLDER}/' is the builder's, for the libraries a recipe needs"
    for link in sorted(path for path in folder.rglob("*") if path.is_symlink()):
        yield (), f"'{link.relative_to(folder).as_posix()}' is a symbolic link; put the file there"
    if isinstance(data.get("tests"), dict) and not list((folder / "tests").rglob("test_*.py")):
        yield ("tests",), f"there is no tests/test_*.py in {folder}"
