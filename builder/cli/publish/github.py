"""``builder publish github``: wheels onto releases, then into the site."""

from __future__ import annotations

import os
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.index.common import Options as IntakeOptions
from builder.cli.index.common import configured, now, site_option
from builder.cli.publish.address import GITHUB, pages_address
from builder.cli.publish.common import dry_run_option, refused_data, show, site_for
from builder.cli.selection import words
from index.addresses import refuse_account

if TYPE_CHECKING:
    from index.ledger import Settings as SiteSettings
    from index.publish.plan import Plan, Step
    from index.publish.wanted import Wanted
    from index.site.site import Site

_REPO = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/[A-Za-z0-9._-]+")
EPILOG = """\b
Examples:
  builder publish github --repo OWNER/REPO --dist dist --site site --dry-run
  builder publish github --repo OWNER/REPO --dist dist --site site
\b
The token comes from $GITHUB_TOKEN or $GH_TOKEN, or, where `keyring` is installed,
from `keyring set gpu-wheelhouse api.github.com`. It must be allowed to write the
repository's contents; --dry-run needs none for a public repository.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """The options."""

    repo: str
    web: str
    api: str
    uploads: str | None
    base_url: str | None
    default_cuda: str | None
    title: str | None
    pythons: tuple[str, ...]
    dry_run: bool
    first: bool
    force: bool
    as_json: bool

    @property
    def files_url(self) -> str:
        return f"{self.web}/{self.repo}/releases/download/{{name}}-{{version}}"

    @property
    def pages_url(self) -> str | None:
        """Where Pages serves a repository's site, unless it has a domain of its own."""
        return pages_address(self.repo) if self.web == GITHUB else None


def check_repo(repo: str) -> None:
    """Refuse what cannot be a repository's name."""
    if not _REPO.fullmatch(repo):
        raise click.UsageError(f"--repo {repo!r} is not OWNER/REPO")


@click.command(epilog=EPILOG)
@click.option("--repo", required=True, metavar="OWNER/REPO", help="The repository.")
@click.option(
    "--dist",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of wheels, their records beside them.",
)
@site_option
@dry_run_option
@click.option("--first", is_flag=True, help="Nothing is live yet: do not look for it.")
@click.option("--force", is_flag=True, help="Take profiles other than 'full', too.")
@click.option("--base-url", help="The site's own address, if not OWNER.github.io/REPO. Remembered.")
@click.option("--default-cuda", help="The CUDA whose files /simple/ has. Remembered.")
@click.option("--title", help="What the landing page is called. Remembered.")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="3.X",
    callback=words,
    help="A Python that the index advertises, and that a version must serve before its guard is "
    "published; several, or several in one text. Remembered.",
)
@click.option(
    "--api",
    default="https://api.github.com",
    show_default=True,
    help="The API's address (GitHub Enterprise: https://HOST/api/v3).",
)
@click.option("--uploads", help="Where files are sent to (default: where each release says).")
@click.option("--web", default=GITHUB, show_default=True, help="The address users see.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    /,
    dist: Path,
    site: Path,
    **values: Any,  # noqa: ANN401 -- the rest as click makes it: the fields of _Options
) -> None:
    """Put the wheels of a folder on GitHub releases, then into the site.

    SITE must go on from what is live at its address: on a fresh machine, `builder publish pull`
    first. One release per package and full version, such as `opencv-cuda-4.14.0.94+cu124`. The
    site's folder is then ready to be deployed; a workflow does that (actions/deploy-pages).
    Without wheels, DIST is refused unless one of the index's settings changes.
    """
    options = _Options(**{**values, "web": values["web"].rstrip("/")})
    check_repo(options.repo)
    refuse_account(options.web, "--web")
    with site_for(settings, site, dry_run=options.dry_run) as place:
        _publish(settings, place, dist, options)


