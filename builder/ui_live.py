"""The reporter for a terminal: bars that move, lines above them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Task as Bar
from rich.text import Text

from builder.ui import Task, amount


class _LiveTask:
    def __init__(self, progress: Progress, label: str, total: int | None) -> None:
        self.progress = progress
        self.label = label
        self.id = progress.add_task(label, total=total)

    def update(self, done: int, total: int | None = None, detail: str = "") -> None:
        label = f"{self.label}  {detail[:40]}" if detail else self.label
        if total is None:
            self.progress.update(self.id, completed=done, description=label)
        else:
            self.progress.update(self.id, completed=done, total=total, description=label)


class _Count(ProgressColumn):
    """``12 of 80 steps``, or ``12 steps`` while nobody knows how many there will be."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Bar) -> Text:
        """The count of one bar."""
        total = None if task.total is None else int(task.total)
        return Text(amount(int(task.completed), total, self.unit))


class Live:
    """Bars on a terminal."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr)  # that of now, see `builder.ui.Plain`

    def say(self, text: str) -> None:
        """Print the line above any bar."""
        self.console.print(text, markup=False, highlight=False)

    def warn(self, text: str) -> None:
        """Print the line in yellow above any bar."""
        self.console.print(f"warning: {text}", style="yellow", markup=False, highlight=False)

    @contextlib.contextmanager
    def task(self, label: str, *, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """A bar that goes away when the work is done."""
        count = DownloadColumn() if unit == "bytes" else _Count(unit)
        progress = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(),
            count,
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        with progress:
            yield _LiveTask(progress, label, total)
