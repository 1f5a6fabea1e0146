"""A forward pass through a tiny network, in a process of its own: ``python -m darknet._selftest``.

Prints the device that was used and the outputs as JSON. Its weights are Darknet's own first
random numbers, the same in every process, so two devices can be compared.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from darknet._library import load_library
from darknet._network import Network

CFG = """
[net]
batch=1
width=32
height=32
channels=3

[convolutional]
filters=8
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
filters=21
size=1
stride=1
activation=linear

[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
classes=2
num=3
"""


def main() -> int:
    """Run it; 0, or whatever Darknet ends the process with."""
    with tempfile.TemporaryDirectory(prefix="darknet-") as folder:
        cfg = Path(folder, "selftest.cfg")
        cfg.write_text(CFG, encoding="ascii")
        network = Network(cfg)
    image = np.linspace(0, 1, network.inputs, dtype=np.float32)
    output = network.predict(image)
    device = int(load_library().cuda_choose_device())
    sys.stdout.write(json.dumps({"device": device, "output": output.tolist()}) + os.linesep)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
