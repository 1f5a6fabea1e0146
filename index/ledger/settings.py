"""What the pages say besides the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, Self

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A site's settings, as `checked` found them right (or as the ledger has them).

    Attributes:
        title: What the landing page is called.
        base_url: The site's own address, without a slash at the end: what the lines to paste begin
            with.
        default_cuda: The CUDA whose files ``/simple/`` has.
        pythons: Pythons that a version must serve before its guard is published.
        layout: ``web``, or ``drive`` for a folder that pip reads.
    """

    title: str = "GPU wheels"
    base_url: str | None = None
    default_cuda: str | None = None
    pythons: tuple[str, ...] = ("3.10", "3.11", "3.12", "3.13", "3.14")
    layout: Literal["web", "drive"] = "web"

    @classmethod
    def checked(cls, told: Mapping[str, object]) -> Settings:
        """Settings from anywhere, each value judged.

        Raises:
            pydantic.ValidationError: a site cannot have them.
        """
        from index.ledger.events import SettingsModel  # takes longer than adding a wheel

        return SettingsModel.model_validate(told).plain()

    @classmethod
    def kept(cls, text: str) -> Self:
        """Settings as `dump` wrote them."""
        told = orjson.loads(text)
        return cls(**{**told, "pythons": tuple(told["pythons"])})

    def dump(self) -> str:
        """As JSON, for `kept`."""
        return orjson.dumps(asdict(self)).decode()
