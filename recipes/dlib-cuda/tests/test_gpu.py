"""Networks: on the GPU where there is one, and a plain exception where there is none.

dlib's trained networks are in the package `face-recognition-models`, 100 MB, which the verification
does not install; where it is installed beside dlib-cuda, they are used.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dlib
import numpy as np
import pytest

RECOGNITION = "dlib_face_recognition_resnet_model_v1.dat"
DETECTION = "mmod_human_face_detector.dat"


@pytest.fixture
def models():
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        pytest.skip("not run (dlib's networks are not here: pip install face-recognition-models)")
    return Path(spec.origin).parent / "models"


def test_a_device_that_is_not_there_is_an_exception():
    with pytest.raises(RuntimeError, match="cudaSetDevice"):
        dlib.cuda.set_device(dlib.cuda.get_num_devices())


def test_a_model_that_is_not_there_is_an_exception(tmp_path):
    for model in (dlib.cnn_face_detection_model_v1, dlib.face_recognition_model_v1):
        with pytest.raises(RuntimeError, match=r"Unable to open|cuda"):
            model(str(tmp_path / "missing.dat"))


def test_without_a_gpu_a_network_is_an_exception(models):
    if dlib.cuda.get_num_devices():
        pytest.skip("not run (there is a GPU)")
    with pytest.raises(RuntimeError, match=r"CUDA driver|no CUDA-capable device"):
        dlib.face_recognition_model_v1(str(models / RECOGNITION)).compute_face_descriptor(
            np.zeros((150, 150, 3), np.uint8)
        )


@pytest.mark.gpu
def test_devices_are_counted_and_chosen():
    for device in range(dlib.cuda.get_num_devices()):
        dlib.cuda.set_device(device)
        assert dlib.cuda.get_device() == device


@pytest.mark.gpu
def test_a_network_tells_pictures_apart(models, noise):
    model = dlib.face_recognition_model_v1(str(models / RECOGNITION))
    chips = noise.integers(0, 256, (2, 150, 150, 3), dtype=np.uint8)
    first, again, other = (np.array(model.compute_face_descriptor(chips[n])) for n in (0, 0, 1))
    assert first.shape == (128,)
    assert np.allclose(first, again, atol=1e-4)
    assert np.isfinite(other).all()
    assert np.linalg.norm(first - other) > 1e-3


@pytest.mark.gpu
def test_a_network_finds_no_face_in_noise(models, noise):
    model = dlib.cnn_face_detection_model_v1(str(models / DETECTION))
    assert len(model(noise.integers(0, 256, (200, 200, 3), dtype=np.uint8), 1)) == 0
