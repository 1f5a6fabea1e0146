"""Write `reference.json`: samples of what the CPU build of OpenCV from PyPI answers.

In an environment of its own, because it has the other ``cv2``:

    python -m venv cpu
    cpu/bin/pip install opencv-contrib-python-headless==4.14.0.94
    cpu/bin/python recipes/opencv-cuda/tests/make_reference.py
"""

import json
from pathlib import Path

import cv2
import numpy as np
from answers import answers

SAMPLES = 40
REFERENCE = Path(__file__).with_name("reference.json")


def sample(array):
    """Its shape, its largest number, and numbers from places that are always the same."""
    flat = array.ravel().astype(np.float64)
    places = np.random.RandomState(0).randint(flat.size, size=SAMPLES)
    return {
        "shape": list(array.shape),
        "largest": float(f"{np.abs(flat).max():.7g}"),
        "mean": float(f"{flat.mean():.7g}"),
        "samples": [float(f"{flat[place]:.7g}") for place in places],
    }


def main():
    """Ask this environment's ``cv2``."""
    if hasattr(cv2.cuda, "GpuMat") and "NVIDIA CUDA:                   YES" in (
        cv2.getBuildInformation()
    ):
        raise SystemExit("this cv2 has CUDA: the reference is the CPU build's (see the docstring)")
    found = {name: sample(array) for name, array in answers().items()}
    told = {"of": f"opencv-contrib-python-headless {cv2.version.opencv_version}", "answers": found}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items())
    text = f'{{\n "of": {json.dumps(told["of"])},\n "answers": {{\n{lines}\n }}\n}}\n'
    REFERENCE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
