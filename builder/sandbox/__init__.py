"""Running compilers under one fixed path with no network, as far as the kernel allows."""

from builder.sandbox.capability import NOTHING, Capability, choose, probe
from builder.sandbox.launch import BASE, Mount, Sandbox

__all__ = ["BASE", "NOTHING", "Capability", "Mount", "Sandbox", "choose", "probe"]
