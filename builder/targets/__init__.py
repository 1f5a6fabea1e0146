"""CUDA and Python pairs as data, and the selectors that name some of them."""
