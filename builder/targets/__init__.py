"""What wheels can be built for: CUDA and Python pairs, and the selectors that name some of them."""

from builder.targets.architectures import Architectures, parse_architectures
from builder.targets.model import Cuda, Target, Targets, python_tag, python_version
from builder.targets.select import select
from builder.targets.table import load_targets, parse_targets

__all__ = [
    "Architectures",
    "Cuda",
    "Target",
    "Targets",
    "load_targets",
    "parse_architectures",
    "parse_targets",
    "python_tag",
    "python_version",
    "select",
]
