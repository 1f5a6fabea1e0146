"""Whether a toolchain's packages can be had from here at all, asked before anything starts."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

from builder.fetch.settings import NVIDIA_MIRROR_VARIABLE, FetchSettings
from builder.toolchain.pins import DATA, load_pins
from builder.toolchain.redist import ARCHIVE, manifest_pins

PROBE_SECONDS = 3.0


def availability(
    label: str, *, settings: FetchSettings | None = None, data: Path = DATA
) -> str | None:
    """None where a CUDA label can be built here; else why not, as a line for a plan.

    Only toolchains that come from NVIDIA's redistributable archive are asked about, with one
    request of a few seconds at most; an archive that did not answer is not asked again.

    Raises:
        UsageError: there is no such toolchain.
        RecipeError: a pin file is not valid.
    """
    settings = FetchSettings.from_environment() if settings is None else settings
    for product in load_pins(label, data=data).redist:
        pin = manifest_pins(data=data).find(product)
        archive, path = (
            settings.replaced(f"{ARCHIVE}/").rstrip("/"),
            pin.manifest.removeprefix(ARCHIVE),
        )
        refusal = _refusal(archive, path)
        if refusal is not None:
            return (
                f"not built here: NVIDIA's archive is out of reach ({refusal}); "
                f"a mirror can be named with {NVIDIA_MIRROR_VARIABLE}"
            )
    return None


_unreachable: dict[str, str] = {}
"""Archives that did not answer this process at all, and what was seen instead."""


@functools.cache
def _refusal(archive: str, path: str) -> str | None:
    """What stands in the way of a file of an archive, or None if it is given."""
    from builder.fetch.http import Client
    from builder.fetch.location import Location, PlaceError, TransientError

    if archive in _unreachable:
        return _unreachable[archive]
    patience = FetchSettings(connect_timeout=PROBE_SECONDS, read_timeout=PROBE_SECONDS, attempts=1)
    with contextlib.closing(Client(patience)) as client:
        try:
            with client.open(Location(url=archive + path), start=0, validator=None):
                return None
        except PlaceError as error:
            # The first words say what happened; the rest is the HTTP client's own account of it.
            refusal = str(error).partition(" (")[0]
            if isinstance(error, TransientError) and not error.reached:
                _unreachable[archive] = refusal
            return refusal
