"""The forward pass on the CPU: its numbers, and what is said about the GPU that is not there."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import darknet
import networks
import numpy as np
import pytest

YOLO = "cfg/yolov3-tiny.cfg"
REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())
EXACT = Path(__file__).with_name("exact.py")
NEAR = 1e-4
"""How far from a plain build's numbers those of vectors may be: of the value or, where that is
smaller, of the mean size of all values."""


NEEDS = {"sse2": set(), "avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512dq", "avx2", "fma"}}
"""What of /proc/cpuinfo each value of ``DARKNET_SIMD`` needs, the best one last."""


def kinds_of_vectors() -> list[str]:
    """The values of ``DARKNET_SIMD`` with vectors that this machine can do, the best one last."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return [kind for kind, needed in NEEDS.items() if needed <= set(flags)]


KINDS = kinds_of_vectors()


def test_weights_file_has_the_size_of_the_published_one(weights):
    assert weights(YOLO).stat().st_size == 35_434_956


def test_one_line_says_that_there_is_no_gpu(forward, small, weights):
    # Hidden from CUDA, so that the same is tested on a machine that has one.
    outputs, stderr = forward(small, weights(small), CUDA_VISIBLE_DEVICES="", DARKNET_DEVICE=None)

    about = [line for line in stderr.splitlines() if "GPU" in line]
    assert len(about) == 1, stderr
    assert about[0].startswith("darknet: no usable GPU (")
    assert about[0].endswith("), running on the CPU")
    assert outputs.shape == (2, 10 * 10 * 255)
    assert np.isfinite(outputs).all()
    assert len(np.unique(outputs)) > 10_000


def test_no_line_where_the_cpu_was_asked_for(forward, small, weights):
    _, stderr = forward(small, weights(small), DARKNET_DEVICE="cpu")
    assert "GPU" not in stderr


def test_same_numbers_twice_and_in_another_process(forward, small, weights):
    first, _ = forward(small, weights(small), DARKNET_DEVICE="cpu")
    second, _ = forward(small, weights(small), fresh=True, DARKNET_DEVICE="cpu")
    assert np.array_equal(first[0], first[1])
    assert np.array_equal(first, second)


@pytest.mark.parametrize("kind", ["none", *KINDS])
@pytest.mark.parametrize("cfg", sorted(REFERENCE))
def test_numbers_of_a_plain_cpu_build(cfg, kind, forward, weights):
    """The numbers of upstream's own CPU build (make_reference.py), whatever CPU this is.

    With DARKNET_SIMD=none: baseline x86-64 has no fused multiply-add, and nothing allows the
    compiler to reorder sums, so sums and products are the same bits on every machine. Only exp()
    comes from the machine's C library, in double precision, where versions may differ in the last
    bit: after rounding to float that is at most one unit in the last place. With vectors sums are
    made in another order: `NEAR`.
    """
    outputs, _ = forward(cfg, weights(cfg), DARKNET_DEVICE="cpu", DARKNET_SIMD=kind)

    known = REFERENCE[cfg]
    chosen = np.linspace(0, known["outputs"] - 1, len(known["samples"])).astype(int)
    expected = np.array([float.fromhex(text) for text in known["samples"]], dtype=np.float32)
    assert outputs.shape[1] == known["outputs"]
    off = np.abs(outputs[0][chosen] - expected)
    if kind == "none":
        assert np.all(off <= np.spacing(np.abs(expected)))
    else:
        assert np.all(off <= NEAR * np.maximum(np.abs(expected), np.abs(outputs[0]).mean()))


@pytest.mark.parametrize("kind", ["none", *KINDS])
@pytest.mark.parametrize("cfg", sorted(REFERENCE))
def test_threads_change_no_bit(cfg, kind, forward, weights):
    alone, several = (
        forward(
            cfg, weights(cfg), DARKNET_DEVICE="cpu", DARKNET_SIMD=kind, DARKNET_THREADS=threads
        )[0]
        for threads in ("1", "3")
    )
    assert np.array_equal(alone, several)


@pytest.mark.parametrize("cfg", sorted(REFERENCE))
def test_the_best_vectors_are_what_is_used(cfg, forward, weights):
    chosen, _ = forward(cfg, weights(cfg), DARKNET_DEVICE="cpu")
    best, _ = forward(cfg, weights(cfg), DARKNET_DEVICE="cpu", DARKNET_SIMD=KINDS[-1])
    assert np.array_equal(chosen, best)


