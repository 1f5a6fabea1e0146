"""No credential in a log, a record, an error or a page, whatever verb was handed one.

What the servers are sent, and what they say back, is tried in tests/integration/test_publish_*.py;
here is what people put where it does not belong, and what lies in the environment meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cli.main import cli

Make = Callable[..., Path]
SECRET = "s3cret-that-nobody-may-see"
WITH_IT = f"https://maker:{SECRET}@wheels.example/gpu"
ENVIRONMENT = {
    "GITHUB_TOKEN": f"ghp_{SECRET}",
    "GH_TOKEN": f"gho_{SECRET}",
    "TWINE_USERNAME": "maker",
    "TWINE_PASSWORD": SECRET,
}

REFUSED = {
    "index add --base-url": "index add {wheel} --site {site} --base-url {url}",
    "index add --files-url": "index add {wheel} --site {site} --files-url {url}",
    "index build --base-url": "index build --dist {dist} --site {site} --base-url {url}",
    "index check": "index check {url}",
    "publish address": "publish address --repo a/b --base-url {url}",
    "publish choose": "publish choose all --dist {dist} --published {url} --into {into}",
    "publish fetch": "publish fetch {url} --dist {into}",
    "publish github --api": "publish github --repo a/b --dist {dist} --site {site} --api {url}",
    "publish github --base-url": (
        "publish github --repo a/b --dist {dist} --site {site} --base-url {url} --first"
    ),
    "publish github --uploads": (
        "publish github --repo a/b --dist {dist} --site {site} --uploads {url} --first"
    ),
    "publish github --web": "publish github --repo a/b --dist {dist} --site {site} --web {url}",
    "publish pull": "publish pull {url} --site {site}",
    "publish report": "publish report --repo a/b --details https://x.example --api {url}",
    "publish twine": "publish twine {dist} --repository-url {url}",
    "publish twine --index-url": (
        "publish twine {dist} --repository-url https://127.0.0.1:9/ --index-url {url}"
    ),
    "plan --published": "--recipes {recipes} plan cu118-py310 --published {url}",
}


def silent(place: Path, output: str) -> None:
    assert SECRET not in output
    for path in place.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED.keys())
def test_an_address_with_a_password_in_it_is_refused_and_not_repeated(
    make_wheel: Make, tmp_path: Path, words: str
) -> None:
    wheel = make_wheel()
    places = {
        "wheel": wheel,
        "dist": wheel.parent,
        "site": tmp_path / "site",
        "into": tmp_path / "into",
        "recipes": Path(__file__).parents[2] / "recipes",
        "url": WITH_IT,
    }
    command = [part.format(**places) for part in words.split()]
    done = CliRunner().invoke(
        cli, ["--cache-dir", str(tmp_path / "cache"), *command], env=ENVIRONMENT
    )
    assert done.exit_code != 0
    said = done.output + str(done.exception)
    assert "password" in said
    silent(tmp_path, said)
    assert not (tmp_path / "site/ledger.jsonl").exists()


def test_publishing_to_a_folder_takes_nothing_along(make_wheel: Make, tmp_path: Path) -> None:
    """It needs no credential; what happens to lie in the environment goes nowhere."""
    wheel, site = make_wheel(), str(tmp_path / "site")

    def builder(*words: str) -> str:
        command = ["--cache-dir", str(tmp_path / "cache"), *words]
        done = CliRunner().invoke(cli, command, env=ENVIRONMENT)
        assert done.exit_code == 0, done.output
        return done.output

    said = builder("index", "add", str(wheel), "--site", site)
    said += builder("publish", "folder", str(tmp_path / "drive"), "--site", site)
    said += builder("index", "yank", site, wheel.name, "--reason", "an example")
    said += builder(
        *("publish", "rollback", "--site", site, "--to", "1", "--reason", "another"),
        *("--folder", str(tmp_path / "drive")),
    )
    said += builder("index", "check", str(tmp_path / "drive"))
    silent(tmp_path, said)
    assert list((tmp_path / "drive").rglob("*.whl"))
