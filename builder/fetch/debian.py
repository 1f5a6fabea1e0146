"""Debian pool files: from the user's mirrors, this machine's apt mirrors, the snapshot archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from builder.fetch.location import Location, PermanentError

SNAPSHOT = "https://snapshot.debian.org/archive"
TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
DEBIAN_COMPONENTS = {"main", "contrib", "non-free", "non-free-firmware"}
ARCHIVE_FOLDERS = {"debian", "debian-security", "debian-ports"}
SECURITY = "-security"
ONE_LINE = re.compile(r"deb(?:-src)?\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<rest>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One archive: ``pool/`` lies below ``url``."""

    url: str

    @property
    def security(self) -> bool:
        """Whether it is an archive of security updates, whose pool is one of its own."""
        return "security" in urlsplit(self.url).path


@dataclass(frozen=True, slots=True, kw_only=True)
class AptEntry:
    """One archive as apt's configuration names it."""

    uri: str
    components: tuple[str, ...]
    signed_by: str = ""

    @property
    def debian(self) -> bool:
        """Whether it is one of Debian's own: by folder, components and signature.

        A wrong yes costs a 404, for the hash decides in the end.
        """
        folders = set(urlsplit(self.uri).path.strip("/").split("/"))
        components = {part.rpartition("/")[2] for part in self.components}
        ours = "debian-archive" in self.signed_by or not self.signed_by.startswith("/")
        return bool(folders & ARCHIVE_FOLDERS) and bool(components & DEBIAN_COMPONENTS) and ours


def locations(rest: str, roots: Iterable[Root], snapshot: str) -> Iterator[Location]:
    """Where ``pool/…[@TIMESTAMP]`` may lie, best first.

    Raises:
        PermanentError: it is not of that form.
    """
    path, at, stamp = rest.partition("@")
    clean = path.startswith("pool/") and not {"", ".", ".."} & set(path.split("/"))
    if not clean or (at and not TIMESTAMP.fullmatch(stamp)):
        raise PermanentError(
            f"'debian:{rest}' is not of the form debian:pool/…/FILE[@YYYYMMDDTHHMMSSZ]"
        )
    # Security updates live in a pool of their own, `pool/updates/`, in an archive beside the main.
    security = path.startswith("pool/updates/")
    quoted = quote(path, safe="/~:_-.")
    for root in sorted(roots, key=lambda root: root.security is not security):
        yield Location(url=f"{root.url}/{quoted}")
    archive = "debian-security" if security else "debian"
    yield Location(url=f"{SNAPSHOT}/{archive}/{stamp or snapshot}/{quoted}")


def roots(mirrors: Iterable[str], apt: Path) -> tuple[Root, ...]:
    """The archives to ask: the user's, then apt's, each with its security sibling, none twice."""
    found: dict[str, None] = {}
    for url in (*mirrors, *(entry.uri for entry in apt_entries(apt) if entry.debian)):
        url = url.rstrip("/")
        found.setdefault(url)
        if url.endswith("/debian"):
            found.setdefault(url + SECURITY)
        elif url.endswith("/debian" + SECURITY):
            found.setdefault(url.removesuffix(SECURITY))
    return tuple(Root(url=url) for url in found)


def apt_entries(apt: Path) -> tuple[AptEntry, ...]:
    """Every archive an apt configuration folder names, in either of apt's two forms."""
    entries: list[AptEntry] = []
    parts = apt / "sources.list.d"
    for path in (apt / "sources.list", *sorted(parts.glob("*.list"))):
        entries += parse_list(_text(path))
    for path in sorted(parts.glob("*.sources")):
        entries += parse_deb822(_text(path))
    return tuple(plain for entry in entries for plain in _plain(entry))


def parse_list(text: str) -> list[AptEntry]:
    """The entries of apt's one-line form."""
    entries = []
    for line in text.splitlines():
        match = ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None:
            continue
        options = dict(
            part.partition("=")[::2] for part in (match["options"] or "").split() if "=" in part
        )
        entries.append(
            AptEntry(
                uri=match["uri"],
                components=tuple(match["rest"].split()[1:]),
                signed_by=options.get("signed-by", ""),
            )
        )
    return entries


def parse_deb822(text: str) -> list[AptEntry]:
    """The entries of apt's paragraph form (``*.sources``)."""
    entries = []
    for fields in _paragraphs(text):
        if fields.get("enabled", "yes").strip().lower() in ("no", "false", "0", "off"):
            continue
        entries += [
            AptEntry(
                uri=uri,
                components=tuple(fields.get("components", "").split()),
                signed_by=fields.get("signed-by", "").strip(),
            )
            for uri in fields.get("uris", "").split()
        ]
    return entries


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    key = ""
    for line in (*text.splitlines(), ""):
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, key = {}, ""
        elif line[0] in " \t":
            if key:
                fields[key] += f"\n{line.strip()}"
        else:
            name, _, value = line.partition(":")
            key = name.strip().lower()
            fields[key] = value.strip()


def _plain(entry: AptEntry) -> Iterator[AptEntry]:
    """The entry by http(s) or file; a list of mirrors (``mirror+file:``) gives one for each."""
    scheme, _, rest = entry.uri.partition(":")
    if scheme == "mirror+file":
        for line in _text(Path("/" + rest.lstrip("/"))).splitlines():
            words = line.partition("#")[0].split()
            if words:
                yield AptEntry(uri=words[0], components=entry.components, signed_by=entry.signed_by)
    elif scheme in ("http", "https"):
        yield entry
    elif scheme in ("file", "copy"):
        yield AptEntry(
            uri=f"file:///{rest.lstrip('/')}",
            components=entry.components,
            signed_by=entry.signed_by,
        )


def _text(path: Path) -> str:
    """A configuration file's text; a missing or closed one says nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
