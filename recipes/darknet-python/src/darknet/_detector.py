"""``darknet detector map`` and ``calc_anchors``, which upstream's program does not have."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from darknet._data.text import DataError

VERBS = ("map", "calc_anchors")


def main(arguments: Sequence[str]) -> int:
    """Run a verb: 0 fine, 1 something is wrong, 2 a wrong command line, 130 stopped."""
    given = _parser().parse_args(list(arguments))
    if given.nogpu or given.i is not None:
        os.environ["DARKNET_DEVICE"] = "cpu" if given.nogpu else str(given.i)
    try:
        text = _map(given) if given.verb == "map" else _anchors(given)
    except (OSError, ValueError, ImportError, DataError) as error:
        sys.stderr.write(f"darknet: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(text)
    return 0


def _map(given: argparse.Namespace) -> str:
    from darknet._evaluate import evaluate

    done = evaluate(
        given.data,
        given.cfg,
        given.weights,
        threshold=given.thresh,
        iou=given.iou_thresh,
        points=given.points,
    )
    for one in done.skipped:
        sys.stderr.write(f"darknet: left out: {one.reason}\n")
    lines = [
        f"class_id = {number}, name = {one.label}, ap = {100 * one.average_precision:.2f}%"
        f"\t(TP = {one.true_positives}, FP = {one.false_positives})"
        for number, one in enumerate(done.classes)
    ]
    found = sum(one.true_positives for one in done.classes)
    wrong = sum(one.false_positives for one in done.classes)
    objects = sum(one.objects for one in done.classes)
    lines += [
        "",
        f"for conf_thresh = {done.threshold:.2f}, precision = {done.precision:.2f}, "
        f"recall = {done.recall:.2f}, F1-score = {done.f1:.2f}",
        f"for conf_thresh = {done.threshold:.2f}, TP = {found}, FP = {wrong}, "
        f"FN = {objects - found}, average IoU = {100 * done.mean_iou:.2f} %",
        "",
        f"mean average precision (mAP@{done.iou:.2f}) = {done.mean_average_precision:.6f}, "
        f"or {100 * done.mean_average_precision:.2f} %, over {done.pictures} pictures",
    ]
    return "\n".join(lines) + "\n"


def _anchors(given: argparse.Namespace) -> str:
    from darknet._anchors import find_anchors

    found = find_anchors(given.data, given.num_of_clusters, given.width, given.height)
    return (
        f"# {found.boxes} boxes, average IoU {100 * found.mean_iou:.2f} %, "
        f"for width={given.width}, height={given.height}\nanchors = {found}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("darknet detector", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    score = verbs.add_parser(
        "map",
        allow_abbrev=False,
        help="mean average precision over the pictures of `valid`",
        description="Compare what a network finds in the pictures of `valid` with their labels.",
        epilog='example: darknet detector map obj.data my.cfg "backup/my_final.weights"',
    )
    score.add_argument("data", type=Path, metavar="DATA", help="the .data file")
    score.add_argument("cfg", metavar="CFG", help="the network")
    score.add_argument("weights", metavar="WEIGHTS", help="what it has learnt")
    score.add_argument(
        "-thresh", type=_part, default=0.25, help="certainty from which detections are counted"
    )
    score.add_argument(
        "-iou_thresh", type=_part, default=0.5, help="overlap from which one is right"
    )
    score.add_argument(
        "-points",
        type=int,
        choices=(0, 11, 101),
        default=0,
        help="0: the exact area; 11: PASCAL VOC 2007; 101: COCO",
    )
    anchors = verbs.add_parser(
        "calc_anchors",
        allow_abbrev=False,
        help="anchors that fit the pictures of `train`",
        description="Print anchors for the [yolo] sections of a .cfg, the smallest first.",
        epilog="example: darknet detector calc_anchors obj.data -num_of_clusters 9 "
        "-width 416 -height 416",
    )
    anchors.add_argument("data", type=Path, metavar="DATA", help="the .data file")
    anchors.add_argument("-num_of_clusters", type=int, default=9, metavar="N")
    anchors.add_argument("-width", type=int, default=416, help="of the network's input")
    anchors.add_argument("-height", type=int, default=416, help="the same")
    for verb in (score, anchors):
        device = verb.add_mutually_exclusive_group()
        device.add_argument("-nogpu", action="store_true", help="compute on the CPU")
        device.add_argument("-i", type=int, metavar="GPU", help="the number of the GPU")
    return parser


def _part(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("a number between 0 and 1 is needed")
    return value
