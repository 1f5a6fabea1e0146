"""Digests of what a prefix is made of: from pins alone, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from builder.toolchain.pins import DATA, HOST, Pins, load_pins
from builder.toolchain.redist import manifest_pins

LAYOUT_FORMAT = 1
"""Raised when the code that puts a prefix together makes something else of the same packages."""
SHORT = 12


def pins_digest(pins: Pins, *, data: Path = DATA) -> str:
    """64 hexadecimal digits over everything of a pin file that can change the prefix's content."""
    packages = [
        {"sha256": one.sha256, "filename": one.filename, "place": one.place, "drop": one.drop}
        for one in pins.package
    ]
    products = [
        {
            "manifest": manifest_pins(data=data).find(one).sha256,
            "components": one.components,
            "variant": one.variant,
            "include": one.include,
        }
        for one in pins.redist
    ]
    content = {
        "layout": LAYOUT_FORMAT,
        "label": pins.label,
        "version": pins.version,
        "packages": packages,
        "redist": products,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def toolchain_digest(label: str, *, data: Path = DATA) -> str:
    """The digest of a CUDA's whole toolchain: host compiler, sysroot, tools and toolkit.

    Raises:
        UsageError: there is no such toolchain.
        RecipeError: a pin file is not valid.
    """
    parts = [pins_digest(load_pins(name, data=data), data=data) for name in (HOST, label)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def prefix_name(pins: Pins, *, data: Path = DATA) -> str:
    """``cu118-0123456789ab``: the folder a prefix is installed to."""
    return f"{pins.label}-{pins_digest(pins, data=data)[:SHORT]}"
