"""A right site for the tests of `builder index check`, and ways to break it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.addresses import folder_url
from index.check import Report
from index.ledger import Add, Configure, Event, Settings
from index.ledger.seal import EMPTY, seal_event
from index.site.finish import finish
from index.site.site import open_site
from index.wheels import record_of_wheel

UPLOADED = "2026-11-21T00:00:00Z"
BASE_URL = "https://owner.example/wheels"
PROVENANCE = b'{"version": 1, "attestation_bundles": []}'
CU118 = "tiny_gpu-1.0+cu118-1-py3-none-any.whl"
CU124 = "tiny_gpu-1.0+cu124-1-py3-none-any.whl"
OTHER = "other_one-2.0+cu124-py3-none-any.whl"
WHEELS = (CU118, CU124, OTHER)
GUARD = "tiny_gpu-1.0+cu124.tar.gz"


def make_wheel(folder: Path, filename: str, *headers: str) -> Path:
    """A wheel of nothing but its METADATA, the same bytes each time."""
    name, version = filename.split("-")[:2]
    text = "\n".join(
        ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}",
         "Requires-Python: >=3.9", *headers, ""]
    )  # fmt: skip
    path = folder / filename
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo(f"{name}-{version}.dist-info/METADATA", (2026, 1, 1, 0, 0, 0))
        archive.writestr(entry, text)
    return path


def place_wheel(
    site: Path, filename: str, *, files: str = "files", provenance: bool = False
) -> Add:
    """Put a wheel and its metadata where ``files`` says, and say so as an event.

    Args:
        site: The site.
        filename: The wheel's name.
        files: Folder relative to the site, or an absolute address where it already lies.
        provenance: Whether it has attestations.
    """
    folder = site / ("elsewhere" if "://" in files else files)
    wheel = make_wheel(folder, filename)
    record = record_of_wheel(wheel)
    if "://" in files:
        wheel.unlink()
        folder.rmdir()
    else:
        wheel.with_name(f"{filename}.metadata").write_text(record.metadata)
        if provenance:
            wheel.with_name(f"{filename}.provenance").write_bytes(PROVENANCE)
    return Add(
        record=record, url=folder_url(files, filename), uploaded=UPLOADED, provenance=provenance
    )


def make_site(folder: Path, events: Sequence[Event] = (), **settings: object) -> Path:
    """A site whose pages say what its ledger says.

    Args:
        folder: Where it goes; ``folder``'s neighbour ``cache`` keeps its state.
        events: What happens to it; without any, three wheels of two CUDAs are added, which
            bring their guards.
        settings: Its settings.
    """
    told = {"default_cuda": "cu124", "base_url": BASE_URL, **settings}
    folder.mkdir(parents=True, exist_ok=True)
    chosen = list(events) or [
        place_wheel(folder, name, provenance=name == OTHER) for name in WHEELS
    ]
    with open_site(folder, folder.parent / "cache") as site:
        site.append([Configure(settings=Settings.checked(told)), *chosen])
        finish(site, uploaded=UPLOADED)
    return folder


def change(site: Path, events: Sequence[Event]) -> None:
    """Let more happen to a site, and write its pages."""
    with open_site(site, site.parent / "cache") as opened:
        opened.append(events)
        finish(opened, uploaded=UPLOADED)


def put(path: Path, old: str, new: str) -> None:
    """Replace text in a file that has it."""
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))


def edit_json(path: Path, change: Mapping[str, object]) -> None:
    """Change keys of the one wheel that a project's JSON page lists; None drops one."""
    page = json.loads(path.read_text())
    (wheel,) = [file for file in page["files"] if file["filename"].endswith(".whl")]
    for key, value in change.items():
        if value is None:
            del wheel[key]
        else:
            wheel[key] = value
    path.write_text(json.dumps(page))


