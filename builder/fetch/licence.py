"""NVIDIA's licence: whose packages these are is said once, before the first of them comes."""

from __future__ import annotations

from collections.abc import Iterable

from builder.fetch.artifact import Artifact
from builder.fetch.part import writing
from builder.paths import Cache
from builder.ui import Reporter
from index.files import write_text

NVIDIA_EULA = "https://docs.nvidia.com/cuda/eula/"
MARKER = ".nvidia-licence-said"


def is_nvidia(artifact: Artifact) -> bool:
    """Whether the file is one of NVIDIA's: by its name or by where it comes from."""
    named = any("nvidia" in place.lower() for place in artifact.places)
    return named or artifact.filename.lower().startswith(("nvidia", "cuda_toolkit", "cuda-toolkit"))


def licence_note(artifacts: Iterable[Artifact]) -> str | None:
    """One line about NVIDIA's licence if any of the artifacts is NVIDIA's, else None."""
    count = sum(map(is_nvidia, artifacts))
    if count == 0:
        return None
    them = "a package" if count == 1 else f"{count} packages"
    return f"downloading {them} that come under NVIDIA's licence (EULA: {NVIDIA_EULA})"


def say_licence_once(artifacts: Iterable[Artifact], *, cache: Cache, reporter: Reporter) -> None:
    """Say the note, unless this cache has had it said before."""
    note = licence_note(artifacts)
    marker = cache.downloads / MARKER
    if note is None or marker.exists():
        return
    reporter.say(note)
    with writing(cache.downloads):
        write_text(marker, f"{note}\n")
