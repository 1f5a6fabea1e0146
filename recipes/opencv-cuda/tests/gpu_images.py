"""Rows of cudaarithm, cudawarping and cudaimgproc."""

import cv2
import numpy as np
from gpu_case import (
    COLOUR,
    COLOUR4,
    COMPLEX,
    FLOAT,
    GREY,
    MAPS,
    MASK,
    OTHER,
    SHIFTED,
    SIGNED,
    SIZE,
    SQUARE,
    TILT,
    TURN,
    Case,
    c,
    down,
    null,
    unary,
)  # fmt: skip


def _binary(name, a=FLOAT, b=OTHER, most=1e-6, label=""):
    gpu = lambda up: getattr(cv2.cuda, name)(up(a), up(b))  # noqa: E731 -- as short as what it stands for
    return Case("cudaarithm", name + label, gpu, lambda: getattr(cv2, name)(a, b), most)


def _arith(name, call, twin, a=FLOAT, **more):
    return unary("cudaarithm", name, call, twin, a, **more)


ARITHMETIC = [
    *(_binary(name) for name in ("add", "subtract", "multiply", "absdiff", "min", "max")),
    _binary("divide", b=OTHER + 1),
    *(
        _binary(name, GREY, GREY[::-1].copy(), 0, " 8 bits")
        for name in ("add", "subtract", "absdiff")
    ),
    *(
        _binary(f"bitwise_{name}", GREY, GREY[::-1].copy(), 0)
        for name in ("and", "or", "xor")
    ),
    _arith("bitwise_not", c.bitwise_not, cv2.bitwise_not, GREY),
    _arith("addWithScalar", lambda x: c.addWithScalar(x, (0.5,)), lambda x: x + 0.5, most=1e-6),
    _arith("abs", c.abs, np.abs, SIGNED),
    _arith("sqr", c.sqr, np.square, SIGNED, most=1e-5),
    _arith("sqrt", c.sqrt, np.sqrt, most=1e-6),
    _arith("exp", c.exp, np.exp, most=1e-5),
    _arith("log", c.log, np.log, FLOAT + 1, most=1e-5),
    _arith("pow", lambda x: c.pow(x, 2.5), lambda x: cv2.pow(x, 2.5), most=1e-5),
    Case(
        "cudaarithm", "compare", lambda up: c.compare(up(GREY), up(SHIFTED), cv2.CMP_GE),
        lambda: cv2.compare(GREY, SHIFTED, cv2.CMP_GE),
    ),
    _arith("rshift", lambda x: c.rshift(x, (2,)), lambda x: x >> 2, GREY),
    _arith("lshift", lambda x: c.lshift(x, (1,)), lambda x: x << 1, GREY),
    Case(
        "cudaarithm", "addWeighted",
        lambda up: c.addWeighted(up(GREY), 0.3, up(SHIFTED), 0.7, 2),
        lambda: cv2.addWeighted(GREY, 0.3, SHIFTED, 0.7, 2), 1,
    ),
    _arith(
        "threshold", lambda x: c.threshold(x, 99, 255, cv2.THRESH_BINARY)[1],
        lambda x: cv2.threshold(x, 99, 255, cv2.THRESH_BINARY)[1], GREY,
    ),
    _arith(
        "inRange", lambda x: c.inRange(x, (40, 0, 0, 0), (90, 0, 0, 0)),
        lambda x: cv2.inRange(x, 40, 90), GREY,
    ),
    Case(
        "cudaarithm", "magnitude", lambda up: c.magnitude(up(FLOAT), up(OTHER)),
        lambda: cv2.magnitude(FLOAT, OTHER), 1e-5,
    ),
    Case(
        "cudaarithm", "phase", lambda up: c.phase(up(FLOAT), up(OTHER), angleInDegrees=True),
        lambda: cv2.phase(FLOAT, OTHER, angleInDegrees=True), 0.5,
    ),
    Case(
        "cudaarithm", "cartToPolar", lambda up: c.cartToPolar(up(FLOAT), up(OTHER)),
        lambda: cv2.cartToPolar(FLOAT, OTHER), 1e-2,
    ),
    Case(
        "cudaarithm", "polarToCart", lambda up: c.polarToCart(up(FLOAT), up(OTHER)),
        lambda: cv2.polarToCart(FLOAT, OTHER), 1e-4,
    ),
    _arith("split", c.split, cv2.split, COLOUR),
    Case(
        "cudaarithm", "merge",
        lambda up: c.merge([up(GREY), up(SHIFTED), up(MASK)]),
        lambda: cv2.merge([GREY, SHIFTED, MASK]),
    ),
    _arith("transpose", c.transpose, cv2.transpose, GREY),
    *(
        _arith(f"flip {code}", lambda x, k=code: c.flip(x, k), lambda x, k=code: cv2.flip(x, k),
               COLOUR)
        for code in (-1, 0, 1)
    ),
    Case(
        "cudaarithm", "LookUpTable",
        lambda up: c.createLookUpTable(np.arange(255, -1, -1, dtype=np.uint8)).transform(up(GREY)),
        lambda: 255 - GREY,
    ),
    _arith(
        "copyMakeBorder", lambda x: c.copyMakeBorder(x, 3, 4, 5, 6, cv2.BORDER_REFLECT_101),
        lambda x: cv2.copyMakeBorder(x, 3, 4, 5, 6, cv2.BORDER_REFLECT_101), GREY,
    ),
    *(
        _arith(f"norm {kind}", lambda x, k=kind: c.norm(x, getattr(cv2, k)),
               lambda x, k=kind: cv2.norm(x, getattr(cv2, k)), GREY, most=1e-3)
        for kind in ("NORM_INF", "NORM_L1", "NORM_L2")
    ),
    _arith("sum", lambda x: c.sum(x)[:3], lambda x: cv2.sumElems(x)[:3], COLOUR),
    _arith("absSum", lambda x: c.absSum(x)[0], lambda x: np.abs(x).sum(dtype=float), SIGNED,
           most=1),
    _arith("sqrSum", lambda x: c.sqrSum(x)[0], lambda x: np.square(x, dtype=float).sum(), GREY),
    _arith("minMax", c.minMax, lambda x: cv2.minMaxLoc(x)[:2], SIGNED),
    _arith("minMaxLoc", c.minMaxLoc, cv2.minMaxLoc, SIGNED),
    _arith("countNonZero", c.countNonZero, cv2.countNonZero, MASK),
    _arith(
        "reduce", lambda x: c.reduce(x, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F),
        lambda x: cv2.reduce(x, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F), GREY, most=0.5,
    ),
    _arith(
        "normalize", lambda x: c.normalize(x, 0, 1, cv2.NORM_MINMAX, cv2.CV_32F),
        lambda x: cv2.normalize(x, None, 0, 1, cv2.NORM_MINMAX, cv2.CV_32F), GREY, most=1e-5,
    ),
    _arith("integral", c.integral, cv2.integral, GREY),
    _arith(
        "gemm", lambda x: c.gemm(x, x, 1.0, c.GpuMat(), 0.0), lambda x: x @ x, SQUARE,
        most=0.5, share=1e-3,  # TF32 on Ampere and later
    ),
    _arith("dft", lambda x: c.dft(x, (128, 128)), cv2.dft, COMPLEX, most=2e-2),
    Case(
        "cudaarithm", "mulSpectrums", lambda up: c.mulSpectrums(up(COMPLEX), up(COMPLEX), 0),
        lambda: cv2.mulSpectrums(COMPLEX, COMPLEX, 0), 1e-4,
    ),
    Case(
        "cudaarithm", "Convolution",
        lambda up: c.createConvolution().convolve(up(FLOAT), up(FLOAT[:9, :9].copy()), ccorr=True),
        lambda: cv2.matchTemplate(FLOAT, FLOAT[:9, :9].copy(), cv2.TM_CCORR), 1e-2,
    ),
]  # fmt: skip

