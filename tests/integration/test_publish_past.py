"""`builder publish rollback` and `retain`, on sites whose wheels lie on releases or inside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.check import check_site
from index.serve import Server
from index.site.disk import read_state
from tests.github_kit import TOKEN, github
from tests.index_kit import tree

from .client_kit import tiny_wheel

pytestmark = pytest.mark.integration

FIRST = "tiny_gpu-1.0+cu118-py3-none-any.whl"
SECOND = "tiny_gpu-1.1+cu118-py3-none-any.whl"
RULE = "schema_version = 1\nkeep_versions = 1\nremove_after_days = 30\n"


def builder(place: Path, *arguments: object, day: str = "2027-01-01") -> Result:
    seconds = {"2027-01-01": "1798761600", "2027-01-30": "1801267200", "2027-01-31": "1801353600"}
    env = {"SOURCE_DATE_EPOCH": seconds[day], "GITHUB_TOKEN": TOKEN}
    words = ["-q", "--cache-dir", str(place / "cache"), *map(str, arguments)]
    return CliRunner().invoke(cli, words, env=env)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def live(folder: Path) -> dict[str, str | None]:
    return {
        known.filename: known.yanked
        for known in read_state(folder).all_files()
        if known.kind == "wheel"
    }


def test_a_rollback_is_published_and_can_be_rolled_back(tmp_path: Path) -> None:
    site, dest = tmp_path / "site", tmp_path / "served"
    for wheel in (FIRST, SECOND):
        tiny_wheel(tmp_path / "dist", wheel)
        done = builder(tmp_path, "index", "add", tmp_path / "dist" / wheel, "--site", site,
                       "--base-url", "https://x.invalid")  # fmt: skip
        assert done.exit_code == 0, done.output
        if wheel == FIRST:
            before = read_state(site).head.count
    assert builder(tmp_path, "publish", "folder", dest, "--site", site).exit_code == 0
    words = ["publish", "rollback", "--site", site, "--reason", "bad release", "--folder", dest]
    published = tree(dest)
    trial = builder(tmp_path, *words, "--to", before, "--dry-run")
    assert f"would remove {SECOND}" in trial.output
    assert tree(dest) == published
    after = read_state(site).head.count
    assert builder(tmp_path, *words, "--to", before).exit_code == 0
    assert live(dest) == {FIRST: None}
    assert not check_site(dest).findings
    assert builder(tmp_path, *words, "--to", after).exit_code == 0
    assert live(dest) == {FIRST: None, SECOND: None}
    assert not check_site(dest).findings


def test_a_rollback_to_wheels_that_are_gone_from_their_release_is_refused(tmp_path: Path) -> None:
    site = tmp_path / "site"
    tiny_wheel(tmp_path / "dist", FIRST)
    with github() as hub:
        words = ["publish", "github", *hub.options, "--dist", tmp_path / "dist", "--site", site]
        done = builder(tmp_path, *words)
        assert done.exit_code == 0, done.output
        count = read_state(site).head.count
        gone = builder(tmp_path, "index", "remove", site, FIRST, "--reason", "a mistake")
        assert gone.exit_code == 0, gone.output
        back = ["publish", "rollback", "--site", site, "--to", count, "--reason", "it was none"]
        release = hub.releases[0]
        kept, release.assets = release.assets, []
        ledger = (site / "ledger.jsonl").read_bytes()
        refused = builder(tmp_path, *back)
        assert "can no longer be fetched" in str(refused.exception)
        assert (site / "ledger.jsonl").read_bytes() == ledger
        release.assets = kept
        done = builder(tmp_path, *back)
        assert done.exit_code == 0, str(done.exception)
        assert live(site) == {FIRST: None}


def test_retention_yanks_first_and_removes_much_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, rule = tmp_path / "site", tmp_path / "retention.toml"
    rule.write_text(RULE)
    for wheel in (FIRST, SECOND):
        tiny_wheel(tmp_path / "dist", wheel)
    done = builder(tmp_path, "index", "build", "--dist", tmp_path / "dist", "--site", site)
    assert done.exit_code == 0, done.output
    words = ["publish", "retain", "--site", site, "--policy", rule]
    before = tree(site)
    told = json.loads(builder(tmp_path, *words, "--dry-run", "--json").stdout)
    assert list(told["yank"]) == [FIRST]
    assert tree(site) == before
    assert builder(tmp_path, *words).exit_code == 0
    assert live(site)[FIRST] == "older than the 1 newest versions; newest: 1.1+cu118"
    early = builder(tmp_path, *words, day="2027-01-30")
    assert "0 to yank, 0 to remove, 1 yanked and kept" in early.output
    assert (site / "files" / FIRST).is_file()
    # Interrupted behind the ledger's entry: the next run finds nothing left to remove, and the
    # bytes go all the same.
    with monkeypatch.context() as patch:
        patch.setattr("index.site.finish.delete_noted", interrupted)
        assert builder(tmp_path, *words, day="2027-01-31").exit_code == 1
    assert live(site) == {SECOND: None}
    assert (site / "files" / FIRST).is_file()
    late = builder(tmp_path, *words, day="2027-01-31")
    assert late.exit_code == 0, late.output
    assert "0 to yank, 0 to remove, 0 yanked and kept" in late.output
    assert live(site) == {SECOND: None}
    assert not (site / "files" / FIRST).exists()
    assert not (site / "files/tiny_gpu-1.0+cu118.tar.gz").exists()
    assert not check_site(site).findings


def test_a_fresh_machine_goes_on_from_what_is_live(tmp_path: Path) -> None:
    site, fresh = tmp_path / "site", tmp_path / "fresh"
    tiny_wheel(tmp_path / "dist", FIRST)
    with github() as hub, Server(site) as server:
        words = ["publish", "github", *hub.options, "--base-url", server.url]
        words += ["--dist", tmp_path / "dist", "--site"]
        nothing = builder(tmp_path, "publish", "pull", server.url, "--site", fresh, "--new-is-fine")
        assert "nothing is live" in nothing.output
        assert not fresh.exists()
        assert builder(tmp_path, *words, site).exit_code == 0
        tiny_wheel(tmp_path / "dist", SECOND)
        sent = hub.uploads()
        refused = builder(tmp_path, *words, fresh)
        assert "does not go on from them" in str(refused.exception)
        assert hub.uploads() == sent
        pulled = builder(tmp_path, "publish", "pull", server.url, "--site", fresh)
        assert pulled.exit_code == 0, str(pulled.exception)
        assert tree(fresh) == tree(site)
        assert not check_site(fresh).findings
        assert builder(tmp_path, *words, fresh).exit_code == 0
        assert live(fresh) == {FIRST: None, SECOND: None}
        ahead = builder(tmp_path, "publish", "pull", server.url, "--site", fresh)
        assert "it goes on from what is live" in ahead.output
        add = ["index", "yank", site, FIRST, "--reason", "live and not in the other"]
        assert builder(tmp_path, *add).exit_code == 0
        apart = builder(tmp_path, "publish", "pull", server.url, "--site", fresh)
        assert "went different ways" in str(apart.exception)


def test_wheels_inside_the_live_site_are_brought_along(tmp_path: Path) -> None:
    site, fresh = tmp_path / "site", tmp_path / "fresh"
    tiny_wheel(tmp_path / "dist", FIRST)
    proof = tmp_path / "dist" / f"{FIRST}.provenance"
    proof.write_text('{"version": 1, "attestation_bundles": []}')
    made = builder(tmp_path, "index", "add", tmp_path / "dist" / FIRST, "--site", site)
    assert made.exit_code == 0, made.output
    with Server(site) as server:
        words = ["publish", "pull", server.url, "--site", fresh]
        wheel = site / "files" / FIRST
        kept = wheel.read_bytes()
        wheel.write_bytes(kept[::-1])
        assert "other bytes" in str(builder(tmp_path, *words).exception)
        assert not (fresh / "files" / FIRST).exists()
        wheel.write_bytes(kept)
        assert builder(tmp_path, *words).exit_code == 0
    assert tree(fresh) == tree(site)
