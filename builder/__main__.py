"""The program: runs the command line and turns expected errors into exit codes."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

import click

from builder.cli.main import cli
from builder.disk import FULL, disk_full
from builder.errors import INTERRUPTED_EXIT_CODE, BuilderError, MachineError
from index.errors import SiteError


def _stop(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run ``builder`` and exit with its status."""
    for sign in (signal.SIGTERM, signal.SIGHUP):  # the same tidy end as Ctrl-C
        if signal.getsignal(sign) is not signal.SIG_IGN:  # as `nohup` leaves it
            signal.signal(sign, _stop)
    try:
        status = cli.main(prog_name="builder", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except (BuilderError, SiteError) as error:
        _fail(error)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "interrupted: nothing half-made is kept; run the same command to go on", err=True
        )
        sys.exit(INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:
        # The reader went away (`builder plan | head`); that is not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise  # nothing a user can mend: a fault of ours, with its traceback
        _fail(_trouble(error))


def _fail(error: BuilderError | SiteError) -> NoReturn:
    click.echo(f"error: {error}", err=True)
    sys.exit(error.exit_code)


def _trouble(error: OSError) -> MachineError:
    """A file that cannot be read or written, wherever that came up."""
    if error.errno in FULL:
        return disk_full(str(error))
    return MachineError(
        f"'{error.filename}': {error.strerror}",
        remedy="see to that file or folder (who may read and write it?), or name another one",
    )


if __name__ == "__main__":
    main()
