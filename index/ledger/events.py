"""What can happen to an index: one frozen model per event, refused where it says nonsense."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import asdict
from functools import cache
from typing import Annotated, Literal, Self

from packaging.utils import InvalidSdistFilename, parse_sdist_filename
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from index.addresses import check_url
from index.errors import EntryError
from index.ledger.plain import LEDGER_SCHEMA, LONGEST_MESSAGE, TIME, PlainEvent
from index.ledger.settings import Settings
from index.model import check_label
from index.naming import check_names
from index.records import Record

_TIME = f"^{TIME}$"
_BASE_URL = re.compile(r"(?:https?|file)://[^\s\"'<>\\?#\x00-\x1f\x7f]+")


class _Event(BaseModel):
    # Built when first used: many commands add nothing, and building takes longer than they do.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schema_version: Literal[1] = LEDGER_SCHEMA


class _Decided(_Event):
    at: str | None = Field(default=None, pattern=_TIME)
    """When it was decided (RFC 3339, UTC), where known."""


class _Placed(_Event):
    url: str
    """Where its bytes are: absolute, or relative to the site (``files/X.whl``)."""
    uploaded: str = Field(pattern=_TIME)
    """RFC 3339, UTC."""

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        try:
            check_url(url)
        except EntryError as error:
            raise ValueError(error.message) from error
        return url

    @abstractmethod
    def _named(self) -> str: ...

    @model_validator(mode="after")
    def _leads_to_its_file(self) -> Self:
        # Installers read the file's name off its address.
        if self.url.rsplit("/", 1)[-1] != self._named():
            raise ValueError(f"'{self.url}' is not the address of '{self._named()}'")
        return self


class Add(_Placed):
    """A wheel is published."""

    event: Literal["add"] = "add"
    record: Record
    provenance: bool = False
    """Whether its attestations (PEP 740) lie beside it, as ``X.whl.provenance``."""

    def _named(self) -> str:
        return self.record.filename


class Guard(_Placed):
    """A version's guard sdist is published: the file whose build only says what is missing."""

    event: Literal["guard"] = "guard"
    filename: str
    name: str
    version: str
    cuda: str | None = None
    message: str = Field(max_length=LONGEST_MESSAGE)
    """What its build says; with name and version, all its bytes are made from."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)

    @model_validator(mode="after")
    def _named_alike(self) -> Guard:
        try:
            name, version = parse_sdist_filename(self.filename)
            check_names(self.filename, self.name, self.version)
            if self.cuda is not None:
                check_label(self.cuda)
        except InvalidSdistFilename as error:
            raise ValueError(str(error)) from error
        except EntryError as error:
            raise ValueError(error.message) from error
        if (name, str(version)) != (self.name, self.version):
            raise ValueError(f"'{self.filename}' is not '{self.name}' {self.version}")
        if not self.filename.endswith(".tar.gz"):
            raise ValueError(f"'{self.filename}' is not a .tar.gz")
        return self

    def _named(self) -> str:
        return self.filename


class _Reasoned(_Decided):
    filename: str
    reason: str = Field(min_length=1, max_length=1000)

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        if not reason.strip() or not reason.isprintable():
            raise ValueError("a reason is one line of printable text")
        return reason


class Yank(_Reasoned):
    """A file stays, but installers take it only where it is pinned (PEP 592)."""

    event: Literal["yank"] = "yank"


class Unyank(_Reasoned):
    """A yanked file is offered again."""

    event: Literal["unyank"] = "unyank"


class Remove(_Reasoned):
    """A file goes. Its name stays taken: other bytes never come back under it."""

    event: Literal["remove"] = "remove"


class HeadModel(BaseModel):
    """What a ledger's head file may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = LEDGER_SCHEMA
    count: int = Field(ge=0)
    size: int = Field(ge=0)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


_DEFAULTS = Settings()


class SettingsModel(BaseModel):
    """What `Settings` may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(default=_DEFAULTS.title, min_length=1, max_length=200)
    base_url: str | None = _DEFAULTS.base_url
    default_cuda: str | None = _DEFAULTS.default_cuda
    pythons: tuple[str, ...] = _DEFAULTS.pythons
    layout: Literal["web", "drive"] = _DEFAULTS.layout

    @model_validator(mode="before")
    @classmethod
    def _of_plain(cls, told: object) -> object:
        return asdict(told) if isinstance(told, Settings) else told

    def plain(self) -> Settings:
        """The settings themselves."""
        return Settings(**{name: getattr(self, name) for name in type(self).model_fields})

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str) -> str:
        if not title.strip() or not title.isprintable():
            raise ValueError("a title is one line of printable text")
        return title

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is not None and not _BASE_URL.fullmatch(url):
            shown = url if url.isprintable() else ascii(url)[1:-1]
            raise ValueError(
                f"'{shown}' is not the address of a site: write it like "
                "https://OWNER.github.io/REPO (or http://…, file:///…; a space is %20), with no "
                "'?' and no '#'"
            )
        return url

    @field_validator("default_cuda")
    @classmethod
    def _a_root(cls, label: str | None) -> str | None:
        try:
            if label is not None:
                check_label(label)
        except EntryError as error:
            raise ValueError(error.message) from error
        return label

    @field_validator("pythons")
    @classmethod
    def _minor_versions(cls, pythons: tuple[str, ...]) -> tuple[str, ...]:
        for python in pythons:
            if not re.fullmatch(r"3\.[0-9]{1,3}", python):
                raise ValueError(f"'{python}' is not a Python such as 3.12")
        return pythons


class Configure(_Decided):
    """The settings change."""

    event: Literal["configure"] = "configure"
    settings: SettingsModel


Event = Add | Guard | Yank | Unyank | Remove | Configure
AnyEvent = Event | PlainEvent


@cache
def event_adapter() -> TypeAdapter[Event]:
    """What reads any event."""
    return TypeAdapter(Annotated[Event, Field(discriminator="event")])


def decided(event: Event, at: str | None) -> Event:
    """The event with the time it was decided at; one that adds a file has its own."""
    return event.model_copy(update={"at": at}) if isinstance(event, _Decided) else event