def reseal(site: Path, events: Sequence[Event]) -> None:
    """Write another ledger that holds together by itself, and nothing else."""
    head, data = EMPTY, b""
    for event in events:
        line, head = seal_event(event, head)
        data += line
    (site / "ledger.jsonl").write_bytes(data)
    (site / "ledger.head.json").write_text(head.dump())


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break a right site, and what must be found.

    Attributes:
        name: What is done.
        do: Does it.
        kinds: Kinds of the findings, in order of their places.
        place: How the place of each ends.
        found: What one of them says of what is there.
    """

    name: str
    do: Callable[[Path], object]
    kinds: tuple[str, ...]
    place: str
    found: str = ""

    def check(self, report: Report) -> None:
        """Fail unless the report has these findings and no others."""
        told = [(finding.kind, finding.place, finding.found) for finding in report.findings]
        assert sorted(kind for kind, _, _ in told) == sorted(self.kinds), told
        for _, place, _ in told:
            assert (
                place.replace("%2B", "+")
                .removesuffix("index.html")
                .endswith(self.place.removesuffix("index.html"))
            ), told
        assert any(self.found in found for _, _, found in told), told


def _file(name: str, path: str, kind: str, found: str, data: bytes | None = None) -> Fault:
    """A file that is gone, or has other bytes."""

    def do(site: Path) -> None:
        if data is None:
            (site / path).unlink()
        else:
            (site / path).write_bytes(data)

    return Fault(name, do, (kind,), path, found)


def _text(name: str, path: str, old: str, new: str, kind: str, found: str) -> Fault:
    """A page in which one thing is written otherwise."""
    return Fault(name, lambda site: put(site / path, old, new), (kind,), path, found)


def _key(name: str, changes: Mapping[str, object], kind: str, found: str) -> Fault:
    """A JSON page that says otherwise of its first file."""
    return Fault(name, lambda site: edit_json(site / JSON, changes), (kind,), JSON, found)


def _people(name: str, path: str, old: str, new: str, link: str) -> Fault:
    """A page for people with a link it should not have; it is also no longer the right page."""
    return Fault(name, lambda site: put(site / path, old, new), ("content", "link"), path, link)


def _same_size(site: Path, path: str) -> None:
    data = bytearray((site / path).read_bytes())
    data[len(data) // 2] ^= 1
    (site / path).write_bytes(data)


def _drop_line(path: str, part: str) -> Callable[[Path], object]:
    def do(site: Path) -> None:
        lines = (site / path).read_text().splitlines(keepends=True)
        kept = [line for line in lines if part not in line]
        assert len(kept) == len(lines) - 1
        (site / path).write_text("".join(kept))

    return do


def _repeat_line(path: str, part: str, old: str, new: str) -> Callable[[Path], object]:
    def do(site: Path) -> None:
        lines = (site / path).read_text().splitlines(keepends=True)
        (line,) = [line for line in lines if part in line]
        lines.insert(lines.index(line), line.replace(old, new))
        (site / path).write_text("".join(lines))

    return do


def _shorten(site: Path) -> None:
    lines = (site / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (site / "ledger.jsonl").write_bytes(b"".join(lines[:-1]))


def _tear(site: Path) -> None:
    with (site / "ledger.jsonl").open("ab") as ledger:
        ledger.write(b'{"schema_version":1,"eve')


def _edit_page(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def do(site: Path) -> None:
        page = json.loads((site / JSON).read_text())
        change(page)
        (site / JSON).write_text(json.dumps(page))

    return do


def _without_papers(site: Path) -> None:
    """Let the index have a recipe's wheel from before wheels had bills of materials in them."""
    event = place_wheel(site, UNPAPERED)
    record = event.record.model_copy(update={"build_key": "ab" * 16})
    change(site, [event.model_copy(update={"record": record})])


UNPAPERED = "other_one-3.0+cu124-py3-none-any.whl"
HTML, JSON = "cu118/tiny-gpu/index.html", "cu118/tiny-gpu/index.json"
ROOT, ROOT_JSON = "cu124/index.html", "cu124/index.json"
LANDING, PEOPLE = "index.html", "project/tiny-gpu/index.html"
_HASH = "0123456789abcdef" * 4