# CUDA's resampling takes pixel corners or cruder fractions where the CPU takes centres: a smooth
# picture differs by little, and edges are left out.
WARPING = [
    *(
        unary("cudawarping", f"resize {name}",
               lambda x, k=name: c.resize(x, (320, 240), interpolation=getattr(cv2, k)),
               lambda x, k=name: cv2.resize(x, (320, 240), interpolation=getattr(cv2, k)),
               COLOUR4.astype(np.float32), most=most, share=0.02)
        for name, most in (
            ("INTER_NEAREST", 40), ("INTER_LINEAR", 25), ("INTER_CUBIC", 25), ("INTER_AREA", 1),
        )
    ),
    Case(
        "cudawarping", "warpAffine", lambda up: c.warpAffine(up(GREY), TURN, (640, 480)),
        lambda: cv2.warpAffine(GREY, TURN, (640, 480)), 4, share=0.02, border=3,
    ),
    Case(
        "cudawarping", "warpPerspective",
        lambda up: c.warpPerspective(up(GREY), TILT, (640, 480)),
        lambda: cv2.warpPerspective(GREY, TILT, (640, 480)), 4, share=0.02, border=3,
    ),
    Case(
        "cudawarping", "remap",
        lambda up: c.remap(up(GREY), up(MAPS[0]), up(MAPS[1]), cv2.INTER_LINEAR),
        lambda: cv2.remap(GREY, *MAPS, cv2.INTER_LINEAR), 3, share=0.02, border=3,
    ),
    Case(
        "cudawarping", "rotate", lambda up: c.rotate(up(GREY), (480, 640), 90, 0, 639),
        lambda: cv2.rotate(GREY, cv2.ROTATE_90_COUNTERCLOCKWISE), 1, share=0.02, border=2,
    ),
    unary("cudawarping", "pyrDown", c.pyrDown, cv2.pyrDown, most=1),
    unary("cudawarping", "pyrUp", c.pyrUp, cv2.pyrUp, most=1),
]  # fmt: skip


