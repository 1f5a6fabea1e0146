"""The pages installers read: each is there, keeps the rules, and says what the ledger says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from index.check.expected import JSON_PAGE, PAGE, Listing
from index.check.findings import Finding, finding
from index.check.listed import Listed, Reading, Roots, differences
from index.check.read_html import read_project_html, read_root_html
from index.check.read_json import read_project_json, read_root_json
from index.check.source import Answer, Missing, Source, Unreadable
from index.naming import parse_version

_HTML_TYPES = ("text/html", "application/vnd.pypi.simple.v1+html")
_SHOWN = 5
"""Names said of many."""


def read_page(source: Source, path: str) -> tuple[Answer | None, list[Finding]]:
    """A page, or why it is not to be had."""
    try:
        return source.read(path), []
    except Missing as error:
        return None, [finding("missing", source.place(path), "a page", str(error))]
    except Unreadable as error:
        return None, [finding("unreachable", source.place(path), "a page", str(error))]


def check_listing(
    source: Source, listing: Listing, base_url: str | None, *, json: bool
) -> list[Finding]:
    """Both forms of a project's page in one root."""
    wanted = {file.filename: Listed.of_file(file, base_url) for file in listing.files}
    place = source.place(listing.html)
    answer, found = read_page(source, listing.html)
    if answer is not None:
        found += _served(answer, place, listing.html)
        found += _compare(place, wanted, read_project_html(answer.data))
    if not json:
        return found
    place = source.place(listing.json)
    answer, more = read_page(source, listing.json)
    found += more
    if answer is not None:
        reading, versions = read_project_json(answer.data, listing.name)
        found += _compare(place, wanted, reading)
        if reading.whole:
            right = {str(parse_version(file.version)) for file in listing.files}
            found += _same_names(place, "version", right, set(versions))
    return found


def check_root(source: Source, root: str, names: Sequence[str], *, json: bool) -> list[Finding]:
    """Both forms of a root's page: exactly these projects."""
    forms: list[tuple[str, Callable[[bytes], Roots]]] = [(f"{root}/{PAGE}", read_root_html)]
    if json:
        forms.append((f"{root}/{JSON_PAGE}", read_root_json))
    found: list[Finding] = []
    for path, reader in forms:
        place = source.place(path)
        answer, more = read_page(source, path)
        found += more
        if answer is None:
            continue
        if path.endswith(PAGE):
            found += _served(answer, place, path)
        said = reader(answer.data)
        found += [finding("page", place, "a page installers read", one) for one in said.problems]
        if said.whole:
            found += _same_names(place, "project", set(names), set(said.names))
    return found


def _compare(place: str, wanted: dict[str, Listed], said: Reading) -> Iterator[Finding]:
    for problem in said.problems:
        yield finding("page", place, "a page installers read", problem)
    if not said.whole:
        return
    there = {listed.filename: listed for listed in said.files}
    for name, right in wanted.items():
        if name in there:
            for what, expected, found in differences(right, there[name]):
                yield finding("content", place, f"{name}: {what} {expected}", found)
        elif name not in said.broken:
            yield finding("content", place, f"the file {name}", "not listed")
    for name in sorted((there.keys() | said.broken) - wanted.keys()):
        yield finding("content", place, "only files of the ledger", f"lists {name}")


def _same_names(place: str, what: str, wanted: set[str], there: set[str]) -> Iterator[Finding]:
    if missing := sorted(wanted - there):
        yield finding("content", place, f"the {what}s {_some(missing)}", "not listed")
    if surplus := sorted(there - wanted):
        yield finding("content", place, f"only {what}s of the ledger", f"lists {_some(surplus)}")


def _served(answer: Answer, place: str, path: str) -> Iterator[Finding]:
    """What pip and uv ask of a page that comes over http."""
    if answer.kind is None:
        return
    kind, _, parameters = answer.kind.lower().partition(";")
    if kind.strip() not in _HTML_TYPES:
        yield finding("type", place, "text/html", answer.kind or "no content type")
    charset = parameters.partition("charset=")[2].strip(" \"'")
    if charset not in ("", "utf-8", "utf8"):
        yield finding("type", place, "charset=utf-8", answer.kind)
    folder = "/" + path.removesuffix(PAGE)
    if not answer.place.partition("?")[0].removesuffix(PAGE).endswith(folder):
        # Relative links are read from where a page really came from.
        yield finding("type", place, "the page itself", f"sent on to {answer.place}")


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