FAULTS = (
    _text("a changed event", "ledger.jsonl", UPLOADED, "2020-11-21T00:00:00Z", "ledger", "changed"),
    Fault("a shortened ledger", _shorten, ("ledger",), "ledger.jsonl", "shortened"),
    _file("no ledger", "ledger.jsonl", "ledger", "nothing"),
    _file("no head", "ledger.head.json", "ledger", "no head"),
    Fault("a head that is none", lambda site: (site / "ledger.head.json").write_text("{}"),
          ("ledger",), "ledger.jsonl", "ledger.head.json"),
    Fault("a torn line", _tear, ("ledger",), "ledger.jsonl", "24 bytes"),
    _file("no project page", HTML, "missing", "nothing"),
    _file("no JSON page", JSON, "missing", "nothing"),
    _file("no root page", ROOT, "missing", "nothing"),
    _file("no JSON root page", ROOT_JSON, "missing", "nothing"),
    _file("no page for people", PEOPLE, "missing", "nothing"),
    _file("no landing page", LANDING, "missing", "nothing"),
    _file("no style", "assets/site.css", "missing", "nothing"),
    Fault("HTML lacks a file", _drop_line(HTML, CU118), ("content",), HTML, "not listed"),
    Fault("HTML has another file", _repeat_line(HTML, CU118, "1.0", "2.0"), ("content",), HTML,
          "lists tiny_gpu-2.0"),
    Fault("HTML has a file twice", _repeat_line(HTML, CU118, "x", "x"), ("page",), HTML, "twice"),
    _text("HTML: another host", HTML, "../../files/tiny_gpu-1.0%2Bcu118-1",
          "https://evil.example/tiny_gpu-1.0%2Bcu118-1", "content", "evil.example"),
    _text("HTML: requires-python", HTML, "&gt;=3.9", "&gt;=3.8", "content", ">=3.8"),
    _text("HTML: an anchor without href", HTML, "</body>", "<a></a></body>", "page", "href"),
    _text("HTML: a doctype", HTML, "<!DOCTYPE html>", "", "page", "doctype"),
    _text("HTML: no version", HTML, "pypi:repository-version", "x", "page", "no repository"),
    _text("HTML: version 2", HTML, 'content="1.4"', 'content="2.0"', "page", "'2.0'"),
    _text("HTML: a base", HTML, "<title>", "<base href='https://evil.example/'><title>", "page",
          "<base>"),
    _text("HTML: a script", HTML, "</body>", "<script src='x.js'></script></body>", "page",
          "<script>"),
    _text("HTML: cut off in a tag", HTML, "</html>", "<a href='", "page", "middle of a tag"),
    Fault("HTML: other text",
          lambda site: put(site / HTML, ">tiny_gpu-1.0+cu118-1", ">tiny_gpu-1.1+cu118-1"),
          ("content", "content", "page"), HTML, "address ends in"),
    Fault("HTML: Latin-1", lambda site: (site / HTML).write_bytes("é".encode("latin-1")),
          ("page",), HTML, "UTF-8"),
    Fault("JSON lacks a file", _edit_page(lambda page: page["files"].pop(0)), ("content",), JSON,
          "not listed"),
    Fault("JSON has a file twice", _edit_page(lambda page: page["files"].append(page["files"][0])),
          ("page",), JSON, "twice"),
    Fault("JSON: another name", _edit_page(lambda page: page.update(name="Tiny_GPU")), ("page",),
          JSON, "Tiny_GPU"),
    Fault("JSON: version 2", _edit_page(lambda page: page["meta"].update({"api-version": "2.0"})),
          ("page",), JSON, "'2.0'"),
    Fault("JSON: no versions", _edit_page(lambda page: page.pop("versions")), ("content", "page"),
          JSON, "no list of versions"),
    Fault("JSON: another version", _edit_page(lambda page: page["versions"].append("9")),
          ("content",), JSON, "lists 9"),
    _file("JSON: a list", JSON, "page", "not a JSON object", b"[]"),
    _file("JSON: cut off", JSON, "page", "not JSON", b'{"meta":'),
    _file("JSON: a key twice", JSON, "page", "twice", b'{"a":1,"a":2}'),
    _key("JSON: a size as text", {"size": "12"}, "page", "no integer"),
    _key("JSON: another size", {"size": 12}, "content", "12"),
    _key("JSON: no hashes", {"hashes": None}, "page", "no hashes"),
    _key("JSON: another hash", {"hashes": {"md5": "0" * 32}}, "page", "no sha256"),
    _key("JSON: another sha256", {"hashes": {"sha256": _HASH}}, "content", _HASH),
    _key("JSON: metadata true", {"core-metadata": True}, "page", "core-metadata"),
    _key("JSON: other metadata", {"core-metadata": {"sha256": _HASH}}, "content", _HASH),
    _key("JSON: no metadata", {"core-metadata": None}, "content", "nothing"),
    _key("JSON: yanked", {"yanked": "why not"}, "content", "why not"),
    _key("JSON: yanked 1", {"yanked": 1}, "page", "yanked is 1"),
    _key("JSON: no url", {"url": None}, "page", "no url"),
    _key("JSON: another url", {"url": f"https://evil.example/{CU118.replace('+', '%2B')}"},
         "content", "evil.example"),
    _key("JSON: no requires-python", {"requires-python": None}, "content", "nothing"),
    _key("JSON: metadata's older name", {"dist-info-metadata": False}, "page", "PEP 714"),
    _key("JSON: requires-python", {"requires-python": "three"}, "page", "no version specifier"),
    _key("JSON: a time", {"upload-time": "2026-11-21"}, "page", "RFC 3339"),
    _key("JSON: provenance", {"provenance": "https://x.example/p"}, "content", "x.example"),
    _text("a root lacks a project", ROOT, '    <a href="other-one/">other-one</a><br>\n', "",
          "content", "not listed"),
    _text("a root has another project", ROOT, "</body>", '<a href="new/">new</a></body>',
          "content", "lists new"),
    _text("a root's link leads elsewhere", ROOT, 'href="other-one/"', 'href="https://x.example/"',
          "page", "x.example"),
    _text("a JSON root lacks a project", ROOT_JSON, '{"name":"other-one"},', "", "content",
          "not listed"),
    _file("a JSON root is a list", ROOT_JSON, "page", "not a JSON object", b"[]"),
    _file("no wheel", f"files/{CU118}", "missing", "nothing"),
    _file("a shorter wheel", f"files/{CU118}", "size", "1 bytes", b"x"),
    Fault("another wheel", lambda site: _same_size(site, f"files/{CU118}"), ("sha256",),
          f"files/{CU118}"),
    Fault("another guard", lambda site: _same_size(site, f"files/{GUARD}"), ("sha256",),
          f"files/{GUARD}"),
    _file("no guard", f"files/{GUARD}", "missing", "nothing"),
    _file("no metadata", f"files/{CU118}.metadata", "missing", "nothing"),
    _text("other metadata", f"files/{CU118}.metadata", ">=3.9", ">=3.8", "metadata", "line 4"),
    _file("no provenance", f"files/{OTHER}.provenance", "missing", "nothing"),
    _file("provenance: no JSON", f"files/{OTHER}.provenance", "provenance", "not JSON", b"<"),
    _file("provenance: a list", f"files/{OTHER}.provenance", "provenance", "no object", b"[]"),
    _file("provenance: version 2", f"files/{OTHER}.provenance", "provenance", "version 2",
          b'{"version": 2, "attestation_bundles": []}'),
    _file("provenance: no bundles", f"files/{OTHER}.provenance", "provenance", "bundles",
          b'{"version": 1}'),
    Fault("a recipe's wheel without papers", _without_papers, ("papers",), f"files/{UNPAPERED}",
          "no bill of materials"),
    _people("people: a link to elsewhere", PEOPLE, "</body>",
            "<a href='https://evil.example/'>x</a></body>", "evil.example"),
    _people("people: a script from elsewhere", LANDING, "</body>",
            "<script src='//cdn.example/x.js'></script></body>", "cdn.example"),
    _people("people: a link to nothing", PEOPLE, "</body>", "<a href='../gone/'>x</a></body>",
            "../gone/"),
    _people("people: from the host's root", PEOPLE, "</body>", "<a href='/cu124/'>x</a></body>",
            "/cu124/"),
    Fault("style: a picture from elsewhere",
          lambda site: (site / "assets/site.css").write_text("p{background:url(http://x.example)}"),
          ("content", "link"), "assets/site.css", "x.example"),
    _text("people: other words", PEOPLE, "</body>", "<p>trust me</p></body>", "content", "line"),
)  # fmt: skip
"""Faults that show in a folder and over http alike."""


