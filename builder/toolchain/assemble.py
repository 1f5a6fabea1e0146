"""Fetch, unpack and put together the packages of one prefix."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from builder import fetch
from builder.fetch.artifact import Artifact
from builder.paths import Cache
from builder.toolchain.cuda_prefix import finish_cuda
from builder.toolchain.digest import pins_digest
from builder.toolchain.host_prefix import finish_host
from builder.toolchain.layout import patterns, put
from builder.toolchain.pins import HOST, Pins
from builder.toolchain.redist import components, manifest_pins
from builder.ui import Reporter

REDIST_PLACE = {"bin": "bin", "include": "include", "lib": "lib64", "nvvm": "nvvm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One archive, what is unpacked of it, and where that goes."""

    artifact: Artifact
    place: Mapping[str, str]
    include: tuple[str, ...]
    drop: tuple[str, ...] = ()
    strip: int = 0
    optional: bool = False
    """Whether a folder of ``place`` may be missing."""


def assemble(
    pins: Pins, prefix: Path, *, final: Path, cache: Cache, reporter: Reporter, data: Path
) -> None:
    """Put a prefix together in the empty folder ``prefix``, to be used at ``final``.

    Raises:
        FetchError: a package could not be had.
        ToolchainError: a package is not what its pins say.
    """
    pieces = (*_packages(pins), *_redist(pins, cache=cache, reporter=reporter, data=data))
    archives = fetch.fetch_all([piece.artifact for piece in pieces], cache=cache, reporter=reporter)
    stage = prefix / ".stage"
    with reporter.task(f"unpacking {pins.label}", total=len(pieces), unit="packages") as task:

        def unpack(index: int) -> Path:
            into = stage / str(index)
            piece = pieces[index]
            fetch.unpack(
                archives[piece.artifact],
                into,
                strip=piece.strip,
                include=piece.include,
                absolute_links="rewrite",
            )
            return into

        # Decompression leaves Python's lock, so threads help; rules are carried out in order.
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            for done, into in enumerate(pool.map(unpack, range(len(pieces)))):
                piece = pieces[done]
                place = piece.place
                if piece.optional:
                    place = {key: value for key, value in place.items() if (into / key).exists()}
                put(into, prefix, place, drop=piece.drop, name=piece.artifact.filename)
                shutil.rmtree(into)
                task.update(done + 1, detail=piece.artifact.filename)
    shutil.rmtree(stage)
    if pins.label == HOST:
        finish_host(prefix, final=final, digest=pins_digest(pins, data=data))
    else:
        finish_cuda(prefix, pins)


def _packages(pins: Pins) -> list[Piece]:
    return [
        Piece(
            artifact=package.artifact(),
            place=package.place,
            include=patterns(package.place),
            drop=package.drop,
        )
        for package in pins.package
    ]


def _redist(pins: Pins, *, cache: Cache, reporter: Reporter, data: Path) -> list[Piece]:
    pieces: list[Piece] = []
    for product in pins.redist:
        pin = manifest_pins(data=data).find(product)
        text = fetch.fetch(pin.artifact(product.product), cache=cache, reporter=reporter).read_text(
            "utf-8"
        )
        base = pin.manifest.rpartition("/")[0]
        pieces += [
            Piece(
                artifact=component.artifact,
                place=REDIST_PLACE,
                include=component.include,
                strip=1,
                optional=True,
            )
            for component in components(text, product, base=base)
        ]
    return pieces
