"""What can be fetched: a file with a name, a hash and a list of places it may be had from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.errors import RecipeError

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Artifact:
    """One pinned file.

    Attributes:
        filename: Its name in the cache, and, for ``pypi:``, which of a release's files is meant.
        source: ``pypi:NAME==VERSION``, ``debian:POOL/PATH`` or ``https://…``.
        sha256: Hash of the bytes, 64 hexadecimal digits.
        size: Bytes, where known; for plans and progress, never instead of the hash.
        mirrors: Further places with the very same bytes, in order of preference.
    """

    filename: str
    source: str
    sha256: str
    size: int | None = None
    mirrors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not SHA256.fullmatch(self.sha256):
            raise RecipeError(
                f"{self.filename}: sha256 must be 64 hexadecimal digits, not '{self.sha256}'"
            )
        if not self.filename or "/" in self.filename or self.filename.startswith("."):
            raise RecipeError(f"'{self.filename}' is not a plain file name")

    @property
    def places(self) -> tuple[str, ...]:
        """The source and then its mirrors."""
        return (self.source, *self.mirrors)