def _html(name: str, old: str, new: str, kind: str, found: str) -> Fault:
    """A wheel's anchor (never its guard's, which comes first) written otherwise."""

    def do(site: Path) -> None:
        lines = (site / HTML).read_text().splitlines(keepends=True)
        changed = [re.sub(old, new, line) if f">{CU118}<" in line else line for line in lines]
        assert changed != lines
        (site / HTML).write_text("".join(changed))

    return Fault(name, do, (kind,), HTML, found)


FAULTS += (
    _html("HTML: another sha256", "#sha256=[0-9a-f]+", f"#sha256={_HASH}", "content", _HASH),
    _html("HTML: a short sha256", "#sha256=[0-9a-f]+", "#sha256=abc", "page", "64 hexadecimal"),
    _html("HTML: no sha256", "#sha256=[0-9a-f]+", "", "page", "no '#sha256='"),
    _html("HTML: a size in words", 'data-size="[0-9]+"', 'data-size="12 kB"', "page", "no integer"),
    _html("HTML: another size", 'data-size="[0-9]+"', 'data-size="12"', "content", "12"),
    _html("HTML: no size", ' data-size="[0-9]+"', "", "content", "nothing"),
    _html("HTML: a time", 'data-upload-time="[^"]+"', 'data-upload-time="now"', "page", "RFC 3339"),
    _html("HTML: another time", "2026-11-21T", "2020-11-21T", "content", "2020"),
    _html("HTML: no metadata", ' data-(core|dist-info)-metadata="[^"]+"', "", "content", "nothing"),
    _html("HTML: metadata true", 'data-core-metadata="[^"]+"', 'data-core-metadata="true"', "page",
          "core-metadata"),
    _html("HTML: no specifier", "&gt;=3.9", "three", "page", "no version specifier"),
    _html("HTML: a bare plus", "%2B", "+", "page", "bare '+'"),
    _html("HTML: an attribute twice", "<a ", '<a data-size="1" ', "page", "twice"),
    _html("HTML: yanked for nothing", "<a ", '<a data-yanked="why not" ', "content", "why not"),
    _html("HTML: an attribute of nothing", "<a ", "<a data-yanked ", "page", "no value"),
    _html("HTML: an address that is none", 'href="[^#]+', 'href="http://[', "page", "cannot be"),
)  # fmt: skip


def _link_out(site: Path) -> None:
    wheel = site / "files" / CU118
    outside = site.parent / "outside.whl"
    wheel.rename(outside)
    wheel.symlink_to(outside)


def _add(path: str, text: str = "x") -> Callable[[Path], object]:
    def do(site: Path) -> None:
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)

    return do


FOLDER_FAULTS = (
    Fault("a wheel nobody knows", _add("files/new-1-py3-none-any.whl"), ("leftover",), "any.whl"),
    Fault("metadata nobody knows", _add(f"files/{GUARD}.metadata"), ("leftover",), "metadata"),
    Fault("a project nobody knows", _add("cu118/old/index.html"), ("leftover",), "old/index.html"),
    Fault("a root nobody knows", _add("cu130/index.html"), ("leftover",), "cu130/index.html"),
    Fault("a page for people of nothing", _add("project/old/index.html"), ("leftover",), "old/"),
    Fault("a script nobody knows", _add("assets/more.js"), ("leftover",), "more.js"),
    Fault("a wheel that is a link out of the site", _link_out, ("missing",), CU118,
          "symbolic link"),
)  # fmt: skip
"""Faults that only whoever has the folder can see."""
