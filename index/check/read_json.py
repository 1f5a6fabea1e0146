"""Reading the JSON pages by the specification's rules (PEP 691, 700, 740), nothing guessed."""

from __future__ import annotations

import json
from typing import Any

from index.check.listed import Listed, Reading, Roots, sort_out, unreadable, version_problem


class _Wrong(Exception):
    pass


def read_project_json(data: bytes, name: str) -> tuple[Reading, tuple[str, ...]]:
    """The files of a project's page and its versions. Never raises, whatever the bytes are."""
    try:
        page, problems = _load(data)
        if page.get("name") != name:
            problems.append(f"its name is {page.get('name')!r}")
        versions = _strings(page.get("versions"), "versions", problems)
        if len(set(versions)) != len(versions):
            problems.append("a version is listed twice")
        if not isinstance(page.get("files"), list):
            raise _Wrong("it has no list of files")
    except _Wrong as error:
        return unreadable(str(error)), ()
    entries = []
    for entry in page["files"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            problems.append(f"a file without a name ({entry!r:.100})")
            continue
        entries.append(_listed(entry))
    return sort_out(entries, problems), tuple(versions)


def read_root_json(data: bytes) -> Roots:
    """The projects of a root's page. Never raises, whatever the bytes are."""
    try:
        page, problems = _load(data)
        projects = page.get("projects")
        if not isinstance(projects, list):
            raise _Wrong("it has no list of projects")
    except _Wrong as error:
        return Roots(problems=(str(error),), whole=False)
    told = [project.get("name") if isinstance(project, dict) else None for project in projects]
    names = _strings(told, "projects", problems)
    if len(set(names)) != len(names):
        problems.append("a project is listed twice")
    return Roots(names=tuple(names), problems=tuple(problems))


def _listed(entry: dict[str, Any]) -> tuple[Listed, list[str]]:
    """One file, and the rules of JSON that it breaks."""
    wrong: list[str] = []

    def text(key: str) -> str | None:
        value = entry.get(key)
        if key not in entry or isinstance(value, str):
            return value
        wrong.append(f"{key} is {value!r:.100}, not text")
        return None

    def digest(key: str) -> str | None:
        value = entry.get(key)
        if key not in entry:
            return None
        found = value.get("sha256") if isinstance(value, dict) else None
        if not isinstance(found, str):
            wrong.append(f"{key} has no sha256")
            return None
        return found

    size, yanked = entry.get("size"), entry.get("yanked", False)
    if "size" in entry and (not isinstance(size, int) or isinstance(size, bool)):
        wrong.append(f"its size {size!r:.100} is no integer")
        size = None
    if not isinstance(yanked, bool | str):
        wrong.append(f"yanked is {yanked!r:.100}")
    metadata = digest("core-metadata")
    if "dist-info-metadata" in entry:
        wrong.append("dist-info-metadata makes pip 22.3 to 23.1 fail (PEP 714)")
    url, hashed = text("url"), digest("hashes")
    if url is None and "url" not in entry:
        wrong.append("it has no url")
    if "hashes" not in entry:
        wrong.append("it has no hashes")
    listed = Listed(
        filename=entry["filename"],
        url=url or "",
        sha256=hashed or "",
        size=size,
        requires_python=text("requires-python"),
        core_metadata=metadata,
        yanked=yanked if isinstance(yanked, str) else ("" if yanked is True else None),
        uploaded=text("upload-time"),
        provenance=text("provenance"),
    )
    return listed, wrong


def _load(data: bytes) -> tuple[dict[str, Any], list[str]]:
    """A page's object, and what is wrong with its version.

    Raises:
        _Wrong: it is no JSON object.
    """
    try:
        page = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise _Wrong(f"it is not JSON ({error})") from error
    if not isinstance(page, dict):
        raise _Wrong("it is not a JSON object")
    meta = page.get("meta")
    problem = version_problem(meta.get("api-version") if isinstance(meta, dict) else None)
    return page, [] if problem is None else [problem]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _strings(value: object, what: str, problems: list[str]) -> list[str]:
    if not isinstance(value, list):
        problems.append(f"it has no list of {what}")
        return []
    found = [one for one in value if isinstance(one, str)]
    if len(found) != len(value):
        problems.append(f"its {what} are not all text")
    return found
