"""What OpenCV computes on the CPU from fixed inputs, to be compared with another build of it.

    python answers.py ours.npz
    python answers.py --compare ours.npz theirs.npz

The first writes whole arrays; `reference.json` has samples of what the CPU build from PyPI gives
(`make_reference.py`). The inputs come from `RandomState`, the same with every numpy.
"""

import sys

import cv2
import numpy as np
import shapes
from networks import Darknet, Onnx

RANDOM = np.random.RandomState(1)
PICTURE = cv2.GaussianBlur(RANDOM.randint(0, 256, (96, 128, 3)).astype(np.uint8), (7, 7), 2)
GREY = np.ascontiguousarray(PICTURE[..., 0])
FLOAT = (GREY / 255).astype(np.float32)
SMALL = {"onnx": (Onnx, "readNetFromONNX"), "darknet": (Darknet, "readNetFromDarknet")}


def small_network(name):
    """One of the hand-written networks, whose answer numpy knows as well."""
    network = SMALL[name][0]()
    given = (network.model(),) if name == "onnx" else (network.cfg.encode(), network.weights())
    net = getattr(cv2.dnn, SMALL[name][1])(*map(shapes.as_array, given))
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setInput(np.random.RandomState(2).random_sample(network.shape).astype(np.float32))
    return [net.forward()]


def dnn():
    """Outputs of every network by name."""
    found = {f"dnn {name}": small_network(name) for name in SMALL}
    for name, make in shapes.ALL.items():
        found[f"dnn {name}"] = make().run()
    return {f"{name} {at}": one for name, some in found.items() for at, one in enumerate(some)}


def images():
    """What is decoded of what was encoded."""
    lossless = {
        ".png": [], ".bmp": [], ".tiff": [], ".ppm": [], ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101],
        ".jp2": [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000], ".ras": [], ".pam": [],
    }  # fmt: skip
    lossy = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 90], ".webp": [cv2.IMWRITE_WEBP_QUALITY, 80]}
    found = {}
    for kind, formats in (("lossless", lossless), ("lossy", lossy)):
        for suffix, parameters in formats.items():
            done, data = cv2.imencode(suffix, PICTURE, parameters)
            assert done, suffix
            found[f"image {kind} {suffix}"] = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return found


def processing():
    """The plain functions of image processing."""
    turn = cv2.getRotationMatrix2D((64, 48), 33, 0.8)
    tilt = np.float32([[1, 0.1, 3], [0.02, 1, 5], [1e-4, 2e-4, 1]])
    found = {
        f"resize {name}": cv2.resize(PICTURE, (77, 51), interpolation=getattr(cv2, name))
        for name in ("INTER_NEAREST", "INTER_LINEAR", "INTER_CUBIC", "INTER_AREA", "INTER_LANCZOS4")
    }
    for name in ("BGR2GRAY", "BGR2HSV", "BGR2Lab", "BGR2YCrCb", "BGR2YUV_I420"):
        found[f"cvtColor {name}"] = cv2.cvtColor(PICTURE, getattr(cv2, f"COLOR_{name}"))
    return found | {
        "warpAffine": cv2.warpAffine(PICTURE, turn, (128, 96)),
        "warpPerspective": cv2.warpPerspective(PICTURE, tilt, (128, 96)),
        "GaussianBlur": cv2.GaussianBlur(PICTURE, (5, 5), 1.2),
        "medianBlur": cv2.medianBlur(PICTURE, 5),
        "bilateralFilter": cv2.bilateralFilter(PICTURE, 7, 30, 5),
        "Sobel": cv2.Sobel(GREY, cv2.CV_16S, 1, 1),
        "Laplacian": cv2.Laplacian(FLOAT, cv2.CV_32F, ksize=3),
        "Canny": cv2.Canny(GREY, 30, 80),
        "morphologyEx": cv2.morphologyEx(GREY, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)),
        "threshold": cv2.threshold(GREY, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1],
        "equalizeHist": cv2.equalizeHist(GREY),
        "integral": cv2.integral(GREY),
        "distanceTransform": cv2.distanceTransform((GREY > 120).astype(np.uint8), cv2.DIST_L2, 5),
        "matchTemplate": cv2.matchTemplate(GREY, GREY[20:40, 30:60], cv2.TM_CCOEFF_NORMED),
        "dft": cv2.dft(FLOAT),
        "dct": cv2.dct(FLOAT),
        "goodFeaturesToTrack": cv2.goodFeaturesToTrack(GREY, 20, 0.05, 5),
        "cornerHarris": cv2.cornerHarris(FLOAT, 3, 3, 0.04),
        "gemm": cv2.gemm(FLOAT, FLOAT, 1.0, None, 0.0, flags=cv2.GEMM_2_T),
        "invert": cv2.invert(FLOAT[:64, :64] + 4 * np.eye(64, dtype=np.float32))[1],
        "SVD": cv2.SVDecomp(FLOAT[:64, :64])[0],
        "moments": np.array([*cv2.moments(GREY).values()]),
        "fitEllipse": np.hstack(cv2.fitEllipse(RANDOM_POINTS)),
    }


RANDOM_POINTS = np.random.RandomState(9).standard_normal((40, 2)).astype(np.float32)


def answers(modules=("dnn", "imgcodecs")):
    """All arrays by name.

    Args:
        modules: What this build has, of the modules that not every profile has.
    """
    found = {f"imgproc {name}": array for name, array in processing().items()}
    found |= images() if "imgcodecs" in modules else {}
    found |= dnn() if "dnn" in modules else {}
    return {name: np.asarray(array) for name, array in found.items()}


def unlike(name, got, wanted):
    """How far two builds' answers are apart, or None where they are the same for all purposes.

    dnn and floating point: a ten-thousandth of the largest number (the order of summing differs
    with the instructions of the CPU). Of a YOLO layer a box near the threshold may fall on either
    side. Whole numbers: one step, as rounding goes.
    """
    if got.shape != wanted.shape:
        return f"{name}: {got.shape} instead of {wanted.shape}"
    if "lossless" in name:
        most, share = 0.0, 0.0
    elif got.dtype.kind == "f":
        most, share = 1e-4 * max(1e-6, float(np.abs(wanted).max())), 0.0
    else:
        most, share = 1.0, 0.0
    if "yolo" in name or "Canny" in name:
        share = 1e-3
    difference = np.abs(got.astype(np.float64) - wanted)
    if not np.isfinite(difference).all():
        return f"{name}: not all numbers are finite"
    far = float((difference > most).mean())
    return f"{name}: {difference.max()} apart, {far:.3%} over {most}" if far > share else None


def compare(first, second):
    """Print how far two builds' answers are apart; how many are unlike."""
    one, other = np.load(first), np.load(second)
    if set(one) != set(other):
        print("not the same answers:", set(one) ^ set(other))
        return 1
    faults = [fault for name in one if (fault := unlike(name, one[name], other[name]))]
    for name in one:
        apart = np.abs(one[name].astype(np.float64) - other[name]).max()
        print(f"{name}: {apart:.3g} of {np.abs(other[name].astype(np.float64)).max():.3g}")
    print(*faults, sep="\n")
    return len(faults)


def main(arguments):
    if arguments[0] == "--compare":
        return compare(*arguments[1:])
    np.savez(arguments[0], **answers())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
