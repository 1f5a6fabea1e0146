"""The templates of the pages for people, each compiled once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    Template,
)
from markupsafe import Markup, escape


@cache
def template(name: str) -> Template:
    """A template by its name; what is filled in is escaped, and what is missing is an error."""
    return _environment().get_template(name)


def keep_compiled(folder: Path) -> None:
    """Keep templates compiled in a folder: that takes longer than all else one page needs."""
    folder.mkdir(parents=True, exist_ok=True)
    _environment().bytecode_cache = FileSystemBytecodeCache(str(folder))


@lru_cache(maxsize=4096)
def part(macro: str, *filled: Hashable) -> Markup:
    """A macro of ``parts.html.j2``, filled in; the same again costs nothing."""
    made: Markup = getattr(template("parts.html.j2").module, macro)(*filled)
    return made.strip()


def words(text: str) -> Markup:
    """A line to paste, each of its words apart so that lines break between them."""
    # Single spaces stand between, as in the line itself: it must be copied as it is.
    apart = str(escape(text)).replace(" ", "</span> <span>")
    return Markup(f"<span>{apart}</span>")  # noqa: S704 - the text is escaped


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["words"] = words
    return environment
