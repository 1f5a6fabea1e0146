"""The Python API: files and arrays, batches, arrays as results, threads, memory, errors."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import darknet
import networks
import numpy as np
import pytest

NAMES = "data/coco.names"


@pytest.fixture(scope="module")
def network(small, weights):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKNET_DEVICE", "cpu")
        with darknet.Network(small, weights(small), names=NAMES) as opened:
            yield opened


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    """Of different sizes, so that a mix-up shows."""
    return [networks.picture(96 + 16 * n, 64 + 8 * n) for n in range(6)]


@pytest.fixture(scope="module")
def files(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("My Drive")
    paths = []
    for number, pixels in enumerate(images):
        path = folder / f"picture {number}.ppm"
        height, width, _ = pixels.shape
        path.write_bytes(b"P6 %d %d 255\n" % (width, height) + pixels.tobytes())
        paths.append(path)
    return paths


def test_labels_are_the_names(network):
    names = (darknet.share() / NAMES).read_text().splitlines()
    found = network.detect(networks.picture(96, 64), threshold=0.3)
    assert network.names == tuple(names)
    assert found
    assert all(one.label == names[one.class_id] for one in found)


def test_without_names_labels_are_numbers(network, small, weights):
    with darknet.Network(small, weights(small)) as other:
        assert other.names is None
        found = other.detect(networks.picture(96, 64), threshold=0.3)
        assert found
        assert all(one.label == str(one.class_id) for one in found)


@pytest.mark.parametrize("as_list", [True, False])
def test_names_from_a_data_file_or_a_list(network, small, as_list):
    names = list(network.names) if as_list else "cfg/coco.data"
    with darknet.Network(small, names=names) as other:
        assert other.names == network.names


def test_a_file_gives_what_its_pixels_give(network, images, files):
    for pixels, path in zip(images, files, strict=True):
        found = network.detect(path, threshold=0.3)
        assert found
        assert found == network.detect(pixels, threshold=0.3)
        assert found == network.detect(str(path), threshold=0.3)
        assert found == network.detect(bytes(path), threshold=0.3)


def test_order_of_the_channels(network):
    image = networks.picture(96, 64)
    found = network.detect(image, threshold=0.3)
    assert network.detect(image[..., ::-1], threshold=0.3, order="bgr") == found
    assert network.detect(image[..., ::-1], threshold=0.3) != found
    planes = (np.moveaxis(image, -1, 0) / 255.0).astype(np.float32)
    assert network.detect(planes[::-1], threshold=0.3, order="bgr") == found
    with pytest.raises(ValueError, match="'rgb' or 'bgr', not 'gbr'"):
        network.detect(image, order="gbr")


def test_arrays_say_the_same_as_objects(network, images):
    found = network.detect(images[0], threshold=0.3)
    arrays = network.detect_arrays(images[0], threshold=0.3)
    assert len(arrays) == len(found) > 0
    assert (arrays.boxes.dtype, arrays.boxes.shape) == (np.float32, (len(found), 4))
    assert arrays.confidences.dtype == np.float32
    assert arrays.class_ids.dtype == np.int64
    assert arrays.class_ids.tolist() == [one.class_id for one in found]
    assert arrays.confidences.tolist() == [one.confidence for one in found]
    assert arrays.boxes.tolist() == [list(one.box) for one in found]
    none = network.detect_arrays(images[0], threshold=1.0)
    assert len(none) == 0
    assert none.boxes.shape == (0, 4)


@pytest.mark.parametrize("readers", [1, 3])
def test_many_images(network, images, files, readers):
    expected = [network.detect(image, threshold=0.3) for image in images]
    assert len({len(found) for found in expected}) > 1
    mixed = [*images[:2], *files[2:4], *images[4:]]
    assert list(network.detect_many(mixed, 0.3, readers=readers)) == expected
    assert list(network.detect_many([])) == []


def test_many_images_are_taken_as_they_are_needed(network, images):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield images[0]

    results = network.detect_many(endless(), 0.3, readers=1)
    assert next(results) == network.detect(images[0], 0.3)
    assert len(taken) <= 4
    results.close()


def test_many_images_stop_at_the_one_that_is_none(network, images, tmp_path):
    results = network.detect_many([images[0], tmp_path / "nothing.jpg", images[1]], 0.3)
    assert next(results) == network.detect(images[0], 0.3)
    with pytest.raises(FileNotFoundError, match=r"nothing\.jpg"):
        next(results)


def test_several_threads_get_what_one_gets(network, small, weights, images):
    """Four threads, two networks; each image again and again."""
    expected = [network.detect(image, threshold=0.3) for image in images]
    start = threading.Barrier(4)

    def work(which: int) -> bool:
        start.wait(30)
        net = (network, other)[which % 2]
        order = [(n + which) % len(images) for n in range(3 * len(images))]
        return all(
            [(f.class_id, f.confidence, f.box) for f in net.detect(images[n], threshold=0.3)]
            == [(f.class_id, f.confidence, f.box) for f in expected[n]]
            for n in order
        )

    with darknet.Network(small, weights(small)) as other, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4


def test_closing_while_others_detect(small, weights, images, monkeypatch):
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")
    network = darknet.Network(small, weights(small))
    detected = threading.Event()

    def work() -> str:
        try:
            for _ in range(1000):
                network.detect(images[0])
                detected.set()
        except ValueError as error:
            return str(error)
        return "never closed"

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(work) for _ in range(2)]
        assert detected.wait(30)
        network.close()
        assert [answer.result() for answer in answers] == ["the network is closed"] * 2


LEAKS = """
import sys, darknet, numpy as np
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
cfg, weights, picture, meta = sys.argv[1:5]
image = np.arange(64 * 96 * 3, dtype=np.uint8).reshape(64, 96, 3)
def once():
    with darknet.Network(cfg, weights) as network:
        for _ in range(10):
            network.detect(image, threshold=0.0)
            network.detect(picture, threshold=0.0)
        list(network.detect_many([image, picture], 0.0))
        network.predict(np.zeros(network.inputs, np.float32))
    net = darknet.load_net(cfg, weights)
    darknet.detect(net, classes, picture, thresh=0.0)
    darknet.free_net(net)
