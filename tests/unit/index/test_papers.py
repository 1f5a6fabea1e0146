"""What a recipe's wheel must say of its own making, where that is asked, and of whom it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cli.main import cli
from index.check import check_site
from index.ledger import Yank
from index.papers import missing_papers
from index.records import Record, write_record
from index.wheels import record_of_wheel
from tests import check_kit

Make = Callable[..., Path]
INFO = "tiny_gpu-1.0+cu118.dist-info"
KEY = "0123456789abcdef" * 2
BILL = {f"{INFO}/sboms/made.cdx.json": b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}'}
SPEC = {f"{INFO}/build-spec.json": json.dumps({"key": KEY, "spec": {}}).encode()}


def recipes(wheel: Path, **changes: object) -> Record:
    """The record of a wheel as if a recipe had made it."""
    record = record_of_wheel(wheel).model_copy(update={"build_key": KEY, **changes})
    write_record(record, wheel)
    return record


@pytest.mark.parametrize(
    ("members", "lacks"),
    [
        ({**BILL, **SPEC}, None),
        ({**BILL, **SPEC, f"{INFO}/sboms/more.json": b"[]"}, None),
        ({}, "no bill of materials"),
        (SPEC, "no bill of materials"),
        ({**SPEC, f"{INFO}/sboms/x.json": b'{"spdxVersion": "SPDX-2.3"}'}, "no bill of materials"),
        ({**SPEC, f"{INFO}/sboms/x.json": b"{"}, "no bill of materials"),
        ({**SPEC, "sboms/made.json": BILL[f"{INFO}/sboms/made.cdx.json"]}, "no bill of materials"),
        (BILL, "no build spec"),
        ({**BILL, f"{INFO}/build-spec.json": b'{"key": "other"}'}, "the key 'other'"),
        ({**BILL, f"{INFO}/build-spec.json": b"[]"}, "the key None"),
    ],
)
def test_a_recipes_wheel(make_wheel: Make, members: dict[str, bytes], lacks: str | None) -> None:
    wheel = make_wheel(members=members)
    found = missing_papers(wheel, recipes(wheel))
    assert found == lacks or (lacks is not None and found is not None and lacks in found)


def test_of_companions_and_of_what_others_made_nothing_is_asked(make_wheel: Make) -> None:
    wheel = make_wheel()
    assert missing_papers(wheel, record_of_wheel(wheel)) is None
    assert missing_papers(wheel, recipes(wheel, companion_of="other-gpu")) is None


@pytest.mark.parametrize(
    "verb",
    [
        ["index", "add", "{wheel}", "--site", "{site}"],
        ["index", "build", "--dist", "{dist}", "--site", "{site}"],
        ["publish", "github", "--repo", "a/b", "--dist", "{dist}", "--site", "{site}", "--first",
         "--dry-run"],
    ],
)  # fmt: skip
def test_no_verb_takes_one_without(make_wheel: Make, tmp_path: Path, verb: list[str]) -> None:
    wheel = make_wheel()
    recipes(wheel)
    places = {"wheel": wheel, "dist": wheel.parent, "site": tmp_path / "site"}
    words = [one.format(**places) for one in verb]
    done = CliRunner().invoke(cli, ["--cache-dir", str(tmp_path / "cache"), *words])
    assert done.exception is not None
    assert "no bill of materials" in str(done.exception)
    assert not list((tmp_path / "site").rglob("*.whl"))


def test_an_old_one_is_found_until_it_is_yanked(tmp_path: Path) -> None:
    """Wheels that were published before there was this rule."""
    site = check_kit.make_site(tmp_path / "site")
    (fault,) = [one for one in check_kit.FAULTS if "papers" in one.kinds]
    fault.do(site)
    (finding,) = check_site(site).findings
    assert finding.kind == "papers"
    assert "yank this one" in finding.remedy
    check_kit.change(site, [Yank(filename=check_kit.UNPAPERED, reason="no papers")])
    assert not check_site(site).findings
