"""The verbs of ``darknet data``."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from darknet._data.check import Options, check_data
from darknet._data.decoder import Decoder
from darknet._data.localise import Local, localise
from darknet._data.progress import size
from darknet._data.report import SCHEMA, as_json, as_text
from darknet._data.text import DataError

_LINES = 50
_JOBS = 16
_INTERRUPTED = 130
_CFG = "YOUR.cfg"


def main(arguments: Sequence[str]) -> int:
    """Run a verb: 0 fine, 1 something is wrong, 2 a wrong command line, 130 stopped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    given = _parser().parse_args(list(arguments))
    try:
        return _check(given) if given.verb == "check" else _localise(given)
    except DataError as error:
        sys.stderr.write(f"darknet data: {error}\n")
        return 1
    except KeyboardInterrupt:
        hint = "; the same command goes on from here" if given.verb != "check" else ""
        sys.stderr.write(f"darknet data: stopped{hint}\n")
        return _INTERRUPTED


def _check(given: argparse.Namespace) -> int:
    options = Options(cfg=given.cfg, open_pictures=not given.skip_pictures, jobs=given.jobs)
    if given.decode:
        with Decoder() as decode:
            options = Options(cfg=given.cfg, decode=decode, jobs=given.jobs)
            report = check_data(given.data, options)
    else:
        report = check_data(given.data, options)
    limit = None if given.all else given.lines
    sys.stdout.write(as_json(report) if given.json else as_text(report, limit))
    return 0 if report.ok else 1


def _localise(given: argparse.Namespace) -> int:
    local = localise(
        given.data,
        given.to,
        cfg=given.cfg,
        weights=given.weights,
        anew=given.anew,
        jobs=given.jobs,
        skip_missing=given.skip_missing,
    )
    sys.stdout.write(_local_json(local) if given.json else _local_text(local, given.weights))
    return 0


def _local_text(local: Local, given: str | None) -> str:
    done, plan = local.done, local.plan
    lines = [
        f"{plan.data}: {done.copied:,} files copied ({size(done.bytes)}), "
        f"{done.kept:,} were there already"
    ]
    if plan.missing:
        lines.append(f"pictures left out, as files are missing: {len(plan.missing):,}")
    lines.append(f"weights go to {plan.backup}")
    if not plan.backup.is_dir():
        lines.append(f"which is not there yet: mkdir -p {shlex.quote(str(plan.backup))}")
    lines.append(_start_text(local, given))
    return "\n".join([*lines, "go on with:", "  " + shlex.join(local.command)]) + "\n"


def _start_text(local: Local, given: str | None) -> str:
    if local.weights is None:
        return "training starts from random weights"
    if not local.left:
        return f"training starts from {local.weights}"
    text = f"training goes on from {local.weights}, which it left behind"
    if given not in (None, "", local.weights):
        text += f", and not from {given}; --anew starts from that"
    return text


def _local_json(local: Local) -> str:
    done, plan = local.done, local.plan
    content = {
        "schema_version": SCHEMA,
        "data": str(plan.data),
        "backup": str(plan.backup),
        "copied": done.copied,
        "bytes": done.bytes,
        "kept": done.kept,
        "missing": list(plan.missing),
        "weights": local.weights,
        "goes_on": local.left,
        "command": list(local.command),
    }
    return json.dumps(content, indent=2) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("darknet data", description="Look after a data set.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = verbs.add_parser(
        "check",
        help="find what is wrong with it before training does",
        description="Find missing pictures, labels out of range, wrong paths and the like. "
        "Relative paths count from the current folder, as they do for Darknet.",
    )
    check.add_argument("data", type=Path, metavar="DATA", help="the .data file")
    check.add_argument("--cfg", type=Path, help="the .cfg that it is to be trained with")
    how = check.add_mutually_exclusive_group()
    how.add_argument("--decode", action="store_true", help="decode every picture (slower)")
    how.add_argument("--skip-pictures", action="store_true", help="open no picture (faster)")
    check.add_argument("--all", action="store_true", help="show every problem")
    check.add_argument(
        "--lines",
        type=_positive,
        default=_LINES,
        metavar="N",
        help=f"show N lines at most (default: {_LINES})",
    )
    copy = verbs.add_parser(
        "localise",
        aliases=["localize"],
        help="copy it to the local disk, as Drive is slow",
        description="Copy pictures, labels, lists and names to a folder, in parallel. What is "
        "there already is kept, so the command can be stopped and given again. The backup folder "
        "stays where it is.",
    )
    copy.add_argument("data", type=Path, metavar="DATA", help="the .data file")
    copy.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where to copy to")
    copy.add_argument("--cfg", default=_CFG, help="the .cfg, for the command that is shown")
    copy.add_argument(
        "--weights",
        help="the weights to start from, for the same; those that training left in the backup "
        "folder (..._last.weights) come first",
    )
    copy.add_argument(
        "--anew", action="store_true", help="start from --weights, whatever training left"
    )
    copy.add_argument(
        "--skip-missing",
        action="store_true",
        help="leave out pictures that are not there or have no label file",
    )
    for verb in (check, copy):
        verb.add_argument(
            "--jobs",
            type=_positive,
            default=_JOBS,
            metavar="N",
            help=f"files at once (default: {_JOBS})",
        )
        verb.add_argument("--json", action="store_true", help="print JSON instead")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number above 0 is needed")
    return number
