"""``darknet detector demo`` on a video: OpenCV reads and writes it, where Python has one.

The program itself has no OpenCV; it does folders of frames.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from darknet._data.progress import Progress
from darknet._streams import INTERRUPTED
from darknet._video import Reader, VideoError, Writer

if TYPE_CHECKING:
    from darknet._detections import Detection
    from darknet._video import Frame

NO_OPENCV = (
    "demo reads and writes videos with OpenCV, and Python has none here: pip install "
    "opencv-python-headless (or our opencv-cuda). Without it: ffmpeg -i VIDEO frames/%06d.jpg, and "
    "the folder frames instead of VIDEO"
)
FOR_FRAMES = ("-hier", "-avg", "-w", "-h", "-fps", "-c")
"""Options of the program's own demo that nothing is done with here."""
_COLOURS = ((0, 200, 255), (80, 220, 80), (255, 120, 60), (200, 80, 240), (60, 80, 240))
"""Blue, green, red, as OpenCV has them."""


def main(arguments: Sequence[str]) -> int | None:
    """Find objects in a video: 0, or a status of a failure; None where it is a folder of frames."""
    parser = _parser()
    given, unknown = parser.parse_known_args(list(arguments))
    if given.source is None:
        parser.error("a video or a folder of frames is missing (no camera is looked into)")
    if Path(given.source).is_dir():
        return None
    unknown += [name for name in FOR_FRAMES if vars(given)[name[1:]] is not None]
    if unknown:
        parser.error(f"not with a video: {' '.join(unknown)}")
    if not given.out_filename and not given.prefix:
        given.out_filename = "demo.mp4"
    if given.nogpu or given.i is not None:
        os.environ["DARKNET_DEVICE"] = "cpu" if given.nogpu else str(given.i)
    try:
        frames, objects = _demo(given)
    except (OSError, ValueError, ImportError, VideoError) as error:
        sys.stderr.write(f"darknet: {error}\n")
        return 1
    where = given.out_filename or f"{given.prefix}_00000000.jpg and so on"
    sys.stdout.write(f"{frames:,} frames with {objects:,} objects, drawn into {where}\n")
    return INTERRUPTED if given.interrupted else 0


def _demo(given: argparse.Namespace) -> tuple[int, int]:
    """How many frames were looked at, and how many objects are in them."""
    from darknet._network import Network

    try:
        cv2 = import_module("cv2")
    except ImportError:
        raise VideoError(NO_OPENCV) from None
    path = Path(given.out_filename) if given.out_filename else None
    frames = objects = 0
    with (
        Network(given.cfg, given.weights, names=given.data) as network,
        Reader(cv2, given.source, given.s) as reader,
        Writer(cv2, prefix=given.prefix, path=path, rate=reader.rate) as writer,
    ):
        shown, looked_at = itertools.tee(reader)  # a few frames are read ahead
        found_in = network.detect_many(looked_at, given.thresh, order="bgr")
        progress = Progress("frames", reader.total)
        try:
            for frame, found in zip(shown, found_in, strict=True):
                writer.write(_drawn(cv2, frame, found))
                frames, objects = frames + 1, objects + len(found)
                if given.ext_output:
                    _say(frames, found)
                progress.add()
        except KeyboardInterrupt:
            given.interrupted = True
        finally:
            progress.close()
        if not frames:
            raise VideoError(f"{given.source} has no frame that OpenCV can read: is it a video?")
    return frames, objects


def _drawn(cv2: ModuleType, frame: Frame, found: Sequence[Detection]) -> Frame:
    """The frame, with a box and a label for each object."""
    thick = max(1, round(min(frame.shape[:2]) / 200))
    for one in found:
        left, top, right, bottom = (round(value) for value in one.box)
        colour = _COLOURS[one.class_id % len(_COLOURS)]
        cv2.rectangle(frame, (left, top), (right, bottom), colour, thick)
        text, above = f"{one.label} {one.confidence:.0%}", (left, max(top - 3, 10 * thick))
        cv2.putText(frame, text, above, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thick, colour, thick)
    return frame


def _say(number: int, found: Sequence[Detection]) -> None:
    for one in found:
        left, top, right, bottom = (round(value) for value in one.box)
        sys.stdout.write(
            f"{number}: {one.label}: {one.confidence:.0%} (left_x: {left} top_y: {top} "
            f"width: {right - left} height: {bottom - top})\n"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("darknet detector demo", allow_abbrev=False, add_help=False)
    parser.add_argument("data", metavar="DATA", help="the .data file")
    parser.add_argument("cfg", metavar="CFG", help="the network")
    parser.add_argument("weights", metavar="WEIGHTS", help="what it has learnt")
    parser.add_argument("source", nargs="?", metavar="VIDEO", help="a file or an address")
    parser.add_argument("-thresh", type=float, default=0.5)
    parser.add_argument("-out_filename", metavar="VIDEO", help="what to write (demo.mp4)")
    parser.add_argument("-prefix", metavar="NAME", help="write NAME_00000000.jpg and so on")
    parser.add_argument("-s", type=_frames, default=0, metavar="FRAMES")
    parser.add_argument("-ext_output", action="store_true")
    parser.add_argument("-nogpu", action="store_true")
    parser.add_argument("-i", type=int, metavar="GPU")
    parser.add_argument("-fullscreen", action="store_true", help=argparse.SUPPRESS)
    for name in FOR_FRAMES:
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.set_defaults(interrupted=False)
    return parser


def _frames(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("a number of frames to leave out is needed, 0 at least")
    return number
