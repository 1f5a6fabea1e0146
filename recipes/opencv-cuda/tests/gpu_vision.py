"""Rows of the other modules: filters, features, background, flow, stereo, detection, photo."""

import cv2
import numpy as np
from gpu_case import (
    DESCRIPTORS,
    FLOAT,
    GREY,
    KERNEL,
    POINTS,
    RANDOM,
    SHIFTED,
    SIGNED,
    SIZE,
    Case,
    c,
    down,
    null,
    unary,
)  # fmt: skip


def _filter(name, make, twin, a=FLOAT, **more):
    more = {"most": 1e-4, **more}
    return unary("cudafilters", name, lambda x: make().apply(x), twin, a, **more)


def _separable(size, border):
    """A row filter of one size and a column filter of another, so that each meets each border."""
    row, column = (
        np.linspace(1, 3, taps, dtype=np.float32) / (2 * taps) for taps in (size, 33 - size)
    )
    return _filter(
        f"SeparableLinear {size} by {33 - size}, border {border}",
        lambda: c.createSeparableLinearFilter(F1, -1, row, column, (-1, -1), border, border),
        lambda x: cv2.sepFilter2D(x, -1, row, column, borderType=border),
    )


# Without BORDER_WRAP, which the CPU's lacks.
BORDERS = cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT, cv2.BORDER_REFLECT_101
DISK = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
F1, U1 = cv2.CV_32FC1, cv2.CV_8UC1
FILTERS = [
    _filter("Box", lambda: c.createBoxFilter(U1, -1, (5, 5)), lambda x: cv2.blur(x, (5, 5)),
            GREY, most=1),
    _filter("Linear", lambda: c.createLinearFilter(F1, -1, KERNEL),
            lambda x: cv2.filter2D(x, -1, KERNEL)),
    _filter("Laplacian", lambda: c.createLaplacianFilter(F1, -1, 3),
            lambda x: cv2.Laplacian(x, -1, ksize=3)),
    _filter("SeparableLinear",
            lambda: c.createSeparableLinearFilter(F1, -1, KERNEL[1], KERNEL[1]),
            lambda x: cv2.sepFilter2D(x, -1, KERNEL[1], KERNEL[1])),
    *(_separable(size, BORDERS[size % 4]) for size in range(1, 33)),  # patches/0008
    _filter("Sobel", lambda: c.createSobelFilter(F1, -1, 1, 0), lambda x: cv2.Sobel(x, -1, 1, 0)),
    _filter("Scharr", lambda: c.createScharrFilter(F1, -1, 0, 1),
            lambda x: cv2.Scharr(x, -1, 0, 1)),
    _filter("Gaussian", lambda: c.createGaussianFilter(F1, -1, (7, 7), 1.5),
            lambda x: cv2.GaussianBlur(x, (7, 7), 1.5)),
    _filter("Gaussian 8 bits", lambda: c.createGaussianFilter(U1, -1, (7, 7), 1.5),
            lambda x: cv2.GaussianBlur(x, (7, 7), 1.5), GREY, most=1),
    *(
        _filter(f"Morphology {name}",
                lambda k=name: c.createMorphologyFilter(getattr(cv2, f"MORPH_{k}"), U1, DISK),
                lambda x, k=name: cv2.morphologyEx(x, getattr(cv2, f"MORPH_{k}"), DISK),
                GREY, most=0, border=6)
        for name in ("ERODE", "DILATE", "OPEN", "CLOSE", "GRADIENT", "TOPHAT")
    ),
    _filter("BoxMax", lambda: c.createBoxMaxFilter(U1, (5, 5)),
            lambda x: cv2.dilate(x, np.ones((5, 5))), GREY, most=0, border=3),
    _filter("BoxMin", lambda: c.createBoxMinFilter(U1, (5, 5)),
            lambda x: cv2.erode(x, np.ones((5, 5))), GREY, most=0, border=3),
    _filter("RowSum", lambda: c.createRowSumFilter(U1, F1, 5),
            lambda x: cv2.boxFilter(x, cv2.CV_32F, (5, 1), normalize=False), GREY, border=4),
    _filter("ColumnSum", lambda: c.createColumnSumFilter(U1, F1, 5),
            lambda x: cv2.boxFilter(x, cv2.CV_32F, (1, 5), normalize=False), GREY, border=4),
    _filter("Median", lambda: c.createMedianFilter(U1, 5), lambda x: cv2.medianBlur(x, 5),
            GREY, most=0, border=3),
]  # fmt: skip


