"""Several pictures at once: the boxes of one at a time, and what happens for want of memory."""

from __future__ import annotations

import ctypes
import re
import warnings
from collections.abc import Iterator
from itertools import pairwise

import darknet
import networks
import newer
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("cpu")

ONE_AT_A_TIME = """
[net]
width=32
height=32
channels=3

[convolutional]
filters=8
size=3
stride=2
pad=1
activation=leaky

[connected]
output=588
activation=linear

[detection]
classes=2
coords=4
side=7
num=2
sqrt=1
"""


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    """Of different sizes, so that a mix-up shows."""
    return [networks.picture(60 + 14 * n, 44 + 10 * n) for n in range(7)]


@pytest.fixture
def network(small, weights) -> Iterator[darknet.Network]:
    with darknet.Network(small, weights(small)) as opened:
        yield opened


@pytest.mark.parametrize("name", sorted(newer.ALL))
def test_the_same_boxes_as_one_at_a_time(name, images, tmp_path):
    """Of every kind of layer; seven pictures are no multiple of any batch."""
    cfg, file = tmp_path / "own.cfg", tmp_path / "own.weights"
    cfg.write_text(newer.ALL[name])
    file.write_bytes(networks.random_weights(newer.ALL[name]))
    with darknet.Network(cfg, file) as network:
        expected = [network.detect(image, 0.2) for image in images]
        assert all(one and one != other for one, other in pairwise(expected))
        for batch in (2, 3, 7):
            assert list(network.detect_many(images, 0.2, batch=batch)) == expected


def test_calls_of_all_kinds_take_turns(network, images):
    """Each asks for as many pictures as it needs, whatever another one asked for before."""
    expected = [network.detect(image, 0.3) for image in images]
    values = networks.random_input(network.inputs)
    output = network.predict(values)
    three = network.detect_many(images, 0.3, batch=3)
    two = network.detect_many(images, 0.3, batch=2)
    for boxes in expected:
        assert next(three) == boxes
        assert next(two) == boxes
        assert np.array_equal(network.predict(values), output)
        assert network.detect(images[0], 0.3) == expected[0]
    assert list(three) == list(two) == []


def test_results_before_the_one_to_blame(network, images, tmp_path):
    wrong = tmp_path / "nothing.jpg"
    results = network.detect_many([*images[:3], wrong, *images[3:]], 0.3, batch=8)
    assert [next(results) for _ in range(3)] == [network.detect(image, 0.3) for image in images[:3]]
    with pytest.raises(FileNotFoundError, match=r"nothing\.jpg"):
        next(results)
    assert list(results) == []
    assert list(network.detect_many([wrong] * 0, batch=8)) == []


def test_no_more_pictures_are_taken_than_are_needed_soon(network, images):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield images[0]

    results = network.detect_many(endless(), 0.3, readers=1, batch=4)
    assert next(results) == network.detect(images[0], 0.3)
    assert len(taken) == 8
    results.close()


def test_a_network_whose_layers_take_one_picture_at_a_time(images, tmp_path):
    cfg = tmp_path / "yolov1.cfg"
    cfg.write_text(ONE_AT_A_TIME)
    with darknet.Network(cfg) as network:
        expected = [network.detect(image, 0.1) for image in images]
        assert any(expected)
        with pytest.warns(RuntimeWarning, match=r"than 4 at once: layer 1 \(connected\) takes one"):
            assert list(network.detect_many(images, 0.1, batch=4)) == expected
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert list(network.detect_many(images, 0.1)) == expected


@pytest.mark.parametrize("batch", [0, -1, 1025])
def test_batches_out_of_range(network, images, batch):
    with pytest.raises(ValueError, match=f"batch is {batch}: it goes from 1 to 1024"):
        network.detect_many(images, batch=batch)


def test_more_than_fits_is_refused_before_anything_is_touched(small, weights):
    """By the memory that is free, and by what Darknet counts in."""
    library = darknet.load_library()
    net = darknet.load_net(small, weights(small))
    assert library.darknet_batch_network(net, 4, ctypes.c_float(0)) == 1
    assert b" GB more, and " in library.darknet_last_error()
    assert library.darknet_batch_network(net, 2**20, 1) == 1
    assert b"is too large for 1048576 pictures at once" in library.darknet_last_error()
    assert library.darknet_batch_network(net, 0, 1) == 1
    assert library.darknet_batch_network(net, 3, 1) == 0
    for number in (-1, 3):
        count = ctypes.c_int()
        assert not library.darknet_get_batch_boxes(net, number, 9, 9, 0.5, 0.5, None, 0, count)
        assert library.darknet_last_error() == b"picture %d of 3" % number
    darknet.free_net(net)


SHORT = """
import resource, sys, warnings
import darknet, networks, numpy as np
cfg, weights = sys.argv[1:3]
images = [networks.picture(60 + n, 44 + n) for n in range(130)]
with darknet.Network(cfg, weights) as network:
    expected = [network.detect(image, 0.3) for image in images]
    assert list(network.detect_many(images[:3], 0.3, readers=1)) == expected[:3]  # its threads
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 250_000_000, resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert list(network.detect_many(images, 0.3, readers=1, batch=128)) == expected
        assert list(network.detect_many(images[:9], 0.3, readers=1, batch=8)) == expected[:9]
    (one,) = said
    print(one.category.__name__, one.message)
"""


def test_memory_that_ends_half_way(run, python, small, weights):
    """The layers that were made larger are made small again, and fewer pictures go together."""
    done = run(
        python, "-c", SHORT, small, weights(small),
        DARKNET_DEVICE="cpu", DARKNET_THREADS="1", MALLOC_ARENA_MAX="1",
        PYTHONPATH=networks.__file__.rpartition("/")[0],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # a machine that has not 2 GB free is told so before anything is tried
    said = r"RuntimeWarning fewer than 128 at once: (out of memory|.* GB more, and .* are free)\n"
    assert re.fullmatch(said, done.stdout)
