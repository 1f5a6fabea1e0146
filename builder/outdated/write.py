"""Renewing pins in their files: hashes from files that were really fetched, comments kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from builder import fetch
from builder.errors import BuilderError
from builder.fetch.artifact import Artifact
from builder.fetch.settings import FetchSettings
from builder.outdated.pins import Newer
from builder.outdated.redist import BY_HAND, KIND
from builder.paths import Cache
from builder.toolchain.pins import parse_pins
from builder.toolchain.repin import repin
from builder.ui import Reporter
from index.files import write_text

RECIPE = "recipe.toml"
_SHORT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What became of one newer version.

    Attributes:
        newer: It.
        done: Whether the pin was renewed.
        note: Why not, or what a person should look at.
    """

    newer: Newer
    done: bool
    note: str = ""


def write(
    newer: Iterable[Newer], *, cache: Cache, reporter: Reporter, settings: FetchSettings
) -> tuple[Renewal, ...]:
    """Renew every pin that has a newer version, one file at a time, each file whole or not at all.

    A newer file is fetched first, and its bytes are hashed; what cannot be had stays as it is.
    """
    found = []
    for one in newer:
        if one.version is None:
            note = f"only {one.beyond} is newer, and that is a change for a person to make"
            found.append(Renewal(newer=one, done=False, note=note))
            continue
        if "site-packages" in one.pin.path.parts:
            note = "this builder is an installed copy: `pip install -e .` in a clone, and try again"
            found.append(Renewal(newer=one, done=False, note=note))
            continue
        if one.pin.kind == KIND:
            found.append(Renewal(newer=one, done=False, note=BY_HAND))
            continue
        try:
            path = None
            if one.artifact is not None:
                path = fetch.fetch(one.artifact, cache=cache, reporter=reporter, settings=settings)
            text, note = renewed(one.pin.path.read_text("utf-8"), one, path)
            write_text(one.pin.path, text)
            found.append(Renewal(newer=one, done=True, note=note))
        except BuilderError as error:
            told = " ".join(error.message.split())[:_SHORT]
            found.append(Renewal(newer=one, done=False, note=told))
    return tuple(found)


def renewed(text: str, newer: Newer, file: Path | None) -> tuple[str, str]:
    """A file's text with one pin renewed, and what a person should look at.

    Args:
        text: The file as it is.
        newer: The pin and its newer version.
        file: The newer file, where the pin has one.

    Raises:
        BuilderError: the newer file lacks what is taken of the old one.
    """
    pin, version = newer.pin, newer.version
    assert version is not None
    if pin.kind == "tool":
        document: Any = tomlkit.parse(text)
        document["tools"][pin.name] = version
        return tomlkit.dumps(document), f"pyproject.toml names {pin.name}=={pin.version}, too"
    if pin.kind == "requirement":
        old, new = f"{pin.name}=={pin.version}", f"{pin.name}=={version}"
        return text.replace(f'"{old}"', f'"{new}"'), ""
    assert newer.artifact is not None
    assert file is not None
    if pin.path.name == RECIPE:
        return _recipe(text, newer, newer.artifact, file)
    if pin.path.stem == "build-env":
        return _plain(text, newer, newer.artifact, file), ""
    text = repin(text, file, newer.artifact.source)
    parse_pins(text, name=pin.path.name)
    return text, ""


def _plain(text: str, newer: Newer, artifact: Artifact, file: Path) -> str:
    document: Any = tomlkit.parse(text)
    _set(_row(document["package"], newer), artifact, file)
    return tomlkit.dumps(document)


def _recipe(text: str, newer: Newer, artifact: Artifact, file: Path) -> tuple[str, str]:
    """A recipe's source; its version too, where that is the source's, and the companions'."""
    document: Any = tomlkit.parse(text)
    _set(_row(document["source"], newer), artifact, file)
    old, new = newer.pin.version, str(newer.version)
    notes = []
    if document.get("version") == old:
        document["version"] = new
        document["revision"] = 1
        for companion in document.get("companion", ()):
            below = _hair_below(new) if companion["version"] == _hair_below(old) else None
            if below is None:
                notes.append(f"companion {companion['name']} keeps its version: set it by hand")
            else:
                companion["version"] = below
    else:
        document["revision"] = int(document["revision"]) + 1 if "revision" in document else 1
        notes.append("the recipe's version is its own: its revision was raised")
    if any(row.get("patches") for row in document["source"]):
        notes.append("its patches may not apply to it: build it")
    return tomlkit.dumps(document), "; ".join(notes)


def _hair_below(version: str) -> str | None:
    """The version that a companion has: ``4.14.0.94`` gives ``4.14.0.93.99``, ``1.0`` nothing."""
    *head, last = version.split(".")
    return ".".join([*head, str(int(last) - 1), "99"]) if last.isdigit() and int(last) else None


def _row(rows: Any, newer: Newer) -> Any:  # noqa: ANN401 -- tomlkit's containers have no useful type
    return next(row for row in rows if str(row["source"]) == newer.pin.source)


def _set(row: Any, artifact: Artifact, file: Path) -> None:  # noqa: ANN401 -- as above
    row["source"] = artifact.source
    row["filename"] = artifact.filename
    row["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    if "size" in row:
        row["size"] = file.stat().st_size
    if "mirrors" in row:
        del row["mirrors"]  # of the old file
