"""Putting back what the ledger holds of the site's files: all of a guard, a wheel's METADATA."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from index.batches import batched
from index.guard import guard_bytes
from index.ledger import Guard
from index.site.intake import METADATA_SUFFIX
from index.site.reading import event_at, ledger_lines, read_files
from index.site.site import Site
from index.site.writer import Writer


def restore(site: Site) -> list[str]:
    """Write the small files that the pages promise, where they are missing or are others.

    The bytes of wheels and their attestations are nowhere but in their files.

    Returns:
        Paths relative to the site, sorted.
    """
    writer = Writer(site.folder)
    for path, data in _held(site):
        writer.write(path, data)
    writer.finish()
    return sorted(writer.done.pages)


def _held(site: Site) -> Iterator[tuple[str, bytes]]:
    """The files of the site that the ledger has the bytes of."""
    here = (known for known in site.state.all_files() if "://" not in known.url)
    for some in batched(here):
        for file in read_files(site.folder, [known for known in some if known.kind == "wheel"]):
            assert file.record is not None
            yield file.url + METADATA_SUFFIX, file.record.metadata.encode()
        guards = [known for known in some if known.kind == "guard"]
        for known, line in zip(guards, ledger_lines(site.folder, guards), strict=True):
            data = _guard(line, known.filename)
            # What another release of the index made otherwise cannot be made here: a check says so.
            if hashlib.sha256(data).hexdigest() == known.sha256:
                yield known.url, data


def _guard(line: bytes, filename: str) -> bytes:
    event = event_at(line, filename)
    assert isinstance(event, Guard)
    return guard_bytes(event.name, event.version, event.message)