classes = darknet.load_meta(meta)
for _ in range(3): once()
for _ in range(3):  # what the allocator keeps grows once, a leak each time
    early = resident()
    for _ in range(12): once()
    grown = resident() - early
    if grown < 3: break
print(grown)
"""


def test_nothing_leaks(run, python, small, weights, picture, tmp_path):
    """12 rounds of 2 networks and 23 images; keeping any one kind of thing takes 6 to 70 MB."""
    own = tmp_path / "own.cfg"
    own.write_text(small.read_text().replace("=160\n", "=64\n"))
    done = run(
        python, "-c", LEAKS, own, weights(small), picture, "cfg/coco.data",
        DARKNET_DEVICE="cpu", MALLOC_ARENA_MAX="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 3


def test_wrong_names_are_refused(small):
    with pytest.raises(ValueError, match=r"2 names, and .*tells 80 classes apart"):
        darknet.Network(small, names=["cat", "dog"])


def test_files_that_do_not_fit_are_exceptions(small, weights, tmp_path):
    (tmp_path / "cut.weights").write_bytes(weights(small).read_bytes()[:-1])
    for load in (darknet.Network, darknet.load_net):
        with pytest.raises(darknet.NetworkError, match=r"cut\.weights is cut off"):
            load(small, tmp_path / "cut.weights")
    wrong = tmp_path / "wrong.cfg"
    wrong.write_text("[net]\nwidth=32\nheight=32\nchannels=3\n[sam]\n")
    for load in (darknet.Network, darknet.load_net):
        with pytest.raises(darknet.NetworkError, match=r"wrong\.cfg:5: unknown layer \[sam\]"):
            load(wrong)
    wrong.write_text("[net]\n", encoding="utf-16")
    with pytest.raises(darknet.NetworkError, match="UTF-16"):
        darknet.Network(wrong)


def test_a_damaged_image_is_an_exception(network, files, tmp_path):
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\4" + b"?" * 50)
    with pytest.raises(ValueError, match=r"damaged\.png cannot be decoded: "):
        network.detect(damaged)
    with pytest.raises(ValueError, match=r"damaged\.png cannot be decoded: "):
        darknet.load_image(damaged)
    assert network.detect(files[0]) is not None


def test_a_grey_network_reads_files(small, weights, files, images, tmp_path):
    own = tmp_path / "grey.cfg"
    own.write_text(small.read_text().replace("\nchannels=3\n", "\nchannels=1\n"))
    red, green, blue = np.moveaxis(images[0].astype(np.uint32), -1, 0)
    grey = ((77 * red + 150 * green + 29 * blue) >> 8).astype(np.uint8)
    with darknet.Network(own, weights(own)) as network:
        assert network.channels == 1
        assert network.detect(files[0], 0.1) == network.detect(grey, 0.1) != []


@pytest.mark.parametrize("content", [b"", b"<html>no such file</html>", b"RIFF1234WEBP"])
def test_a_file_that_is_no_image_is_an_exception(network, tmp_path, content):
    path = tmp_path / "wrong.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read as an image"):
        network.detect(path)


@pytest.mark.parametrize(("name", "value"), [("threshold", 30), ("threshold", -1), ("nms", 1.5)])
def test_thresholds_out_of_range(network, name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}: it goes from 0 to 1"):
        network.detect(networks.picture(8, 8), **{name: value})


def test_a_network_that_finds_no_boxes(tmp_path, monkeypatch):
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")
    (tmp_path / "own.cfg").write_text(
        "[net]\nbatch=1\nwidth=8\nheight=8\nchannels=3\n\n"
        "[convolutional]\nfilters=4\nsize=1\nactivation=linear\n"
    )
    with darknet.Network(tmp_path / "own.cfg") as plain:
        assert plain.predict(np.zeros((3, 8, 8), np.float32)).shape == (4 * 8 * 8,)
        with pytest.raises(ValueError, match=r"finds no boxes: use predict"):
            plain.detect(networks.picture(8, 8))


def test_too_few_names_for_the_old_functions(tmp_path):
    (tmp_path / "own.names").write_text("cat\ndog\n")
    (tmp_path / "own.data").write_text(f'classes = 3\nnames = "{tmp_path}/own.names"\n')
    with pytest.raises(ValueError, match="2 names for 3 classes"):
        darknet.load_meta(tmp_path / "own.data")


def test_old_names_for_pictures(small, weights, picture):
    net = darknet.load_net(small, weights(small))
    image = darknet.load_image(picture)
    assert (image.w, image.h, image.c) == (96, 64, 3)
    meta = darknet.load_meta("cfg/coco.data")
    chances = darknet.classify(net, meta, image)
    assert len(chances) == 80
    assert chances == sorted(chances, key=lambda one: -one[1])
    darknet.free_image(image)
    darknet.free_net(net)


def test_all_names_are_there():
    assert all(hasattr(darknet, name) for name in darknet.__all__)
    assert set(darknet.__all__) <= set(dir(darknet))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = darknet.nothing