@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_every_loop_has_the_bits_of_plain_ones(run, python, kind):
    """Products of matrices and what else training does, in odd sizes, against NumPy."""
    found = set()
    for threads in ("1", "3"):
        done = run(
            python, EXACT, DARKNET_DEVICE="cpu", DARKNET_SIMD=kind, DARKNET_THREADS=threads
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        found.add(done.stdout)
    (said,) = found  # with a digest of all products
    wanted = "every bit the same " if kind == "none" else "products near, other bits the same "
    assert said.startswith(wanted)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DARKNET_THREADS", "0", "DARKNET_THREADS is 0: give a whole number from 1 to 1024"),
        ("DARKNET_THREADS", "many", "DARKNET_THREADS is many: give a whole number"),
        ("DARKNET_THREADS", "2.5", "DARKNET_THREADS is 2.5: give a whole number"),
        ("DARKNET_SIMD", "avx1024", "DARKNET_SIMD is avx1024: this machine has no such vectors"),
    ],
)
def test_a_wrong_setting_is_an_error_of_python(run, python, small, variable, value, message):
    code = (
        "import sys, darknet\ntry: darknet.Network(sys.argv[1])\nexcept ValueError as e: print(e)"
    )
    done = run(python, "-c", code, small, DARKNET_DEVICE="cpu", **{variable: value})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(message)


THREADS = """
import os, sys, darknet, networks
TASKS = "/proc/self/task"
def threads(): return {name: open(f"{TASKS}/{name}/status").read() for name in os.listdir(TASKS)}
if sys.argv[3] == "one core": os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
with darknet.Network(sys.argv[1], sys.argv[2]) as network:
    before = threads()
    network.predict(networks.random_input(network.inputs))
    new = [status.split() for name, status in threads().items() if name not in before]
print(len(new), *(words[words.index("SigBlk:") + 1] for words in new))
"""


@pytest.mark.parametrize(("wish", "count"), [("1", 0), ("3", 2), ("5", 4), ("one core", 0)])
def test_as_many_threads_as_asked_for(run, python, small, weights, wish, count):
    asked = {"DARKNET_THREADS": wish if wish.isdigit() else None}
    where = {"PYTHONPATH": str(Path(networks.__file__).parent), "DARKNET_DEVICE": "cpu"}
    done = run(python, "-c", THREADS, small, weights(small), wish, **where, **asked)
    assert done.returncode == 0, done.stderr
    number, *blocked = done.stdout.split()
    assert int(number) == count
    for mask in blocked:  # Ctrl-C and the like are for the program's own threads
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            assert int(mask, 16) & 1 << (one - 1)


FORK = """
import os, sys, threading, darknet, networks
def outputs(): return network.predict(networks.random_input(network.inputs)).tobytes()
files = sys.argv[1:]
with darknet.Network(*files) as network, darknet.Network(*files) as other:
    wanted = outputs()
    stop = threading.Event()
    def work():
        while not stop.is_set(): other.predict(networks.random_input(other.inputs))
    busy = [threading.Thread(target=work) for _ in range(2)]
    for thread in busy: thread.start()
    for _ in range(5):  # while the pool is at work for another thread
        child = os.fork()
        if not child: os._exit(0 if outputs() == wanted and outputs() == wanted else 9)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert outputs() == wanted
    stop.set()
    for thread in busy: thread.join()
print("the same everywhere")
"""


def test_forked_children_and_other_threads_compute_the_same(run, python, small, weights):
    where = {"PYTHONPATH": str(Path(networks.__file__).parent), "DARKNET_DEVICE": "cpu"}
    quiet = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}  # of fork() where there are threads
    done = run(
        python, "-c", FORK, small, weights(small), DARKNET_THREADS="3", **where, **quiet
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the same everywhere\n"


@pytest.fixture(scope="module")
def network(small, weights):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKNET_DEVICE", "cpu")
        with darknet.Network(small, weights(small)) as opened:
            yield opened


def test_size_of_the_input(network):
    assert (network.width, network.height, network.channels) == (160, 160, 3)
    assert network.inputs == 160 * 160 * 3


def test_boxes_lie_within_the_image(network):
    image = networks.picture(320, 200)
    found = network.detect(image, threshold=0.3)
    assert found
    for one in found:
        left, top, right, bottom = one.box
        assert 0 <= left <= right <= 320
        assert 0 <= top <= bottom <= 200
        assert 0 <= one.class_id < 80
        assert 0.3 < one.confidence <= 1
    assert found == sorted(found, key=lambda one: -one.confidence)


def test_threshold_and_nms_take_boxes_away(network):
    image = networks.picture(320, 200)
    every = network.detect(image, threshold=0.3, nms=0)
    assert 0 < len(network.detect(image, threshold=0.3, nms=0.45)) < len(every)
    middle = every[len(every) // 2].confidence
    assert 0 < len(network.detect(image, threshold=middle, nms=0)) < len(every)
    assert network.detect(image, threshold=1.0) == []


def test_bytes_and_floats_are_the_same_image(network):
    image = networks.picture(64, 48)
    planes = (np.moveaxis(image, -1, 0) / 255.0).astype(np.float32)
    assert network.detect(image, threshold=0.3) == network.detect(planes, threshold=0.3)


def test_an_array_that_is_not_contiguous(network):
    wide = np.repeat(networks.picture(64, 48), 2, axis=1)
    assert network.detect(wide[:, ::2], threshold=0.3) == network.detect(
        np.ascontiguousarray(wide[:, ::2]), threshold=0.3
    )


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((48, 64), np.uint8),
        np.zeros((3, 48, 64), np.uint8),
        np.zeros((48, 64, 3), np.float32),
        np.zeros((48, 64, 3), np.int32),
        np.zeros((0, 64, 3), np.uint8),
        np.zeros((1, 48, 64, 3), np.uint8),
    ],
)
def test_what_is_no_image_is_refused(network, image):
    with pytest.raises(ValueError, match="image"):
        network.detect(image)


