"""What is wrong with a file is said, with its line, and the process that loaded it goes on."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_void_p
from pathlib import Path

import darknet
import networks
import newer
import pytest
from darknet import IMAGE, METADATA

NET = "[net]\nwidth=32\nheight=32\nchannels=3\n"
CONV = "[convolutional]\nfilters=21\nsize=1\nstride=1\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1,2\nanchors=1,1,2,2,3,3\nnum=3\nclasses=2\n"
Load = Callable[..., str]


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    """The library, with its guarded calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKNET_DEVICE", "cpu")
        loaded = darknet.load_library()
        loaded.cuda_choose_device()
    loaded.darknet_last_error.restype = c_char_p
    loaded.darknet_load_network.restype = c_void_p
    loaded.darknet_load_network.argtypes = [c_char_p, c_char_p, c_int]
    loaded.darknet_get_metadata.restype = METADATA
    loaded.darknet_get_metadata.argtypes = [c_char_p]
    loaded.darknet_load_image_color.restype = IMAGE
    loaded.darknet_load_image_color.argtypes = [c_char_p, c_int, c_int]
    loaded.darknet_network_predict_image.restype = c_void_p
    loaded.darknet_network_predict_image.argtypes = [c_void_p, IMAGE]
    return loaded


@pytest.fixture
def load(library, tmp_path) -> Load:
    """Try to load a network; its error, with the folder left out, or nothing."""

    def attempt(cfg: str | bytes, weights: bytes | None = None) -> str:
        (tmp_path / "some.cfg").write_bytes(cfg if isinstance(cfg, bytes) else cfg.encode())
        if weights is not None:
            (tmp_path / "some.weights").write_bytes(weights)
        name = os.fsencode(tmp_path / "some.weights") if weights is not None else None
        net = library.darknet_load_network(os.fsencode(tmp_path / "some.cfg"), name, 0)
        error = library.darknet_last_error().decode()
        assert bool(net) == (not error)
        if net:
            library.free_network(net)
        return error.replace(f"{tmp_path}/", "")

    return attempt


WRONG = {
    "width=1\n[net]\n": "some.cfg:1: a key before the first section: width=1",
    "# only this\n": "some.cfg: no sections",
    "[net]\nwidth=32\nheight=32\nchannels=3\n": "some.cfg:1: a network without layers",
    "[net]\nwidth=32\n[cost]\n": "some.cfg:1: No input parameters supplied",
    CONV: "some.cfg:1: First section must be [net] or [network]",
    CONV + CONV: "some.cfg:1: First section must be [net] or [network]",
    NET + "[sam]\nfrom=-1\n": "some.cfg:5: unknown layer [sam]",
    NET + CONV + "# x\n\nfilter=3\n": "some.cfg:12: unknown key filter in [convolutional]",
    NET + "widht=32\n" + CONV: "some.cfg:5: unknown key widht in [net]",
    NET + "nonsense\n" + CONV: "some.cfg:5: neither KEY=VALUE nor a section",
    NET + CONV.replace("size=1", "size="): "some.cfg:7: neither KEY=VALUE",
    NET + CONV.replace("size=1", "size=one"): "some.cfg:5: size=one is no number",
    NET + CONV.replace("size=1", "size=33"): "some.cfg:5: size=33 for 32 x 32 pixels",
    NET + CONV.replace("stride=1", "stride=0"): "some.cfg:5: stride=0, at least 1 is needed",
    NET + CONV.replace("filters=21", "filters=99999999"): "some.cfg:5: a layer of 1 x 99999999",
    NET + CONV.replace("linear", "linaer"): "some.cfg:5: unknown activation linaer",
    NET + CONV + "groups=2\n": "some.cfg:5: groups=2 for 3 channels and 21 filters",
    NET + "policy=stepps\n" + CONV: "some.cfg:1: unknown policy stepps",
    NET + CONV + YOLO.replace("classes=2", "classes=3"): "some.cfg:10: [yolo] takes 32 x 32 x 24",
    NET + CONV + YOLO.replace("clas", "clazz"): "some.cfg:14: unknown key clazzses in [yolo]",
    NET + CONV + YOLO.replace(",3,3", ",3,3,4,4"): "some.cfg:10: anchors has 8 numbers",
    NET + CONV + YOLO.replace("1,2\n", "1,3\n", 1): "some.cfg:10: mask names anchor 3, of 3 (num)",
    NET + CONV + YOLO + "iou_loss=best\n": "some.cfg:10: [yolo] iou_loss is none of",
    NET + CONV + "[route]\nlayers=-2\n": "some.cfg:10: there is no layer -2 before this one",
    NET + CONV + "[route]\nlayers=1\n": "some.cfg:10: there is no layer 1 before this one",
    NET + CONV + "[route]\n": "some.cfg:10: Route Layer must specify input layers",
    NET + CONV + "[route]\nlayers=-1\ngroups=2\n": "some.cfg:10: [route] cannot cut",
    NET + CONV + "[shortcut]\nactivation=linear\n": "some.cfg:10: [shortcut] without from",
    NET + CONV + "[shortcut]\nfrom=-1\nactivation=mish\n": "some.cfg:10: activations mish",
    NET + "[dropout]\n": "some.cfg:5: there is no layer -1 before this one",
    NET + CONV + "[upsample]\nstride=9999\n": "some.cfg:10: a layer of",
}  # fmt: skip


