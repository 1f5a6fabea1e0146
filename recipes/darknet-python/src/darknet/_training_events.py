"""What ``darknet detector train`` says of itself while it runs, as typed events."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far training is, after an iteration.

    Attributes:
        iteration: Counted from 1, over all runs since the weights began; one is ``batch`` pictures.
        iterations: The last there will be: ``max_batches`` of the .cfg.
        loss: Of this iteration, summed over the network's outputs and averaged over its pictures.
        average_loss: Nine parts of what it was before and one of `loss`.
        learning_rate: Of the next iteration.
        images: Pictures trained with, over all runs.
        seconds: Time of training, over all runs of which the table of losses knows.
        loading: Seconds of this iteration in which the network waited for pictures.
        computing: Seconds of this iteration in which it learnt.
        mean_average_precision: The one taken last, from 0 to 1, of an iteration before this; None
            where none was.
    """

    iteration: int
    iterations: int
    loss: float
    average_loss: float
    learning_rate: float
    images: int
    seconds: float
    loading: float
    computing: float
    mean_average_precision: float | None = None


@dataclass(frozen=True)
class Precision:
    """How well weights find what is in the pictures of the list ``valid``.

    Attributes:
        mean_average_precision: From 0 to 1.
        iteration: The weights are those after it.
    """

    mean_average_precision: float
    iteration: int


@dataclass(frozen=True)
class Skipped:
    """A picture that is left out, and why."""

    file: Path
    reason: str


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        finished: Whether it reached ``max_batches``; otherwise it was stopped, and goes on from
            `weights`.
        last: How far it got; None where there was nothing left to do.
        weights: The weights written last to go on from; None where none were.
        table: ``BASE_loss.csv`` in the backup folder: a line for each iteration.
        chart: ``BASE_loss.png`` beside it.
        skipped: Pictures that were left out.
        precision: The mean average precision that was taken last; None where none was.
        best: The best, over all runs of which the table knows; the weights are
            ``BASE_best.weights`` in the backup folder.
    """

    finished: bool
    last: Progress | None
    weights: Path | None
    table: Path
    chart: Path
    skipped: tuple[Skipped, ...]
    precision: Precision | None = None
    best: Precision | None = None


class Story:
    """Takes the events in, one line after another, and knows what they add up to."""

    def __init__(self) -> None:
        self.last: Progress | None = None
        self.weights: Path | None = None
        self.table: Path | None = None
        self.chart: Path | None = None
        self.unsaved = ""
        self.precision: Precision | None = None
        self.best: Precision | None = None
        self._iterations = 0
        self._skipped: list[Skipped] = []

    def take(self, line: str) -> Progress | None:
        """One event; how far training is, where it tells that."""
        event: dict[str, Any] = json.loads(line)
        kind = event["event"]
        if kind == "iteration":
            self.last = self._progress(event)
            return self.last
        if kind == "start":
            self._iterations = int(event["iterations"])
            self.table, self.chart = Path(event["table"]), Path(event["chart"])
            self._take_precision(event)
        elif kind == "map":
            self._take_precision(event)
        elif kind == "saved":
            self.weights, self.unsaved = Path(event["file"]), ""
        elif kind == "unsaved":
            self.unsaved = f"{event['file']}: {event['reason']}"
        elif kind == "skipped":
            self._skipped.append(Skipped(Path(event["file"]), event["reason"]))
        return None

    @property
    def begun(self) -> bool:
        """Whether files were read and training has started."""
        return self.table is not None

    def summary(self, *, finished: bool) -> Trained:
        """All of it; training must have begun, so that the places of table and chart are known."""
        assert self.table is not None
        assert self.chart is not None
        return Trained(
            finished=finished,
            last=self.last,
            weights=self.weights,
            table=self.table,
            chart=self.chart,
            skipped=tuple(self._skipped),
            precision=self.precision,
            best=self.best,
        )

    def _take_precision(self, event: dict[str, Any]) -> None:
        if "map" not in event:
            return
        self.precision = Precision(float(event["map"]), int(event["map_iteration"]))
        if event["best"]:
            self.best = Precision(float(event["best"]), int(event["best_iteration"]))

    def _progress(self, event: dict[str, Any]) -> Progress:
        def number(key: str) -> float:
            value = event[key]
            return math.nan if value is None else float(value)

        known = self.precision
        return Progress(
            iteration=int(event["iteration"]),
            iterations=self._iterations,
            loss=number("loss"),
            average_loss=number("average"),
            learning_rate=number("rate"),
            images=int(event["images"]),
            seconds=number("seconds"),
            loading=number("loading"),
            computing=number("computing"),
            mean_average_precision=known.mean_average_precision if known else None,
        )