def _matches(found):
    return np.array([(one.queryIdx, one.trainIdx, one.distance) for one in found])


def _orb(up):
    detector = cv2.cuda_ORB.create(300, blurForDescriptor=True)
    keypoints, descriptors = detector.detectAndComputeAsync(up(GREY), None)
    assert len(detector.convert(keypoints)) == len(down(descriptors))
    return sum(point.pt[0] for point in detector.convert(keypoints)) / 300


def _places(points):
    """Where key points lie, in order."""
    return np.array(sorted((round(one.pt[0]), round(one.pt[1])) for one in points))


def _fast(up):
    detector = cv2.cuda_FastFeatureDetector.create(20, max_npoints=20000)
    return _places(detector.convert(detector.detectAsync(up(GREY))))


FEATURES = [
    Case(
        "cudafeatures2d", "FAST",
        _fast,
        lambda: _places(cv2.FastFeatureDetector.create(20).detect(GREY)),
    ),
    Case(
        "cudafeatures2d", "ORB (mean place)", _orb,
        lambda: sum(one.pt[0] for one in cv2.ORB.create(300).detect(GREY)) / 300, 60,
    ),
    Case(
        "cudafeatures2d", "BFMatcher",
        lambda up: _matches(
            cv2.cuda_DescriptorMatcher.createBFMatcher(cv2.NORM_HAMMING).match(
                up(DESCRIPTORS[0]), up(DESCRIPTORS[1])
            )
        )[:, 2],
        lambda: _matches(cv2.BFMatcher(cv2.NORM_HAMMING).match(*DESCRIPTORS))[:, 2],
    ),
]  # fmt: skip


def _foreground(subtractor, frames, *more):
    for frame in frames:
        mask = subtractor.apply(frame, *more)
    return mask


MOVING = [
    cv2.rectangle(GREY.copy(), (20 + 12 * i, 100), (90 + 12 * i, 200), 250, -1) for i in range(12)
]

BACKGROUND = [
    Case(
        "cudabgsegm", "MOG2",
        lambda up: _foreground(
            c.createBackgroundSubtractorMOG2(50, 16, False), map(up, MOVING), -1, null()
        ),
        lambda: _foreground(cv2.createBackgroundSubtractorMOG2(50, 16, False), MOVING),
        share=0.01,
    ),
    Case(
        "cudabgsegm", "MOG",
        lambda up: _foreground(c.createBackgroundSubtractorMOG(50), map(up, MOVING), -1, null()),
        lambda: _foreground(cv2.bgsegm.createBackgroundSubtractorMOG(50), MOVING), share=0.02,
    ),
]  # fmt: skip


def _flow(detector):
    """Dense flow of a picture that was moved four pixels: its middle."""

    def gpu(up):
        flow = detector().calc(up(GREY), up(SHIFTED), None)
        return down(flow)[100:-100, 100:-100].reshape(-1, 2).mean(axis=0)

    return gpu


def _flow_float(detector):
    def gpu(up):
        flow = detector().calc(up(FLOAT), up(np.roll(FLOAT, 4, axis=1)), None)
        return down(flow)[100:-100, 100:-100].reshape(-1, 2).mean(axis=0)

    return gpu


def moved():
    return np.array([4.0, 0.0])


