"""Signed attestations as provenance objects, and waiting for what was deployed."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pip._internal.models.index import PyPI

import index.check
from builder.cli.main import cli
from index.check.findings import Report, finding
from index.errors import CheckError, EntryError, PublishError
from index.ledger import Head
from index.publish import arrival, patience
from index.publish.attested import publisher_of
from index.publish.patience import Pace
from index.site.intake import read_provenance

NAME = "demo-1.0-py3-none-any.whl"


def attestation(folder: Path, **changes: Any) -> Path:
    """A wheel with an attestation that nobody signed."""
    wheel = folder / NAME
    wheel.write_bytes(b"a wheel's bytes")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": NAME, "digest": {"sha256": digest}}],
        "predicateType": f"https://docs.{PyPI.netloc}/attestations/publish/v1",
        "predicate": None,
        **changes,
    }
    told = base64.b64encode(json.dumps(statement).encode()).decode()
    data = {
        "version": 1,
        "verification_material": {"certificate": "bm9uZQ==", "transparency_entries": [{}]},
        "envelope": {"statement": told, "signature": "bm9ib2R5"},
    }
    (folder / f"{NAME}.publish.attestation").write_text(json.dumps(data))
    return wheel


def provenance(folder: Path, workflow: str = "weekly.yml") -> Result:
    words = ["publish", "provenance", str(folder), "--repo", "a/b", "--workflow", workflow]
    return CliRunner().invoke(cli, words)


def test_what_the_index_serves(tmp_path: Path) -> None:
    wheel = attestation(tmp_path)
    done = provenance(tmp_path, "a/b/.github/workflows/weekly.yml@refs/heads/main")
    assert done.exit_code == 0, done.output
    told = json.loads(read_provenance(Path(f"{wheel}.provenance")))
    (bundle,) = told["attestation_bundles"]
    assert bundle["publisher"] == {"kind": "GitHub", "repository": "a/b", "workflow": "weekly.yml"}
    (one,) = bundle["attestations"]
    assert one == json.loads(Path(f"{wheel}.publish.attestation").read_text())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subject": [{"name": NAME, "digest": {"sha256": "0" * 64}}]}, "other bytes"),
        ({"subject": []}, "other bytes"),
        ({"predicateType": "https://example.org/v1"}, "another kind"),
        ({"_type": "x"}, "another kind"),
        ({"subject": 1}, "no attestation of version 1"),
    ],
)
def test_what_speaks_of_something_else_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    attestation(tmp_path, **changes)
    done = provenance(tmp_path)
    assert isinstance(done.exception, EntryError)
    assert message in str(done.exception)
    assert not list(tmp_path.glob("*.provenance"))


def test_all_or_none(tmp_path: Path) -> None:
    assert "there is no wheel" in str(provenance(tmp_path).exception)
    attestation(tmp_path)
    (tmp_path / "other-1.0-py3-none-any.whl").write_bytes(b"unsigned")
    assert "no attestation 'other-1.0" in str(provenance(tmp_path).exception)
    assert not list(tmp_path.glob("*.provenance"))


def test_who_signed() -> None:
    assert publisher_of("a/b", "x.yaml", "pypi")["environment"] == "pypi"
    with pytest.raises(EntryError, match="no workflow's file"):
        publisher_of("a/b", "weekly")


def test_what_never_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(
        arrival, "head_there", lambda folder: Head(count=2, size=9, digest="a" * 64)
    )
    looks = []

    def out_of_reach(url: str) -> None:
        looks.append(clock[0])
        raise PublishError("nobody answers")

    monkeypatch.setattr(arrival, "live_ledger", out_of_reach)
    with pytest.raises(PublishError, match=r"is not what was deployed .* nobody answers"):
        arrival.wait_for(
            "https://x.invalid", tmp_path, minutes=1, pace=Pace(sleep=sleep, now=lambda: clock[0])
        )
    assert looks == [0, 10, 20, 30, 40, 50, 60]


def check(*words: str) -> Result:
    return CliRunner().invoke(cli, ["-q", "index", "check", *words])


def test_a_check_waits_for_the_deployed_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, asked = [0.0], []

    def wait_for(url: str, folder: Path, *, minutes: float, pace: Pace) -> int:
        asked.append((url, folder, minutes))
        return 0

    def look(site: str, **options: object) -> Report:
        there = () if clock[0] >= 60 else (finding("page", "/", "a page", "nothing"),)
        return Report(site=site, fast=False, events=0, files=0, pages=0, findings=there, notes=())

    def sleep(seconds: float) -> None:
        clock[0] += 30

    monkeypatch.setattr(arrival, "wait_for", wait_for)
    monkeypatch.setattr(patience, "Pace", lambda: Pace(sleep=sleep, now=lambda: clock[0]))
    monkeypatch.setattr(index.check, "check_site", look)
    address = "https://a.example"
    assert check(address, "--same-as", str(tmp_path), "--within", "2").exit_code == 0
    assert asked == [(address, tmp_path, 2.0)]
    assert clock == [60]
    clock[0] = 0
    assert isinstance(check(address, "--within", "0.5").exception, CheckError), "not for ever"
    assert clock == [30]
    assert check(str(tmp_path), "--same-as", str(tmp_path)).exit_code == 2
