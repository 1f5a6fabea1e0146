"""Compilers, sysroot and CUDA toolkits put together from pinned packages."""
