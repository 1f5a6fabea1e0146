"""Training a detector: Darknet's own program in a process of its own, followed from here.

A process of its own, as training keeps Darknet's global state for hours: the caller's memory and
networks are out of its reach, threads may each train, and what ends it is an exception here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from darknet._data.progress import duration
from darknet._paths import PROGRAM, find_file
from darknet._program import environment
from darknet._training_events import Progress, Story, Trained

if TYPE_CHECKING:
    PathName = str | os.PathLike[str]

Watcher = Callable[[Progress], bool | None]
_STOPPED = (129, 130, 141, 143)
"""Statuses with which the program ends at a signal, its weights written."""
_SHOWN_EVERY = 0.5
_KEPT_LINES = 200


class TrainingError(RuntimeError):
    """Training ended early; the message is Darknet's own, and says what to go on from."""


def train(
    data: PathName,
    cfg: PathName,
    weights: PathName | None = None,
    *,
    clear: bool = False,
    on_progress: Watcher | None = None,
    seed: int | None = None,
    loaders: int | None = None,
    save_minutes: float = 10,
    measure: bool | int = False,
    keep_momentum: bool = True,
    device: str | int | None = None,
    show: bool = True,
    verbose: bool = False,
) -> Trained:
    """Train a detector, as ``darknet detector train`` does, until ``max_batches`` of its .cfg.

    In the folder ``backup`` of the .data file there are, always whole, ``BASE_last.weights`` (each
    100 iterations, each `save_minutes`, and whenever training stops), ``BASE_N.weights``,
    ``BASE_final.weights``, ``BASE_loss.csv`` and ``BASE_loss.png``; BASE is the name of the .cfg.
    Given ``BASE_last.weights``, training goes on where it stopped; with ``BASE_last.state``, the
    momentum that belongs to them, exactly so.

    Ctrl-C finishes the iteration, writes the weights and raises ``KeyboardInterrupt``; a second
    one ends it at once. If this process dies, training writes its weights and ends.

    Args:
        data: The .data file: ``train``, ``classes``, ``names`` and ``backup``. Relative paths count
            from the current folder.
        cfg: The network.
        weights: What to start from: weights of its first layers, or those of an earlier training.
        clear: Start at iteration 0 whatever the weights say.
        on_progress: Called after each iteration; training stops where it gives back False. What
            it raises is raised here, once the weights are written.
        seed: The same seed, on the CPU, makes the same weights, and the same pictures after a
            stop; None is another each time.
        loaders: Threads that read pictures; None is Darknet's number, 64.
        save_minutes: Between two times that ``BASE_last.weights`` is written.
        measure: Take the mean average precision of the pictures that the .data file's list
            ``valid`` names, and keep the best weights as ``BASE_best.weights``: True is every four
            times through the training pictures, though not before ``burn_in`` nor more often than
            each 100 iterations; a number is every so many iterations. At the end in any case.
        keep_momentum: Write ``BASE_last.state`` beside ``BASE_last.weights``, and go on with it;
            it is as large as the weights.
        device: ``cpu`` or the number of a GPU; None is what ``DARKNET_DEVICE`` says.
        show: Write one line with the progress, again and again, to ``sys.stdout``.
        verbose: Write all that the program says there instead.

    Returns:
        How far it got, and where everything is.

    Raises:
        FileNotFoundError: a file is not there.
        TrainingError: Darknet refuses a file or fails, and says why; or it was killed.
        ValueError: a number is out of its range.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    if not save_minutes > 0:
        raise ValueError(f"save_minutes is {save_minutes}: a number above 0 is needed")
    command = [
        *_command(data, cfg, weights),
        *_option("seed", seed, 0),
        *_option("loaders", loaders, 1),
        *_map_options(measure),
        *([] if keep_momentum else ["-no_state"]),
        *(["-clear"] if clear else []),
        *(["-verbose"] if verbose else []),
    ]
    variables = {"DARKNET_SAVE_MINUTES": repr(float(save_minutes))}
    if device is not None:
        variables["DARKNET_DEVICE"] = str(device)
    run = _Run(command, variables, echo=verbose)
    story = Story()
    _follow(run, story, on_progress, _Line() if show and not verbose else None)
    status = run.wait()
    if story.begun and (status == 0 or status in _STOPPED):
        return story.summary(finished=status == 0)
    raise TrainingError(_why(status, run.said, story))


def _follow(run: _Run, story: Story, on_progress: Watcher | None, line: _Line | None) -> None:
    """Take the events in until there are no more; what is raised meanwhile stops training first."""
    try:
        for event in run.events:
            progress = story.take(event)
            if progress is None:
                continue
            if line is not None:
                line(progress)
            if on_progress is not None and on_progress(progress) is False:
                run.stop()
    except BaseException:
        run.give_up()
        raise
    finally:
        if line is not None:
            line.close()


def _command(data: PathName, cfg: PathName, weights: PathName | None) -> list[str]:
    files = [data, cfg] if weights is None else [data, cfg, weights]
    return [str(PROGRAM), "detector", "train", *(os.fsdecode(find_file(f)) for f in files)]


def _option(name: str, value: int | None, least: int) -> list[str]:
    if value is None:
        return []
    if value < least:
        raise ValueError(f"{name} is {value}: a number from {least} is needed")
    return [f"-{name}", str(value)]


def _map_options(measure: bool | int) -> list[str]:
    if isinstance(measure, bool):
        return ["-map"] if measure else []
    if measure < 1:
        raise ValueError(f"measure is {measure}: True, False or iterations, 1 at least")
    return ["-map_every", str(measure)]


class _Run:
    """The program, its events, and the last of what it says."""

    def __init__(self, command: list[str], variables: dict[str, str], *, echo: bool) -> None:
        reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*command, "-report", str(writing)],
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment({**os.environ, **variables}),
                start_new_session=True,  # Ctrl-C is for this process, which passes it on once
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._asked = False
        self.events = os.fdopen(reading, encoding="utf-8", errors="surrogateescape")
        self.said: deque[str] = deque(maxlen=_KEPT_LINES)
        assert self._process.stdout is not None
        self._listener = threading.Thread(
            target=self._listen, args=(self._process.stdout, echo), daemon=True
        )
        self._listener.start()

    def stop(self) -> None:
        """Ask it to write its weights and end; its events go on until then."""
        if not self._asked:  # a second signal would end it at once
            self._asked = True
            self._process.terminate()

    def give_up(self) -> None:
        """Stop it and wait; kill it where that is interrupted."""
        try:
            self.stop()
            for _ in self.events:
                pass
            self.wait()
        except BaseException:
            self._process.kill()
            self.wait()
            raise

    def wait(self) -> int:
        """Its exit status, below 0 where a signal killed it."""
        self.events.close()
        status = self._process.wait()
        self._listener.join()
        return status

    def _listen(self, output: IO[bytes], echo: bool) -> None:
        with output:
            for raw in output:
                line = raw.decode("utf-8", "replace").rstrip()
                self.said.append(line)
                if echo:
                    sys.stdout.write(line + "\n")


class _Line:
    """One line on standard output that is written again and again."""

    def __init__(self) -> None:
        self._next = 0.0
        self._text = ""
        self._shown = 0

    def __call__(self, progress: Progress) -> None:
        left = progress.iterations - progress.iteration
        each = progress.loading + progress.computing
        self._text = (
            f"{progress.iteration} of {progress.iterations}: loss {progress.loss:.4g}, "
            f"average {progress.average_loss:.4g}, rate {progress.learning_rate:.3g}, "
            f"{each:.2f} s each, {duration(left * each)} left"
        )
        if progress.mean_average_precision is not None:
            self._text += f", mAP {progress.mean_average_precision:.1%}"
        if time.monotonic() >= self._next:
            self._write()

    def close(self) -> None:
        if self._text:
            self._write()
            sys.stdout.write("\n")
            sys.stdout.flush()

    def _write(self) -> None:
        sys.stdout.write("\r" + self._text.ljust(self._shown))
        sys.stdout.flush()
        self._shown = len(self._text)
        self._next = time.monotonic() + _SHOWN_EVERY


def _why(status: int, said: deque[str], story: Story) -> str:
    mark = "darknet: "
    words = [line.removeprefix(mark) for line in said if line.startswith(mark)]
    if status < 0:
        message = f"Darknet was killed by signal {-status}"
        if status == -9:
            message += ": out of memory? A smaller batch, or more subdivisions, needs less"
    elif words:
        message = words[-1]
    else:
        message = " | ".join(list(said)[-3:]) or "Darknet said nothing"
        message = f"exit code {status}: {message}"
    if story.unsaved:
        message += f"; {story.unsaved}"
    if story.weights is not None:
        message += f"; go on from {_shown(story.weights)}"
    return message


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
