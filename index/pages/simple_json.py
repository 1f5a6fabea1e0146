"""The JSON pages installers read (PEP 691, 700, 714, 740), from the same model as the HTML ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from packaging.version import Version

from index.addresses import link, provenance_url
from index.model import File, Project, normal_version, parse_version
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
    # A set, says PEP 700: 1.0 and 1.00 are one version.
    versions: dict[Version, str] = {}
    for text in dict.fromkeys([file.version for file in project.files]):
        versions.setdefault(parse_version(text), normal_version(text))
    return _dump(
        {
            "meta": _meta(),
            "name": project.name,
            "versions": list(versions.values()),
            "files": [_file(file, base_url) for file in project.files],
        }
    )


def _file(file: File, base_url: str | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "filename": file.filename,
        "url": link(file),
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
