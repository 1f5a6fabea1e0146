"""What the verbs that change an index share: options, the open site, and what they report."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.common import Settings, print_json
from builder.cli.selection import words
from index.addresses import refuse_account

if TYPE_CHECKING:
    from index.ledger import Settings as SiteSettings
    from index.site.add import Added
    from index.site.site import Site
    from index.site.writer import Written

site_option = click.option(
    "--site",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The site's folder; made where it is missing.",
)
site_argument = click.argument(
    "site", type=click.Path(path_type=Path, file_okay=False, exists=True)
)


def _names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of files, each once; several may stand in one text, and at least one must."""
    names = tuple(dict.fromkeys(words(ctx, param, value)))
    if not names:
        raise click.BadParameter("name a file")
    return names


files_argument = click.argument("files", nargs=-1, required=True, callback=_names)


def _one_line(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """A reason that a ledger takes."""
    if not value.strip() or not value.isprintable() or len(value) > LONGEST_REASON:
        raise click.BadParameter(f"say why, in one line of {LONGEST_REASON} characters at most")
    return value


LONGEST_REASON = 900
"""Characters; a ledger takes 1000, and a rollback says besides to which event it goes back."""
reason_option = click.option(
    "--reason", required=True, callback=_one_line, help="Why, in one line; it is published."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the verbs that take wheels in."""

    base_url: str | None
    default_cuda: str | None
    title: str | None
    pythons: tuple[str, ...]
    layout: str | None
    files_dir: Path | None
    files_url: str | None
    force: bool


def intake_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `Options` holds; the verb gets them as one, ``intake``."""

    @functools.wraps(function)
    def verb(*args: object, **values: object) -> object:
        told = {field.name: values.pop(field.name) for field in dataclasses.fields(Options)}
        return function(*args, intake=Options(**told), **values)  # type: ignore[arg-type] # click made them of these types

    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


_OPTIONS = (
    click.option(
        "--base-url",
        help="The site's own address, which the lines to paste begin with. Remembered.",
    ),
    click.option("--default-cuda", help="The CUDA whose files /simple/ has. Remembered."),
    click.option("--title", help="What the landing page is called. Remembered."),
    click.option(
        "--python",
        "pythons",
        multiple=True,
        metavar="3.X",
        help="A Python that a version must serve before its guard is published. Remembered.",
    ),
    click.option(
        "--layout",
        type=click.Choice(["web", "drive"]),
        help="web: pages for people, JSON, headers; drive: a folder that pip reads. Remembered.",
    ),
    click.option(
        "--files-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Put the wheels into this folder beside the site (default: SITE/files).",
    ),
    click.option(
        "--files-url",
        metavar="URL",
        help="The wheels are published elsewhere: their folder's address, in which {name} and "
        "{version} stand for each wheel's own.",
    ),
    click.option("--force", is_flag=True, help="Take profiles other than 'full', too."),
)


@contextlib.contextmanager
def opened(settings: Settings, folder: Path, *, new: bool = True) -> Iterator[Site]:
    """The site, open for changes.

    Args:
        settings: The global options.
        folder: The site.
        new: Whether a folder with no ledger becomes one: for what only changes a site, it is the
            wrong folder, and pages would be written into it.

    Raises:
        click.UsageError: it is no site, and must be one.
    """
    from index.site.site import open_site

    if not new:
        must_be_site(folder)
    with open_site(folder, settings.cache.root / "index", settings.reporter.say) as site:
        yield site


def must_be_site(folder: Path) -> None:
    """Refuse a folder in which there is no index.

    Raises:
        click.UsageError: there is none.
    """
    from index.ledger import HEAD_NAME, LEDGER_NAME

    if not any((folder / name).is_file() for name in (LEDGER_NAME, HEAD_NAME)):
        raise click.UsageError(
            f"'{folder}' is no index: it has no {LEDGER_NAME}; name the folder that "
            "`builder index add` or `build` made"
        )


def configured(site: Site, options: Options) -> SiteSettings:
    """The site's settings with what the options say.

    Raises:
        click.UsageError: an option has a value no site can have.
        EntryError: the site's address has a password in it.
    """
    refuse_account(options.base_url or "", "--base-url")
    told = {
        "base_url": options.base_url.rstrip("/") if options.base_url else None,
        "default_cuda": options.default_cuda,
        "title": options.title,
        "pythons": options.pythons or None,
        "layout": options.layout,
    }
    before = dataclasses.asdict(site.settings)
    wanted = before | {key: value for key, value in told.items() if value is not None}
    if wanted == before:
        return site.settings  # known to be right: nothing to import that judges them

    from pydantic import ValidationError

    from index.ledger import Settings as SiteSettings
    from index.ledger.head import wrong

    try:
        return SiteSettings.checked(wanted)
    except ValidationError as error:
        said = [f"{_option(one['loc'])}: {wrong(one)}" for one in error.errors()]
        raise click.UsageError("; ".join(said)) from error


def _option(place: tuple[int | str, ...]) -> str:
    """The option that a setting comes from."""
    name = str(place[0]).replace("_", "-")
    return "--python" if name == "pythons" else f"--{name}"


def now() -> str:
    """The time files are published at: RFC 3339, UTC; ``SOURCE_DATE_EPOCH`` where it is set.

    Raises:
        click.UsageError: that is no number of seconds.
    """
    import os
    from datetime import UTC, datetime

    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise click.UsageError(
            f"SOURCE_DATE_EPOCH is '{epoch}', not the seconds since 1970: set it right, or unset it"
        ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def print_changed(site: Site, written: Written, **told: object) -> None:
    """Print, as JSON, what a verb did, and what came of it.

    Args:
        site: The site, after it.
        written: Its pages.
        told: What the verb itself has to say.
    """
    print_json(
        {
            "schema_version": 1,
            **told,
            "files": site.state.count(),
            "pages_written": written.pages,
            "pages_removed": written.removed,
            "events": site.state.head.count,
        }
    )


def report(
    settings: Settings, site: Site, added: Added, written: Written, *, as_json: bool
) -> None:
    """Say what came of taking wheels in."""
    from index.site.needs import unmet_needs

    unmet = list(unmet_needs(site, added.pins))
    if as_json:
        print_changed(
            site,
            written,
            added=list(added.added) if added.added else added.count,
            same=added.same,
            left_out=list(added.removed),
            unmet=[{"filename": pin.filename, "needs": pin.wanted} for pin in unmet],
        )
        return
    for name in added.added[:20]:
        click.echo(f"added {name}")
    if added.count > len(added.added[:20]):
        click.echo(f"added {added.count} files")
    for name in added.removed:
        settings.reporter.warn(
            f"{name} was removed from the index and stays out; `builder index add` brings it back"
        )
    click.echo(
        f"{added.count} new, {added.same} as they were; {site.state.count()} files in the index; "
        f"{len(written.pages)} pages written"
    )
    for pin in unmet:
        settings.reporter.warn(
            f"{pin.filename} needs {pin.wanted}, which the index does not have: "
            "nobody can install it; add that wheel too"
        )
    if not added.added:
        return
    from builder.cli.index.paste import paste_lines

    for line in paste_lines(site, added.added):
        click.echo(line)