def _sparse(up):
    detector = cv2.cuda_SparsePyrLKOpticalFlow.create()
    points, status, _ = detector.calc(up(GREY), up(SHIFTED), up(POINTS), None)
    good = np.asarray(down(status)).ravel() == 1
    assert good.mean() > 0.9
    return (np.asarray(down(points)) - POINTS).reshape(-1, 2)[good].mean(axis=0)


OPTICAL_FLOW = [
    Case("cudaoptflow", "Farneback", _flow(lambda: cv2.cuda_FarnebackOpticalFlow.create()),
         moved, 0.3),
    Case("cudaoptflow", "DensePyrLK", _flow(lambda: cv2.cuda_DensePyrLKOpticalFlow.create()),
         moved, 0.3),
    Case("cudaoptflow", "TVL1", _flow(lambda: cv2.cuda_OpticalFlowDual_TVL1.create()), moved, 0.5),
    Case("cudaoptflow", "Brox", _flow_float(lambda: cv2.cuda_BroxOpticalFlow.create()), moved, 0.5),
    Case("cudaoptflow", "SparsePyrLK", _sparse, moved, 0.1),
]  # fmt: skip

NOISE = RANDOM.randint(0, 256, SIZE).astype(np.uint8)
RIGHT = np.roll(NOISE, -16, axis=1)  # everything is 16 pixels nearer


def _disparity(found, scale=1.0):
    """The disparity of the middle, where everything is seen by both."""
    return float(np.median(np.asarray(down(found)).squeeze()[100:-100, 150:-100])) / scale


STEREO = [
    Case("cudastereo", "StereoBM",
         lambda up: _disparity(c.createStereoBM(64, 15).compute(up(NOISE), up(RIGHT), null())),
         lambda: _disparity(cv2.StereoBM.create(64, 15).compute(NOISE, RIGHT), 16), 1),
    Case("cudastereo", "StereoSGM",
         lambda up: _disparity(c.createStereoSGM(0, 64).compute(up(NOISE), up(RIGHT)), 16),
         lambda: 16.0, 1),
    Case("cudastereo", "BeliefPropagation",
         lambda up: _disparity(
             c.createStereoBeliefPropagation(64).compute(up(NOISE), up(RIGHT), null())),
         lambda: 16.0, 1.5),
    Case("cudastereo", "ConstantSpaceBP",
         lambda up: _disparity(
             c.createStereoConstantSpaceBP(64).compute(up(NOISE), up(RIGHT), null())),
         lambda: 16.0, 2.5),
    Case("cudastereo", "reprojectImageTo3D",
         lambda up: c.reprojectImageTo3D(up(SIGNED), np.eye(4, dtype=np.float32), dst_cn=3),
         lambda: cv2.reprojectImageTo3D(SIGNED, np.eye(4, dtype=np.float32)), 1e-3),
]  # fmt: skip


def _hog(up):
    return down(cv2.cuda.HOG.create().compute(up(GREY[:128, :64].copy())))


def _people(up):
    hog = cv2.cuda.HOG.create()
    hog.setSVMDetector(hog.getDefaultPeopleDetector())
    return len(hog.detectWithoutConf(up(GREY)))


def _cpu_people():
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    return len(hog.detect(GREY)[0])


DETECTION = [
    Case("cudaobjdetect", "HOG", _hog,
         lambda: cv2.HOGDescriptor().compute(GREY[:128, :64]).ravel(), 0.1, share=0.05),
    Case("cudaobjdetect", "HOG detect (how many)", _people, _cpu_people, 2),
]  # fmt: skip

PHOTO = [
    Case("photo", "fastNlMeansDenoising",
         lambda up: c.fastNlMeansDenoising(up(GREY), 10, search_window=15),
         lambda: cv2.fastNlMeansDenoising(GREY, None, 10, 7, 15), 4, share=0.02),
]  # fmt: skip
