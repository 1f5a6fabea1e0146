"""``builder publish provenance``: signed attestations as the objects that the index serves."""

from __future__ import annotations

from pathlib import Path

import click

EPILOG = """\b
Examples (in a workflow that may have an identity: `permissions: id-token: write`):
  python -m pypi_attestations sign dist/*.whl
  builder publish provenance dist --repo OWNER/REPO --workflow weekly.yml
"""


@click.command(epilog=EPILOG)
@click.argument("dist", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--repo", required=True, metavar="OWNER/REPO", help="The repository that signed.")
@click.option(
    "--workflow", required=True, metavar="FILE", help="Its workflow, or $GITHUB_WORKFLOW_REF."
)
@click.option("--environment", help="The deployment environment of the job that signed.")
def command(dist: Path, repo: str, workflow: str, environment: str | None) -> None:
    """Write X.whl.provenance (PEP 740) beside each wheel of DIST, from X.whl.publish.attestation.

    Every wheel must have its attestation, and each must speak of the wheel's own bytes. Signatures
    are made by `pypi-attestations`, and judged by whoever verifies (docs/verify.md).
    """
    from builder.cli.publish.github import check_repo
    from index.errors import EntryError
    from index.files import write_bytes
    from index.publish.attested import provenance_of, publisher_of
    from index.site.intake import PROVENANCE_SUFFIX

    check_repo(repo)
    publisher = publisher_of(repo, workflow, environment)
    wheels = sorted(dist.glob("*.whl"))
    if not wheels:
        raise EntryError(f"there is no wheel in '{dist}'")
    made = [(wheel, provenance_of(wheel, publisher)) for wheel in wheels]  # all, or nothing
    for wheel, data in made:
        write_bytes(wheel.with_name(wheel.name + PROVENANCE_SUFFIX), data)
    click.echo(f"{len(made)} wheels have their provenance, signed by {publisher['workflow']}")
