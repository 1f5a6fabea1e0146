"""The GPU's numbers against the CPU's; run only where there is a GPU."""

from __future__ import annotations

import ctypes
import sys
import time
from ctypes import POINTER, c_float, c_size_t, c_uint
from pathlib import Path

import darknet
import networks
import newer
import numpy as np
import pytest
import shapes
from darknet._build import LIBRARIES
from darknet._doctor import Verdict

pytestmark = pytest.mark.gpu

LAYERS = Path(__file__).with_name("layers.py")
CFGS = ("cfg/yolov3-tiny.cfg", "cfg/yolov2-tiny.cfg", "cfg/darknet.cfg")
# TF32 keeps 10 bits of a factor; without it only the order of the sums differs from the CPU's.
GPU = {"DARKNET_DEVICE": "0", "NVIDIA_TF32_OVERRIDE": "0"}


@pytest.mark.parametrize("cfg", CFGS)
def test_the_same_numbers_as_on_the_cpu(cfg, forward, weights):
    on_gpu, stderr = forward(cfg, weights(cfg), **GPU)
    on_cpu, _ = forward(cfg, weights(cfg), DARKNET_DEVICE="cpu")
    assert "no usable GPU" not in stderr
    assert np.isfinite(on_gpu).all()
    assert not np.array_equal(on_gpu, on_cpu), "bit-identical: it ran on the CPU"
    np.testing.assert_allclose(on_gpu[0], on_cpu[0], rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(on_gpu[1], on_gpu[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(newer.ALL))
def test_each_layer_has_the_numbers_of_the_cpu(name, run, python, tmp_path):
    """So that the first layer that differs is named, and not the network."""
    cfg = tmp_path / f"{name}.cfg"
    cfg.write_text(newer.ALL[name])
    found = []
    for device in (GPU, {"DARKNET_DEVICE": "cpu"}):
        out = tmp_path / f"{device['DARKNET_DEVICE']}.npz"
        done = run(python, LAYERS, cfg, out, **device)
        assert done.returncode == 0, done.stdout + done.stderr
        found.append(np.load(out))
    on_gpu, on_cpu = found
    assert on_gpu.files == on_cpu.files
    assert len(on_cpu.files) == newer.ALL[name].count("[") - 1
    for layer in on_cpu.files:
        np.testing.assert_allclose(
            on_gpu[layer], on_cpu[layer], rtol=2e-3, atol=2e-4, err_msg=f"layer {layer}"
        )
    assert not all(np.array_equal(on_gpu[layer], on_cpu[layer]) for layer in on_cpu.files)


def test_the_first_steps_of_training_are_those_of_the_cpu(tmp_path, monkeypatch):
    """Of the same seed: the same pictures and weights, so nearly the same losses."""
    losses = []
    for device in ("0", "cpu"):
        data = shapes.make(tmp_path / device, trained=24, held_out=1, batches=8)
        seen: list[float] = []
        darknet.train(
            data, data.with_name("shapes.cfg"), seed=2, device=device, show=False,
            on_progress=lambda at, seen=seen: seen.append(at.loss),
        )  # fmt: skip
        losses.append(seen)
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_it_is_faster_than_the_cpu(weights, monkeypatch, capsys):
    """yolov3-tiny, 416 x 416, one picture after another; the figures are printed."""
    file = weights(CFGS[0])
    seconds = {}
    for device in ("0", "cpu"):
        monkeypatch.setenv("DARKNET_DEVICE", device)
        darknet.set_gpu(0 if device == "0" else -1)
        with darknet.Network(CFGS[0], file) as network:
            values = np.zeros(network.inputs, np.float32)
            times = []
            for _ in range(12):
                begun = time.perf_counter()
                network.predict(values)
                times.append(time.perf_counter() - begun)
        seconds[device] = sorted(times)[len(times) // 2]
    darknet.set_gpu(0)
    with capsys.disabled():
        sys.stdout.write(f"GPU {seconds['0'] * 1e3:.1f} ms, CPU {seconds['cpu'] * 1e3:.1f} ms\n")
    assert seconds["0"] < seconds["cpu"] / 3


def same_boxes(found: list[darknet.Detection], expected: list[darknet.Detection]) -> None:
    """In any order: another batch can choose another algorithm, whose sums have another order."""
    assert len(found) == len(expected)
    numbers = np.array([[one.class_id, one.confidence, *one.box] for one in found])
    tolerance = np.array([0, 2e-3, 0.1, 0.1, 0.1, 0.1])
    for one in expected:
        apart = np.abs(numbers - [one.class_id, one.confidence, *one.box])
        assert (apart <= tolerance).all(axis=1).any(), one


def in_a_gap(network: darknet.Network, images: list[np.ndarray]) -> float:
    """A threshold that no detection is near, with ten at least above it."""
    arrays = [network.detect_arrays(image, 0.1, 0).confidences for image in images]
    certain = np.sort(np.concatenate(arrays))[:-9]
    place = int(np.argmax(np.diff(certain)))
    return float(certain[place] + certain[place + 1]) / 2


@pytest.fixture
def on_gpu(monkeypatch):
    for name, value in GPU.items():
        monkeypatch.setenv(name, value)
    darknet.set_gpu(0)


@pytest.fixture
def images() -> list[np.ndarray]:
    return [networks.picture(60 + 14 * n, 44 + 10 * n) for n in range(11)]


@pytest.mark.parametrize("batch", [None, 2, 3])
@pytest.mark.parametrize("name", sorted(newer.ALL))
def test_several_pictures_at_once(name, batch, on_gpu, images, tmp_path):
    """The boxes of one at a time."""
    cfg, file = tmp_path / "own.cfg", tmp_path / "own.weights"
    cfg.write_text(newer.ALL[name])
    file.write_bytes(networks.random_weights(newer.ALL[name]))
    with darknet.Network(cfg, file) as network:
        threshold = in_a_gap(network, images)
        results = network.detect_many(images, threshold, 0, batch=batch)
        for image, found in zip(images, results, strict=True):
            same_boxes(found, network.detect(image, threshold, 0))


def test_how_much_faster_eight_pictures_at_once_are(on_gpu, weights, capsys):
    """yolov3-tiny, 416 x 416; the figures are printed."""
    images = [networks.picture(416, 416)] * 64
    seconds = {}
    with darknet.Network(CFGS[0], weights(CFGS[0])) as network:
        for batch in (1, 8):
            list(network.detect_many(images[:16], batch=batch))
            begun = time.perf_counter()
            assert len(list(network.detect_many(images, batch=batch, readers=4))) == 64
            seconds[batch] = (time.perf_counter() - begun) / len(images)
    with capsys.disabled():
        sys.stdout.write(f"alone {seconds[1] * 1e3:.1f} ms, of 8 {seconds[8] * 1e3:.1f} ms each\n")


def test_a_gpu_without_memory_for_a_batch(on_gpu, images, weights):
    """Nearly all of it is taken: fewer go together, which is said, and the boxes are the same."""
    runtime = ctypes.CDLL(next(name for name in LIBRARIES if name.startswith("libcudart")))
    taken, unused, whole = ctypes.c_void_p(), c_size_t(), c_size_t()
    with darknet.Network(CFGS[0], weights(CFGS[0])) as network:
        threshold = in_a_gap(network, images)
        expected = [network.detect(image, threshold, 0) for image in images]
        assert runtime.cudaMemGetInfo(ctypes.byref(unused), ctypes.byref(whole)) == 0
        size = c_size_t(unused.value - 400_000_000)
        assert runtime.cudaMalloc(ctypes.byref(taken), size) == 0
        try:
            with pytest.warns(RuntimeWarning, match="fewer than 256 at once"):
                results = list(network.detect_many(images * 24, threshold, 0, batch=256))
        finally:
            runtime.cudaFree(taken)
    for found, wanted in zip(results, expected * 24, strict=True):
        same_boxes(found, wanted)


def test_a_batch_that_becomes_one_image(forward, weights, tmp_path):
    """Another batch can choose another algorithm, with another workspace (patch 0001)."""
    cfg = tmp_path / "batch.cfg"
    text = (darknet.share() / CFGS[0]).read_text()
    cfg.write_text(text.replace("\nbatch=1\n", "\nbatch=4\n", 1))
    several, _ = forward(cfg, weights(CFGS[0]), **GPU)
    single, _ = forward(CFGS[0], weights(CFGS[0]), **GPU)
    np.testing.assert_allclose(several, single, rtol=1e-3, atol=1e-4)


def test_the_program_draws_on_the_gpu(run, program, weights, picture, tmp_path):
    done = run(
        program, "detector", "test", "cfg/coco.data", CFGS[0], weights(CFGS[0]), picture,
        "-thresh", "0.3", DARKNET_DEVICE=None,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no usable GPU" not in done.stderr
    assert (tmp_path / "predictions.jpg").exists()


def test_the_doctor_is_content(run, python):
    done = run(python, "-m", "darknet", DARKNET_DEVICE=None)
    assert done.returncode == Verdict.OK, done.stdout + done.stderr
    assert "GPU against CPU" in done.stdout


FLOATS = POINTER(c_float)


@pytest.fixture
def library(monkeypatch):
    """The library on the GPU, with the functions that random numbers come through."""
    monkeypatch.delenv("DARKNET_DEVICE", raising=False)
    loaded = darknet.load_library()
    loaded.cuda_make_array.restype = FLOATS
    loaded.cuda_make_array.argtypes = [FLOATS, c_size_t]
    loaded.cuda_random.argtypes = [FLOATS, c_size_t]
    loaded.uniform_gpu.argtypes = [c_size_t, FLOATS, c_uint, c_uint]
    loaded.cuda_pull_array.argtypes = [FLOATS, FLOATS, c_size_t]
    loaded.cuda_free.argtypes = [FLOATS]
    loaded.cuda_set_device(0)
    return loaded


def pull(library: ctypes.CDLL, on_gpu: object, count: int) -> np.ndarray:
    values = np.zeros(count, np.float32)
    library.cuda_pull_array(on_gpu, values.ctypes.data_as(FLOATS), count)
    return values


def test_random_numbers_are_those_of_philox(library):
    """The published answer for counter 0 and key 0 (Random123's known-answer tests)."""
    on_gpu = library.cuda_make_array(None, 4)
    library.uniform_gpu(4, on_gpu, 0, 0)
    values = pull(library, on_gpu, 4)
    library.cuda_free(on_gpu)
    words = np.array([0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8])
    np.testing.assert_allclose(values, (words + 0.5) / 2**32, rtol=1e-6)


def test_random_numbers_are_uniform_and_never_the_same(library):
    """The kernel that took cuRAND's place (patch 0004)."""
    count = 1_000_003  # no multiple of the four numbers a thread makes
    on_gpu = library.cuda_make_array(None, count)

    def draw() -> np.ndarray:
        library.cuda_random(on_gpu, count)
        return pull(library, on_gpu, count)

    first, second = draw(), draw()
    library.cuda_free(on_gpu)
    for values in (first, second):
        assert values.min() > 0
        assert values.max() <= 1
        assert values.mean() == pytest.approx(0.5, abs=0.003)
        assert values.var() == pytest.approx(1 / 12, abs=0.001)
        parts = np.histogram(values, bins=100, range=(0, 1))[0]
        # chi squared with 99 degrees of freedom: 200 is ten thousand times rarer than 1 in 10^4
        assert ((parts - count / 100) ** 2 / (count / 100)).sum() < 200
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.01
    assert len(np.unique(first)) > 0.9 * count
