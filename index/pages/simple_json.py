"""The JSON pages installers read (PEP 691, 700, 714, 740), from the same model as the HTML ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from packaging.version import Version

from index.addresses import provenance_url
from index.model import File, Project
from index.naming import normal_version, parse_version
from index.pages.escaping import Linked, linked
from index.pages.simple_html import REPOSITORY_VERSION

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
"""The media type of these pages (PEP 691)."""


def root_json(projects: Sequence[str]) -> bytes:
    """The list of a root's projects (normalised names, sorted)."""
    return _dump({"meta": _meta(), "projects": [{"name": name} for name in projects]})


def project_json(project: Project, *, base_url: str | None = None) -> bytes:
    """The list of a project's files and versions, in their order.

    Args:
        project: What to list.
        base_url: The site's own address, where it has one.
    """
    parts = [file_part(file, linked(file), base_url) for file in project.files]
    return page_of(project.name, [file.version for file in project.files], parts)


def page_of(name: str, versions: Iterable[str], parts: Iterable[str]) -> bytes:
    """The page of a project.

    Args:
        name: Project name.
        versions: Those of its files, in their order.
        parts: What is said of each of them.
    """
    # A set, says PEP 700: 1.0 and 1.00 are one version.
    listed: dict[Version, str] = {}
    for text in dict.fromkeys(versions):
        listed.setdefault(parse_version(text), normal_version(text))
    page = _dump({"meta": _meta(), "name": name, "versions": list(listed.values()), "files": []})
    before, _, after = page.rpartition(b"]")
    return b"%b%b]%b" % (before, ",".join(parts).encode(), after)


def file_part(file: File, at: Linked, base_url: str | None = None) -> str:
    """What is said of a file, as JSON; the same in every root that lists it.

    Args:
        file: The file.
        at: Its address and name.
        base_url: The site's own address, where it has one.
    """
    href, name, plain = at
    if not plain or file.provenance or file.yanked is not None or file.metadata_sha256 is None:
        return orjson.dumps(_file(file, href, base_url)).decode()
    # What most files are, made for each of 100,000: the same words in the same order.
    return (
        f'{{"filename":"{name}","url":"{href}","hashes":{{"sha256":"{file.sha256}"}},'
        f'"size":{file.size},"yanked":false{_requires(file.requires_python)}'
        f',"core-metadata":{{"sha256":"{file.metadata_sha256}"}}{_uploaded(file.uploaded)}}}'
    )


@lru_cache(maxsize=256)
def _requires(value: str | None) -> str:
    return f',"requires-python":{orjson.dumps(value).decode()}' if value else ""


@lru_cache(maxsize=256)
def _uploaded(value: str | None) -> str:
    return "" if value is None else f',"upload-time":{orjson.dumps(value).decode()}'


def _file(file: File, href: str, base_url: str | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "filename": file.filename,
        "url": href,
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        # An empty reason is still a yank; an empty string would say the opposite.
        "yanked": False if file.yanked is None else file.yanked or True,
    }
    if file.requires_python:
        data["requires-python"] = file.requires_python
    if file.metadata_sha256 is not None:
        # Never under PEP 658's older name: in JSON it makes pip 22.3 to 23.1 fail (PEP 714).
        data["core-metadata"] = {"sha256": file.metadata_sha256}
    if file.uploaded is not None:
        data["upload-time"] = file.uploaded
    if file.provenance and (provenance := provenance_url(file, base_url)) is not None:
        data["provenance"] = provenance
    return data


def _meta() -> dict[str, str]:
    return {"api-version": REPOSITORY_VERSION}


def _dump(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE)
