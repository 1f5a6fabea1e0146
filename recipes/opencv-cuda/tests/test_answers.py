"""The same numbers on the CPU as the CPU build from PyPI gives (`reference.json`)."""

import json
from pathlib import Path

import numpy as np
import pytest
from answers import answers
from make_reference import sample
from opencv_cuda import _build

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())["answers"]
NEEDS = {"dnn": "dnn", "image": "imgcodecs", "imgproc": "imgproc"}


@pytest.fixture(scope="module")
def ours():
    return answers(_build.MODULES)


@pytest.mark.parametrize("name", list(REFERENCE))
def test_answer_is_the_cpu_build_s(ours, name):
    module = NEEDS[name.split()[0]]
    if module not in _build.MODULES:
        pytest.skip(f"this profile has no {module}")
    wanted, got = REFERENCE[name], sample(ours[name])
    assert got["shape"] == wanted["shape"]
    # Whole numbers: one step of rounding; others: a ten-thousandth of the largest.
    whole = ours[name].dtype.kind in "iu"
    most = 0 if "lossless" in name else 1 if whole else 1e-4 * max(1e-6, wanted["largest"])
    assert abs(got["largest"] - wanted["largest"]) <= most
    assert abs(got["mean"] - wanted["mean"]) <= most
    far = np.abs(np.subtract(got["samples"], wanted["samples"])) > most
    # Edges of decisions: a box near YOLO's threshold, a pixel near Canny's.
    assert far.sum() <= (1 if "yolo" in name or "Canny" in name else 0)


def test_every_answer_has_a_reference(ours):
    assert set(ours) <= set(REFERENCE)