@pytest.mark.parametrize("cfg", WRONG, ids=[text[:50] for text in WRONG.values()])
def test_a_wrong_cfg_is_refused_with_its_line(load, cfg):
    assert load(cfg).startswith(WRONG[cfg])


def test_after_a_failure_the_next_network_loads(load):
    assert load(NET + "[sam]\n")
    assert load(NET + CONV + YOLO) == ""


def test_lines_that_end_as_on_windows(load, tmp_path, library):
    assert load((NET + CONV + YOLO).replace("\n", "\r\n")) == ""
    (tmp_path / "some.names").write_bytes(b"red box\r\nblue\r\n")
    (tmp_path / "some.data").write_bytes(
        f"classes= 2\r\nnames = {tmp_path}/some.names \r\n".encode()
    )
    meta = library.darknet_get_metadata(os.fsencode(tmp_path / "some.data"))
    assert [meta.names[i] for i in range(2)] == [b"red box", b"blue"]


def test_keys_for_training_only_are_said_and_passed_over(run, python, tmp_path):
    (tmp_path / "some.cfg").write_text(
        NET + "cutmix=1\n" + CONV + "[maxpool]\n" + YOLO + "focal_loss=1\n"
    )
    code = "import darknet; darknet.Network('some.cfg')"
    done = run(python, "-c", code, DARKNET_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert "some.cfg:5: cutmix is for training, and not done here" in done.stderr
    assert "some.cfg:17: focal_loss is for training, and not done here" in done.stderr


def test_weights_must_fit(load):
    cfg = newer.yolov4_tiny()
    weights = networks.random_weights(cfg)
    assert load(cfg, weights) == ""
    size = len(weights)
    assert load(cfg, weights[:-1]).startswith(
        f"some.weights is cut off, or belongs to another network: it has {size - 1} bytes, "
        f"layer 36 (convolutional) of 38 needs more than {size - 1}"
    )
    assert load(cfg, weights + b"1234").startswith(
        f"some.weights has {size + 4} bytes, this network takes {size}"
    )
    assert load(cfg, b"short") == "some.weights has 5 bytes: no file of weights"
    assert load(cfg, b"") == "some.weights has 0 bytes: no file of weights"
    header = struct.pack("<iiiQ", 0, 2, 0, 0)
    assert "cut off" in load(cfg, header)


def test_weights_may_end_between_layers_where_training_starts(load, library):
    cfg = newer.yolov4_tiny()
    weights = networks.random_weights(cfg)
    last = 4 * 24 * (16 + 1)  # the last convolution: biases and weights
    partial = c_int.in_dll(library, "partial_weights")
    assert "cut off" in load(cfg, weights[:-last])
    partial.value = 1
    try:
        assert load(cfg, weights[:-last]) == ""
        assert "cut off" in load(cfg, weights[: -last + 4])
        assert "takes" in load(cfg, weights + b"1234")
    finally:
        partial.value = 0


def test_files_that_are_missing_or_no_images(library, tmp_path):
    library.darknet_get_metadata(b"nothing.data")
    assert library.darknet_last_error() == (
        b"Couldn't open file: nothing.data (No such file or directory)"
    )
    (tmp_path / "no.jpg").write_text("no image")
    library.darknet_load_image_color(os.fsencode(tmp_path / "no.jpg"), 0, 0)
    assert b'no.jpg": unknown image type' in library.darknet_last_error()


def test_an_image_with_other_channels(library, tmp_path):
    (tmp_path / "some.cfg").write_text(NET + CONV + YOLO)
    net = library.darknet_load_network(os.fsencode(tmp_path / "some.cfg"), None, 0)
    assert not library.darknet_network_predict_image(net, IMAGE(4, 4, 1, (ctypes.c_float * 16)()))
    assert library.darknet_last_error() == b"an image of 1 channels for a network of 3"
    library.free_network(net)


def test_the_program_says_one_line(run, program, tmp_path):
    (tmp_path / "some.cfg").write_text(NET + "[sam]\n")
    (tmp_path / "x.weights").write_bytes(b"")
    done = run(program, "detect", "some.cfg", "x.weights", "x.jpg", "-nogpu")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "darknet: some.cfg:5: unknown layer [sam]"


@pytest.mark.parametrize(
    "written",
    [
        "{folder}/a b/some.names",
        ' "{folder}/a b/some.names"',
        "'{folder}/a b/some.names' ",
        r"{folder}/a\ b/some.names",
    ],
)
def test_paths_with_spaces(library, tmp_path: Path, written):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "some.names").write_text("one thing\n")
    (tmp_path / "some.data").write_text(f"classes = 1\nnames = {written.format(folder=tmp_path)}\n")
    meta = library.darknet_get_metadata(os.fsencode(tmp_path / "some.data"))
    assert library.darknet_last_error() == b""
    assert meta.names[0] == b"one thing"
