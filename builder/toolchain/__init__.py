"""Compilers, sysroot and CUDA toolkits put together from pinned packages."""

from __future__ import annotations

from builder.toolchain.availability import availability
from builder.toolchain.digest import toolchain_digest
from builder.toolchain.install import (
    Sizes,
    artifacts,
    current_names,
    install,
    installed,
    prefix_path,
    remove,
    sizes,
)
from builder.toolchain.model import Toolchain
from builder.toolchain.pins import labels

__all__ = [
    "Sizes",
    "Toolchain",
    "artifacts",
    "availability",
    "current_names",
    "install",
    "installed",
    "labels",
    "prefix_path",
    "remove",
    "sizes",
    "toolchain_digest",
]
