"""``builder index serve``: a site as a web server would give it, for real installers to try."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings
from builder.cli.index.common import must_be_site, site_argument

if TYPE_CHECKING:
    from index.serve import Server
    from index.serve.answer import Answer

EPILOG = """\b
Examples:
  builder index serve site
  builder index serve site --port 0 --open
"""


@click.command(epilog=EPILOG)
@site_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the site in a browser.")
@click.option("-q", "--quiet", is_flag=True, help="Do not show requests.")
@click.pass_obj
def command(settings: Settings, site: Path, port: int, open_browser: bool, quiet: bool) -> None:
    """Serve SITE on loopback until Ctrl-C, and print the lines to paste.

    Simple pages come as HTML or as JSON, as the installer asks; wheels in a folder beside the site
    are served where its pages link to them. Every request is shown.
    """
    from index.serve.preview import roots_of

    if not roots_of(site):
        raise click.UsageError(
            f"'{site}' has no index yet; `builder index build --dist dist --site {site}` makes it"
        )
    must_be_site(site)  # any folder may have pages: its other files are nobody's to see

    def said(answer: Answer) -> None:
        if not quiet:
            settings.reporter.say(describe(answer))

    try:
        with _server(site, port, said) as server:
            _greet(site, server.url)
            if open_browser:
                click.launch(f"{server.url}/")
            threading.Event().wait()
    except KeyboardInterrupt:  # Ctrl-C, and SIGTERM as `builder` takes it: how this verb ends
        click.echo("\nended", err=True)


def describe(answer: Answer) -> str:
    """A request as one line: what was asked, what came of it, who asked."""
    kind = answer.content_type.partition(";")[0]
    parts = [answer.method, answer.path, str(answer.status), f"{answer.size} bytes", kind]
    return "  ".join(part for part in (*parts, answer.agent.partition(" ")[0]) if part)


def _server(site: Path, port: int, said: Callable[[Answer], None]) -> Server:
    from builder.errors import MachineError
    from index.serve import Server
    from index.serve.beside import folders_beside

    try:
        return Server(site, beside=folders_beside(site), port=port, said=said)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = "is taken" if error.errno == errno.EADDRINUSE else "is not for this user"
        raise MachineError(
            f"port {port} of 127.0.0.1 {why}", remedy="--port 0, which takes a free one"
        ) from error


def _greet(site: Path, url: str) -> None:
    from index.serve.preview import preview_lines

    click.echo(f"{url}/")
    for _, line in preview_lines(site, url):
        click.echo(f"  {line}")
    click.echo("Ctrl-C ends it.")
