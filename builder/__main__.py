"""The program: runs the command line and turns expected errors into exit codes.

What takes a while to import is imported below `main`'s handlers: Ctrl-C counts from the start.
"""

from __future__ import annotations

import sys

from builder.errors import (
    BROKEN_PIPE_EXIT_CODE,
    INTERRUPTED_EXIT_CODE,
    BuilderError,
    MachineError,
)
from index.errors import SiteError


def _stop(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run ``builder`` and exit with its status."""
    try:
        _hear_signals()
        sys.exit(_run())
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing half-made is kept; run the same command to go on\n")
        sys.exit(INTERRUPTED_EXIT_CODE)


def _hear_signals() -> None:
    import signal

    for sign in (signal.SIGTERM, signal.SIGHUP):  # the same tidy end as Ctrl-C
        if signal.getsignal(sign) is not signal.SIG_IGN:  # as `nohup` leaves it
            signal.signal(sign, _stop)


def _run() -> int:
    """The status of the command line, expected errors said."""
    import click

    from builder.disk import FULL

    try:
        return _command_line()
    except (BuilderError, SiteError) as error:
        return _fail(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise  # nothing a user can mend: a fault of ours, with its traceback
        return _fail(_trouble(error))


def _command_line() -> int:
    """The command line's own status."""
    from builder.cli.main import cli

    try:
        status = cli.main(prog_name="builder", standalone_mode=False)
    except SystemExit as end:
        # So click itself ends in this mode, and only where the reader went away (`plan | head`).
        # Whatever was under way was cut short: a pipeline must not take it for done.
        return BROKEN_PIPE_EXIT_CODE if end.code == 1 else int(end.code or 0)
    return status if isinstance(status, int) else 0


def _fail(error: BuilderError | SiteError) -> int:
    """Say it; its exit code."""
    import click

    click.echo(f"error: {error}", err=True)
    return error.exit_code


def _trouble(error: OSError) -> MachineError:
    """A file that cannot be read or written, wherever that came up."""
    from builder.disk import FULL, disk_full

    if error.errno in FULL:
        return disk_full(str(error))
    return MachineError(
        f"'{error.filename}': {error.strerror}",
        remedy="see to that file or folder (who may read and write it?), or name another one",
    )


if __name__ == "__main__":
    main()