def _publish(settings: Settings, site: Site, dist: Path, options: _Options) -> None:
    from index.publish.github import Publishing, look
    from index.publish.live import check_follows_live
    from index.publish.patience import Pace
    from index.publish.plan import make_plan
    from index.publish.releases import Releases
    from index.publish.rest import Rest, check_address
    from index.publish.token import find_token
    from index.publish.wanted import gather
    from index.site.placing import Placing

    moment, pace = now(), Pace()
    placing = Placing(folder=None, address=options.files_url, force=options.force, uploaded=moment)
    changed = _settings(site, options)
    token = find_token(os.environ, urlsplit(check_address(options.api, "--api")).hostname or "")
    if token is None and not options.dry_run:
        raise click.UsageError("no token: set GITHUB_TOKEN or GH_TOKEN (or see --help: keyring)")
    with closing(Rest(token, pace, settings.reporter.say)) as rest:
        releases = Releases(rest, api=options.api, repo=options.repo, uploads=options.uploads)
        with settings.reporter.task("read wheels"):
            wanted = gather(site, dist, placing, needed=changed == site.settings)
        if changed.base_url is not None and not options.first:
            check_follows_live(site, changed.base_url)
        there = look(releases, wanted.assets)
        plan = make_plan(wanted.assets, there)
        if options.dry_run:
            _report(plan, wanted, options)
        plan.raise_if_refused()
        if options.dry_run:
            return
        with settings.reporter.task("upload", total=plan.upload_bytes, unit="bytes") as task:
            Publishing(releases, there, pace, task).carry_out(plan)
    pages = _advertise(site, wanted, changed, moment)
    _report(plan, wanted, options, pages)


def _settings(site: Site, options: _Options) -> SiteSettings:
    """The site's settings, its address among them.

    Raises:
        click.UsageError: the address is none.
    """
    address = options.base_url or site.settings.base_url or options.pages_url
    return configured(
        site,
        IntakeOptions(
            base_url=address,
            default_cuda=options.default_cuda,
            title=options.title,
            pythons=options.pythons,
            layout=None,
            files_dir=None,
            files_url=None,
            force=options.force,
        ),
    )


def _advertise(site: Site, wanted: Wanted, changed: SiteSettings, moment: str) -> int:
    """What was read back into the ledger, then the pages; how many were written."""
    from index.ledger import Configure
    from index.site.finish import finish

    settings = [Configure(settings=changed, at=moment)] if changed != site.settings else []
    site.append([*settings, *wanted.events])
    return len(finish(site, uploaded=moment).pages)


def _report(plan: Plan, wanted: Wanted, options: _Options, pages: int = 0) -> None:
    if options.as_json:
        print_json(
            {
                "schema_version": 1,
                "kind": "github",
                "repo": options.repo,
                "dry_run": options.dry_run,
                "create": list(plan.create),
                "assets": [_step_data(step) for step in plan.steps],
                "refused": refused_data(plan.refused),
                "left_out": [{"name": name, "why": why} for name, why in wanted.left_out],
                "added": [event.record.filename for event in wanted.events],
                "same": wanted.same,
                "pages_written": pages,
            }
        )
        return
    would = "would " if options.dry_run else ""
    for name, why in wanted.left_out:
        click.echo(f"left out {name}: {why}")
    show([f"{would}create release {tag}" for tag in plan.create])
    show(
        [
            f"{would}upload {step.asset.name} ({step.asset.size / 1e6:.1f} MB)"
            + (", an upload broke off there before" if step.action == "resend" else "")
            for step in plan.of("upload", "resend")
        ]
    )
    show([f"{would}add {event.record.filename} to the index" for event in wanted.events])
    there = len(plan.of("skip", "compare"))
    click.echo(f"{len(plan.of('upload', 'resend'))} files to upload, {there} are there"
        if options.dry_run
        else f"everything is there and was read back; {len(wanted.events)} new in the index, "
        f"{wanted.same} as they were, {pages} pages written. Now deploy the site's folder."
    )  # fmt: skip


def _step_data(step: Step) -> dict[str, object]:
    asset = step.asset
    return {
        "name": asset.name,
        "release": asset.tag,
        "action": step.action,
        "size": asset.size,
        "sha256": asset.sha256,
    }
