"""Compilers, sysroot and CUDA toolkits put together from pinned packages."""

from __future__ import annotations

from builder.toolchain.digest import toolchain_digest
from builder.toolchain.install import Sizes, artifacts, install, installed, prefix_path, sizes
from builder.toolchain.model import Toolchain
from builder.toolchain.pins import labels

__all__ = [
    "Sizes",
    "Toolchain",
    "artifacts",
    "install",
    "installed",
    "labels",
    "prefix_path",
    "sizes",
    "toolchain_digest",
]
