"""Reading a build's output: ninja's own counts, and the lines that say why it failed."""

from __future__ import annotations

import re

NINJA_STEP = re.compile(r"\[(\d+)/(\d+)\] (.*)")
STOPPED = "ninja: build stopped"
CMAKE_ERROR = "CMake Error"
LINES = 20
STATUS = re.compile(r"error|undefined reference|No such file|cannot find|not found", re.IGNORECASE)


def ninja_step(line: str) -> tuple[int, int, str] | None:
    """``[12/784] Building CXX object …`` → (12, 784, the last word's file name), else None."""
    match = NINJA_STEP.match(line)
    if match is None:
        return None
    done, total, what = int(match[1]), int(match[2]), match[3].strip()
    if total == 0 or done > total:
        return None
    return done, total, what.rsplit("/", 1)[-1] if " " in what or "/" in what else what


def failure(output: str, *, lines: int = LINES) -> str:
    """The last lines of the command that failed, at most ``lines`` of them.

    Of a ninja build, that is the first failed step's block (later steps may have gone on); of a
    configure step, from CMake's first error on; else the end of the output.
    """
    all_lines = output.splitlines()
    block = ninja_failure(all_lines) or cmake_failure(all_lines) or all_lines
    if len(block) <= lines:
        return "\n".join(block)
    first_error = next((i for i, line in enumerate(block) if STATUS.search(line)), None)
    if block[0].startswith("FAILED:"):
        # The command itself is one very long line; what was printed about it is what helps.
        start = max(1, min(first_error or 1, len(block) - lines + 1))
        return "\n".join([block[0], *block[start : start + lines - 1]])
    return "\n".join(block[:lines] if block[0].startswith(CMAKE_ERROR) else block[-lines:])


def ninja_failure(lines: list[str]) -> list[str]:
    """The lines of the first failed step."""
    start = next((i for i, line in enumerate(lines) if line.startswith("FAILED:")), None)
    if start is None:
        return []
    block: list[str] = []
    for line in lines[start:]:
        if block and (NINJA_STEP.match(line) or line.startswith((STOPPED, "FAILED:"))):
            break
        block.append(line)
    return block


def cmake_failure(lines: list[str]) -> list[str]:
    """The lines from CMake's first error on."""
    start = next((i for i, line in enumerate(lines) if line.startswith(CMAKE_ERROR)), None)
    return [] if start is None else lines[start:]
