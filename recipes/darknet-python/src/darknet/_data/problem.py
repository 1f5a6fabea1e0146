"""What `darknet data check` finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        severity: ``error`` stops a training or spoils it; ``warning`` may be meant.
        kind: A short name that stays the same, for scripts: ``picture-missing``.
        file: Where it stands, as the user wrote or would write it.
        line: The line in that file, from 1; None where it is about the whole file.
        message: What is wrong.
        hint: What to do, or nothing.
    """

    severity: Severity
    kind: str
    file: str
    line: int | None = None
    message: str
    hint: str = ""

    @staticmethod
    def error(file: str, line: int | None, kind: str, message: str, hint: str = "") -> Problem:
        """A problem that stops a training or spoils it."""
        return Problem(
            severity="error", kind=kind, file=file, line=line, message=message, hint=hint
        )

    @staticmethod
    def warning(file: str, line: int | None, kind: str, message: str, hint: str = "") -> Problem:
        """A problem that may be meant."""
        return Problem(
            severity="warning", kind=kind, file=file, line=line, message=message, hint=hint
        )

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.severity}: {self.message}" + (f"; {self.hint}" if self.hint else "")


@dataclass(slots=True, kw_only=True)
class Report:
    """All of it.

    Attributes:
        data: The ``.data`` file that was checked.
        problems: In the order of the files and their lines.
        pictures: Lines with a picture, by list (``train``, ``valid``).
        boxes: Boxes by class number, of the training pictures.
        names: The classes' names, as far as they are known.
        decoded: Whether every picture was decoded, not only its header read.
    """

    data: str
    problems: list[Problem] = field(default_factory=list)
    pictures: dict[str, int] = field(default_factory=dict)
    boxes: dict[int, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    decoded: bool = False

    def count(self, severity: Severity) -> int:
        """How many problems are of this severity."""
        return sum(problem.severity == severity for problem in self.problems)

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.count("error")
