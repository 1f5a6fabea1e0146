"""Reading the HTML pages as pip does (`html.parser`, every anchor), and as strictly as uv does.

Where the two would read a page differently (an attribute twice, a ``<base>``), that is a problem.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from index.check.listed import Listed, Reading, Roots, sort_out, unreadable, version_problem

DOCTYPE = "<!doctype html>"
VERSION_META = "pypi:repository-version"
_SHA256 = "sha256="
_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
_TAGS = frozenset({"html", "head", "meta", "title", "body", "h1", "a", "br"})
"""What a simple page is made of; anything else has no business there."""


@dataclass(slots=True)
class _Anchor:
    attributes: dict[str, str | None]
    repeated: list[str]
    text: str = ""


@dataclass(slots=True)
class _Page:
    anchors: list[_Anchor] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    whole: bool = True


def read_project_html(data: bytes) -> Reading:
    """The files of a project's page. Never raises, whatever the bytes are."""
    page = _parse(data)
    if not page.whole:
        return unreadable(page.problems[0])
    entries = []
    for anchor in page.anchors:
        if not anchor.attributes.get("href"):
            page.problems.append(f"an anchor without href ({anchor.text.strip()!r})")
            continue
        entries.append(_listed(anchor))
    return sort_out(entries, page.problems)


def read_root_html(data: bytes) -> Roots:
    """The projects of a root's page. Never raises, whatever the bytes are."""
    page = _parse(data)
    if not page.whole:
        return Roots(problems=tuple(page.problems), whole=False)
    names = []
    for anchor in page.anchors:
        name = anchor.text.strip()
        if anchor.attributes.get("href") != f"{name}/":
            page.problems.append(f"the link of {name!r} leads to {anchor.attributes.get('href')!r}")
        names.append(name)
    page.problems += [f"{name!r} is listed twice" for name in _twice(names)]
    return Roots(names=tuple(names), problems=tuple(page.problems))


def _twice(names: Sequence[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _listed(anchor: _Anchor) -> tuple[Listed, list[str]]:
    """One file, and the rules of HTML that its anchor breaks."""
    told = anchor.attributes
    wrong = [f"the attribute {name} is there twice" for name in anchor.repeated]
    wrong += [f"{name} has no value" for name, value in told.items() if value is None]
    url, mark, fragment = (told["href"] or "").partition("#")
    if not mark or not fragment.startswith(_SHA256) or fragment == _SHA256:
        wrong.append("its link has no '#sha256='")
        fragment = ""
    metadata, older = told.get("data-core-metadata"), told.get("data-dist-info-metadata")
    if metadata is not None and not metadata.startswith(_SHA256):
        wrong.append(f"data-core-metadata {metadata!r} has no 'sha256='")
        metadata = None
    elif older not in (None, metadata):
        wrong.append("data-core-metadata and data-dist-info-metadata differ")
    size = told.get("data-size")
    if size is not None and not _SIZE.fullmatch(size):
        wrong.append(f"its size {size!r} is no integer")
        size = None
    listed = Listed(
        filename=anchor.text.strip(),
        url=url,
        sha256=fragment.removeprefix(_SHA256),
        size=None if size is None else int(size),
        requires_python=told.get("data-requires-python"),
        core_metadata=None if metadata is None else metadata.removeprefix(_SHA256),
        yanked=told.get("data-yanked"),
        uploaded=told.get("data-upload-time"),
        provenance=told.get("data-provenance"),
    )
    return listed, wrong


def _parse(data: bytes) -> _Page:
    page = _Page()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return _Page(problems=[f"it is not UTF-8 ({error})"], whole=False)
    if text[: len(DOCTYPE)].lower() != DOCTYPE:
        page.problems.append("it does not begin with '<!doctype html>'")
    reader = _Reader(page)
    try:
        reader.feed(text)
    except (AssertionError, ValueError, NotImplementedError) as error:
        return _Page(problems=[f"it cannot be parsed ({error})"], whole=False)
    reader.finish()
    return page


class _Reader(HTMLParser):
    def __init__(self, page: _Page) -> None:
        super().__init__(convert_charrefs=True)
        self._page = page
        self._open: _Anchor | None = None
        self._versions: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in _TAGS:
            self._page.problems.append(f"a <{tag}> has no place in it")
        if tag == "meta" and told.get("name") == VERSION_META:
            self._versions.append(told.get("content"))
        if tag == "a":
            if self._open is not None:
                self._page.problems.append(f"the anchor {self._open.text.strip()!r} is not closed")
            self._open = _Anchor(told, _twice([name for name, _ in attrs]))
            self._page.anchors.append(self._open)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.text += data

    def finish(self) -> None:
        """What shows only at the end; pip does not close its parser, so neither is this one."""
        if self.rawdata.strip() or self._open is not None:
            self._page.problems.append("it ends in the middle of a tag")
        if len(self._versions) > 1:
            self._page.problems.append("it says its repository version more than once")
        problem = version_problem(self._versions[0] if self._versions else None)
        if problem is not None:
            self._page.problems.append(problem)