def test_a_wrong_number_of_inputs_is_refused(network):
    with pytest.raises(ValueError, match=r"10 values given, the network takes 76800"):
        network.predict(np.zeros(10, np.float32))


def test_a_closed_network_is_refused(small, weights, monkeypatch):
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")
    network = darknet.Network(small, weights(small))
    network.close()
    network.close()
    with pytest.raises(ValueError, match="closed"):
        network.predict(np.zeros(3, np.float32))


def test_missing_files_are_python_errors(weights, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.cfg"):
        darknet.Network(tmp_path / "nothing.cfg")
    with pytest.raises(FileNotFoundError, match=r"nothing\.weights"):
        darknet.Network(YOLO, tmp_path / "nothing.weights")


def test_a_training_cfg_takes_one_image_at_a_time(forward, small, weights, tmp_path):
    own = tmp_path / "batch.cfg"
    text = small.read_text()
    assert "\nbatch=1\n" in text
    own.write_text(text.replace("\nbatch=1\n", "\nbatch=4\n", 1))
    several, _ = forward(own, weights(small), DARKNET_DEVICE="cpu")
    single, _ = forward(small, weights(small), DARKNET_DEVICE="cpu")
    assert np.array_equal(several, single)


def test_networks_give_their_memory_back(run, python, weights):
    """Five networks after another need no more than two: the weights alone are 35 MB each."""
    code = """
import resource, sys, darknet
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
for number in range(5):
    with darknet.Network(sys.argv[1], sys.argv[2]): pass
    if number == 1: early = peak()
print(peak() - early)
"""
    done = run(python, "-c", code, YOLO, weights(YOLO), DARKNET_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100


TINY = """
import sys, threading, numpy as np, darknet
def halves():  # the smallest normal numbers, halved: 0 where they are flushed
    small = np.array([sys.float_info.min, 1e-310]), np.array([1.2e-38, 1e-40], np.float32)
    return all((values / 2 > 0).all() for values in small)
network = darknet.Network(sys.argv[1])
network.predict(np.zeros(network.inputs, np.float32))
found = [halves()]
thread = threading.Thread(target=lambda: found.append(halves()))
thread.start(); thread.join()
print(*found)
"""


def test_the_smallest_numbers_stay_what_they_are(run, python, small):
    """What `-Ofast` links into a library flushes them to zero, for all of the user's process."""
    done = run(python, "-c", TINY, small, DARKNET_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True True\n"


def test_a_wrong_device_is_refused(run, python):
    done = run(python, "-c", "import darknet; darknet.load_library()", DARKNET_DEVICE="gpu0")
    assert done.returncode == 1
    assert "ValueError: DARKNET_DEVICE is 'gpu0'" in done.stderr


def test_a_wrong_cfg_is_an_error_of_python(run, python, tmp_path):
    """Darknet's error() must be its own, not the C library's, and must not end the process."""
    (tmp_path / "wrong.cfg").write_text("[convolutional]\nfilters=1\n[convolutional]\nfilters=1\n")
    code = "import darknet\ntry: darknet.Network('wrong.cfg')\nexcept ValueError as e: print(e)"
    done = run(python, "-c", code, DARKNET_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "wrong.cfg:1: First section must be [net] or [network]\n"


def test_old_names_find_the_same(network, small, weights, picture):
    net = darknet.load_net(str(small).encode(), str(weights(small)).encode(), 0)
    meta = darknet.load_meta(b"cfg/coco.data")
    found = darknet.detect(net, meta, str(picture).encode(), thresh=0.3)

    assert (darknet.network_width(net), darknet.network_height(net)) == (160, 160)
    assert meta.classes == 80
    assert found
    assert all(isinstance(name, bytes) and name for name, _, _ in found)
    # Old and new suppress overlapping boxes by another rule, so compare with all there are.
    every = network.detect(networks.picture(96, 64), threshold=0.3, nms=0)
    confidences = [one.confidence for one in every]
    assert all(min(abs(one[1] - known) for known in confidences) < 1e-6 for one in found)
