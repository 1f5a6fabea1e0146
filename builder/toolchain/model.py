"""An installed toolchain: where its two prefixes lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """A host prefix shared by every CUDA, and one CUDA prefix.

    Attributes:
        label: CUDA label, ``cu118``.
        digest: Digest of all pins, as it stands in a build spec.
        host: ``bin/`` (x86_64-linux-gnu-gcc, -g++ wrappers, cmake, ninja, sccache, patchelf, uv …),
            ``sysroot/`` (glibc 2.31), ``python/include/`` (headers for the limited API).
        cuda: ``bin/nvcc``, ``include/``, ``lib64/`` (with ``libX.so`` names), ``nvvm/``.
    """

    label: str
    digest: str
    host: Path
    cuda: Path
