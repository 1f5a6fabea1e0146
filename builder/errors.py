"""Every error the builder raises on purpose, each kind with its own exit code."""

from __future__ import annotations


class BuilderError(Exception):
    """Root of all expected errors.

    Args:
        message: What went wrong and where (file, key path, URL, command).
        remedy: What the user can do about it; shown on its own line.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message}\n  try: {self.remedy}"


class UsageError(BuilderError):
    """The command line asks for something that makes no sense (unknown target, bad selector)."""

    exit_code = 2


class RecipeError(BuilderError):
    """A recipe, target table or pin file is wrong."""

    exit_code = 3


class PlanError(BuilderError):
    """What was asked for is impossible or refused (architecture unknown to a CUDA, changed key)."""

    exit_code = 4


class FetchError(BuilderError):
    """A source could not be had whole and with the right hash."""

    exit_code = 5


class ToolchainError(BuilderError):
    """A toolchain could not be put together, or is damaged."""

    exit_code = 6


class CompileError(BuilderError):
    """The compilation failed; the message carries the last lines and the log's path."""

    exit_code = 7


class CheckError(BuilderError):
    """A finished wheel breaks a promise (tag, libraries, machine code, paths, size)."""

    exit_code = 8


class VerifyError(BuilderError):
    """A finished wheel failed in a clean environment, or could not be tried where required."""

    exit_code = 9


class MachineError(BuilderError):
    """This machine lacks something: disk, a kernel feature, a program."""

    exit_code = 10


INTERRUPTED_EXIT_CODE = 130
BROKEN_PIPE_EXIT_CODE = 141
"""Whoever read the output went away; as a shell says it of a program that SIGPIPE ended."""
