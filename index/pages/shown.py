"""A project as the pages for people show it: what is offered, and which file speaks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from index.model import File
from index.pages import gpus, headers, rows
from index.pages.escaping import Linked
from index.pages.offers import Offer, Offered, offered_files, offers

_SUMMARY = 300
"""Characters of a summary that the landing page shows at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A project as the pages for people show it.

    Attributes:
        name: Project name.
        files: Its files, oldest version first.
        at: Address and name of each.
        offered: What is offered of them.
        known: A file of each offer.
        source: The file that speaks for the project: of the newest version offered, else the
            newest.
        latest: Its version without the local part.
        labels: CUDA labels of the files, oldest CUDA first.
    """

    name: str
    files: Sequence[File]
    at: Sequence[Linked]
    offered: Sequence[Offer]
    known: Mapping[Offered, File]
    source: File | None
    latest: str
    labels: tuple[str, ...]

    @property
    def metadata(self) -> str:
        """The METADATA that speaks for the project; empty where none does."""
        record = self.source.record if self.source is not None else None
        return "" if record is None else record.metadata

    @property
    def companion_of(self) -> str | None:
        """The package it stands beside, where it is a companion."""
        record = self.source.record if self.source is not None else None
        return None if record is None else record.companion_of


def shown(name: str, files: Sequence[File], at: Sequence[Linked]) -> Shown:
    """A project, for its page and its card; ``files`` come oldest version first, as in `Shown`."""
    offered = offers(files)
    known = offered_files(files, offered)
    source = _source(files, known)
    return Shown(
        name=name,
        files=files,
        at=at,
        offered=offered,
        known=known,
        source=source,
        latest="" if source is None else rows.public_version(source),
        labels=gpus.by_version({file.cuda for file in files if file.cuda is not None}),
    )


def card(name: str, files: Sequence[File]) -> str:
    """What the landing page shows of a project, as JSON with sorted keys (a few hundred bytes)."""
    return card_of(shown(name, files, ()))


def card_of(project: Shown) -> str:
    """As `card`."""
    facts: dict[str, object] = {
        "cudas": project.labels,
        "files": len(project.files),
        "latest": project.latest,
        "offers": [[offer.cuda, offer.version, offer.pythons] for offer in project.offered],
        "summary": headers.summary(project.metadata)[:_SUMMARY],
    }
    if project.companion_of:
        facts["companion_of"] = project.companion_of
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()


def _source(files: Sequence[File], known: Mapping[Offered, File]) -> File | None:
    """The file that speaks for the project: of the newest version offered, else the newest."""
    wheels = list(known.values()) or [file for file in files if file.record is not None]
    return (wheels or [*files])[-1] if files else None