def _lines(found):
    """rho and theta of each line, in order."""
    return np.array(sorted(map(tuple, np.asarray(found).reshape(-1, 2).round(3))))


SQUARES = cv2.rectangle(np.zeros(SIZE, np.uint8), (100, 90), (420, 380), 255, 2)
DOTS = cv2.circle(np.zeros(SIZE, np.uint8), (300, 200), 60, 255, 3)
IMAGE = [
    *(
        unary("cudaimgproc", f"cvtColor {name}",
               lambda x, k=name: c.cvtColor(x, getattr(cv2, f"COLOR_{k}")),
               lambda x, k=name: cv2.cvtColor(x, getattr(cv2, f"COLOR_{k}")), COLOUR, most=most)
        for name, most in (
            ("BGR2GRAY", 1), ("BGR2RGB", 0), ("BGR2YCrCb", 1), ("BGR2HSV", 1), ("BGR2Lab", 2),
            ("BGR2XYZ", 1), ("BGR2BGRA", 0),
        )
    ),
    unary(
        "cudaimgproc", "demosaicing", lambda x: c.demosaicing(x, cv2.COLOR_BayerBG2BGR),
        lambda x: cv2.demosaicing(x, cv2.COLOR_BayerBG2BGR), most=1, border=2,
    ),
    unary(
        "cudaimgproc", "calcHist", c.calcHist,
        lambda x: np.bincount(x.ravel(), minlength=256),
    ),
    unary("cudaimgproc", "equalizeHist", c.equalizeHist, cv2.equalizeHist, most=1),
    unary(
        "cudaimgproc", "histEven", lambda x: c.histEven(x, 16, 0, 256),
        lambda x: np.bincount(x.ravel() // 16, minlength=16),
    ),
    unary(
        "cudaimgproc", "CLAHE",
        lambda x: c.createCLAHE(2.0, (8, 8)).apply(x, null()),
        lambda x: cv2.createCLAHE(2.0, (8, 8)).apply(x), most=2, share=0.01,
    ),
    unary(
        "cudaimgproc", "Canny", lambda x: c.createCannyEdgeDetector(20, 60).detect(x),
        lambda x: cv2.Canny(x, 20, 60), share=0.03,
    ),
    unary(
        "cudaimgproc", "HoughLines",
        lambda x: _lines(down(c.createHoughLinesDetector(1, np.pi / 180, 200).detect(x))[0]),
        lambda x: _lines(cv2.HoughLines(x, 1, np.pi / 180, 200)), SQUARES, most=1.01,
    ),
    unary(
        "cudaimgproc", "HoughCircles",
        lambda x: down(
            c.createHoughCirclesDetector(1, 50, 100, 20, 40, 80).detect(x)
        ).reshape(-1, 3)[0],
        lambda x: np.array([300, 200, 60]), DOTS, most=3,
    ),
    unary(
        "cudaimgproc", "HarrisCorner",
        lambda x: c.createHarrisCorner(cv2.CV_32F, 3, 3, 0.04).compute(x),
        lambda x: cv2.cornerHarris(x, 3, 3, 0.04), FLOAT, most=1e-4, border=4,
    ),
    unary(
        "cudaimgproc", "MinEigenValCorner",
        lambda x: c.createMinEigenValCorner(cv2.CV_32F, 3, 3).compute(x),
        lambda x: cv2.cornerMinEigenVal(x, 3, ksize=3), FLOAT, most=1e-4, border=4,
    ),
    unary(
        "cudaimgproc", "GoodFeaturesToTrack",
        lambda x: down(
            c.createGoodFeaturesToTrackDetector(cv2.CV_8UC1, 50, 0.05, 10).detect(x)
        ).reshape(-1, 2)[0],
        lambda x: cv2.goodFeaturesToTrack(x, 50, 0.05, 10).reshape(-1, 2)[0], most=1,
    ),
    unary(
        "cudaimgproc", "meanShiftFiltering",
        lambda x: down(c.meanShiftFiltering(x, 8, 20))[..., :3],
        lambda x: cv2.pyrMeanShiftFiltering(x[..., :3], 8, 20, maxLevel=0), COLOUR4,
        most=6, share=0.05,
    ),
    Case(
        "cudaimgproc", "TemplateMatching",
        lambda up: c.createTemplateMatching(cv2.CV_8UC1, cv2.TM_CCOEFF_NORMED).match(
            up(GREY), up(GREY[100:140, 200:240].copy())
        ),
        lambda: cv2.matchTemplate(GREY, GREY[100:140, 200:240], cv2.TM_CCOEFF_NORMED), 1e-2,
    ),
    unary(
        "cudaimgproc", "bilateralFilter", lambda x: c.bilateralFilter(x, 9, 30, 5),
        lambda x: cv2.bilateralFilter(x, 9, 30, 5), most=2, share=0.01,
    ),
    Case(
        "cudaimgproc", "blendLinear",
        lambda up: c.blendLinear(up(GREY), up(SHIFTED), up(FLOAT), up(1 - FLOAT)),
        lambda: cv2.blendLinear(GREY, SHIFTED, FLOAT, 1 - FLOAT), 2,
    ),
    unary(
        "cudaimgproc", "connectedComponents",
        lambda x: len(np.unique(down(c.connectedComponents(x)))),
        lambda x: cv2.connectedComponents(x)[0], SQUARES,
    ),
    unary(
        "cudaimgproc", "moments", lambda x: c.moments(x, True)["m10"],
        lambda x: cv2.moments(x, True)["m10"], SQUARES, most=1,
    ),
]  # fmt: skip
