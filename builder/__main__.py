"""The program: runs the command line and turns expected errors into exit codes."""

from __future__ import annotations

import os
import signal
import sys

import click

from builder.cli.main import cli
from builder.errors import INTERRUPTED_EXIT_CODE, BuilderError
from index.errors import SiteError


def _stop(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run ``builder`` and exit with its status."""
    signal.signal(signal.SIGTERM, _stop)  # the same tidy end as Ctrl-C
    try:
        status = cli.main(prog_name="builder", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except (BuilderError, SiteError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
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


if __name__ == "__main__":
    main()
