"""Functions of dlib that need no GPU, on pictures that are drawn here."""

from __future__ import annotations

import dlib
import numpy as np
import pytest


def blob(shape, centre, radius, *, low=40, high=220):
    """A bright disc with soft edges on a dark ground, grey, uint8."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance = np.hypot(rows - centre[1], columns - centre[0])
    return (low + (high - low) * np.clip(radius + 0.5 - distance, 0, 1)).astype(np.uint8)


def face(noise, size=200, at=(60, 50), width=80):
    """A face as HOG sees one: brows, eyes, nose and mouth darker than an oval of skin."""
    rows, columns = np.mgrid[:size, :size].astype(float)
    x = (columns - at[0] - width / 2) / width
    y = (rows - at[1] - width / 2) / width
    picture = np.full((size, size), 90.0)

    def draw(cx, cy, rx, ry, value):
        inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2
        picture[:] += (value - picture) * np.clip(1.6 - 1.6 * inside, 0, 1)

    draw(0, -0.35, 0.62, 0.55, 50)  # hair
    draw(0, 0.05, 0.52, 0.70, 190)  # skin
    for side in (-1, 1):
        draw(side * 0.22, -0.24, 0.16, 0.045, 70)  # brow
        draw(side * 0.21, -0.11, 0.13, 0.07, 110)  # socket
        draw(side * 0.21, -0.11, 0.07, 0.045, 30)  # eye
    draw(0, 0.08, 0.05, 0.17, 205)  # bridge of the nose
    draw(0, 0.22, 0.12, 0.04, 110)  # its wings
    draw(0, 0.40, 0.21, 0.055, 80)  # mouth
    draw(0, 0.55, 0.15, 0.03, 150)  # chin
    picture += noise.normal(0, 2, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_the_hog_face_detector_finds_a_drawn_face(noise):
    detector = dlib.get_frontal_face_detector()
    found = detector(face(noise), 1)
    assert len(found) == 1, found
    assert abs(found[0].center().x - 100) < 20
    assert abs(found[0].center().y - 90) < 25
    assert not detector(np.full((200, 200), 90, np.uint8), 1)


def discs(noise, count):
    """Pictures of one disc on a rough ground, and the box around each."""
    images, boxes = [], []
    for _ in range(count):
        x, y = (int(one) for one in noise.integers(40, 120, 2))
        ground = noise.integers(0, 60, (160, 160), dtype=np.uint8)
        images.append(np.maximum(blob((160, 160), (x, y), 20), ground))
        boxes.append([dlib.rectangle(x - 28, y - 28, x + 28, y + 28)])
    return images, boxes


def test_a_trained_detector_finds_what_it_was_trained_for(noise):
    options = dlib.simple_object_detector_training_options()
    options.detection_window_size = 1600
    options.C = 5
    options.num_threads = 2
    detector = dlib.train_simple_object_detector(*discs(noise, 12), options)
    result = dlib.test_simple_object_detector(*discs(noise, 12), detector)
    assert result.recall >= 0.9
    assert result.precision >= 0.7
    assert not detector(np.full((160, 160), 40, np.uint8))


def test_a_trained_shape_predictor_finds_the_corners(noise, tmp_path):
    images, shapes = [], []
    for _ in range(12):
        left, top = (int(one) for one in noise.integers(20, 50, 2))
        side = int(noise.integers(40, 70))
        image = np.full((140, 140), 30, np.uint8)
        image[top : top + side, left : left + side] = 200
        corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
        box = dlib.rectangle(left - 8, top - 8, left + side + 8, top + side + 8)
        points = dlib.points([dlib.point(*one) for one in corners])
        images.append(image)
        shapes.append([dlib.full_object_detection(box, points)])
    options = dlib.shape_predictor_training_options()
    options.oversampling_amount = 20
    options.cascade_depth = 6
    options.tree_depth = 3
    options.num_threads = 2
    predictor = dlib.train_shape_predictor(images, shapes, options)
    assert dlib.test_shape_predictor(images, shapes, predictor) < 3  # pixels, on average
    predictor.save(str(tmp_path / "corners.dat"))
    again = dlib.shape_predictor(str(tmp_path / "corners.dat"))
    was, now = (one(images[0], shapes[0][0].rect) for one in (predictor, again))
    assert was.num_parts == now.num_parts == 4
    for part in range(4):
        assert (was.part(part).x, was.part(part).y) == (now.part(part).x, now.part(part).y)


def test_the_correlation_tracker_follows(noise):
    texture = noise.integers(0, 80, (200, 200), dtype=np.uint8)
    tracker = dlib.correlation_tracker()
    for step in range(8):
        x, y = 60 + 6 * step, 80 + 3 * step
        image = np.maximum(texture, blob((200, 200), (x, y), 18, low=0))
        if step == 0:
            tracker.start_track(image, dlib.rectangle(x - 20, y - 20, x + 20, y + 20))
        else:
            assert tracker.update(image) > 5  # peak to side lobe
    centre = tracker.get_position().center()
    assert abs(centre.x - x) < 5
    assert abs(centre.y - y) < 5


@pytest.mark.parametrize(("suffix", "most"), [("png", 0), ("bmp", 0), ("jpg", 12)])
def test_pictures_there_and_back(noise, tmp_path, suffix, most):
    rows, columns = np.mgrid[:48, :64]
    picture = np.stack([rows * 5, columns * 4, rows + columns], axis=-1).astype(np.uint8)
    path = str(tmp_path / f"picture.{suffix}")
    dlib.save_image(picture, path)
    again = dlib.load_rgb_image(path)
    assert again.shape == picture.shape
    assert np.abs(again.astype(int) - picture).max() <= most


def test_a_broken_picture_is_an_exception(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(RuntimeError, match="png"):
        dlib.load_rgb_image(str(path))


def test_linear_algebra_of_its_own(noise):
    """No BLAS, no LAPACK: dlib's own loops, against NumPy's."""
    first = noise.normal(size=(40, 3))
    second = first @ noise.normal(size=(3, 3))
    result = dlib.cca(_sparse(first), _sparse(second), 3)
    assert np.allclose(list(result.correlations), 1, atol=1e-3)


def _sparse(samples):
    vectors = dlib.sparse_vectors()
    for row in samples:
        vector = dlib.sparse_vector()
        for index, value in enumerate(row):
            vector.append(dlib.pair(index, float(value)))
        vectors.append(vector)
    return vectors


def test_a_function_is_minimised():
    def hill(x, y):
        return -((x - 0.3) ** 2) - (y + 0.2) ** 2

    at, value = dlib.find_max_global(hill, [-1.0, -1.0], [1.0, 1.0], 60)
    assert abs(at[0] - 0.3) < 0.02
    assert abs(at[1] + 0.2) < 0.02
    assert value > -0.001
