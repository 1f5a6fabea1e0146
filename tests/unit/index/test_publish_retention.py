"""The retention rule: what goes, in which order, and what never does."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from index.errors import PublishError
from index.ledger import Add, Guard, Remove, Unyank, Yank
from index.publish.past import yanked_since
from index.publish.retention import Policy, Retired, plan_retention, read_policy
from index.records import Record
from index.state.known import Known
from tests.index_kit import add, ledger

TODAY = datetime.date(2027, 3, 1)
RULE = Policy(schema_version=1, keep_versions=2, remove_after_days=30)


def known(version: str, cuda: str = "cu118", *, kind: str = "wheel", yanked: str = "") -> Known:
    full = f"{version}+{cuda}" if cuda else version
    tail = "-py3-none-any.whl" if kind == "wheel" else ".tar.gz"
    return Known(
        filename=f"tiny-{full}{tail}",
        kind=kind,
        name="tiny",
        version=full,
        cuda=cuda,
        sha256="",
        size=1,
        url="",
        uploaded="",
        yanked=yanked or None,
        gone=None,
        build_key=None,
        profile=None,
        start=0,
        length=0,
    )


def test_the_newest_versions_of_each_cuda_stay() -> None:
    files = [known(one) for one in ("1.9", "1.10", "1.2")] + [known("1.0", "cu124")]
    found = plan_retention(files, {}, RULE, TODAY)
    assert [one.filename for one in found.yank] == ["tiny-1.2+cu118-py3-none-any.whl"]
    assert found.yank[0].reason == "older than the 2 newest versions; newest: 1.10+cu118"
    assert not found.remove


def test_a_version_that_was_withdrawn_takes_nobodys_place() -> None:
    files = [known("3", yanked="broken"), known("2"), known("1")]
    found = plan_retention(files, {"tiny-3+cu118-py3-none-any.whl": "2020-01-01"}, RULE, TODAY)
    assert found.yank == ()
    assert found.remove == ()  # withdrawn by hand, and not old: it stays as it is


@pytest.mark.parametrize(
    ("since", "outcome"),
    [("2027-01-30", "remove"), ("2027-01-31", "waiting"), (None, "undated")],
)
def test_a_file_goes_only_after_it_was_yanked_long_enough(since: str | None, outcome: str) -> None:
    old = known("1", yanked="older")
    files = [known("3"), known("2"), old, known("1", kind="guard")]
    at = {} if since is None else {old.filename: f"{since}T23:59:59Z"}
    found = plan_retention(files, at, RULE, TODAY)
    told = {"remove": found.remove, "waiting": found.waiting, "undated": found.undated}
    assert [name for name, found_some in told.items() if found_some] == [outcome]
    assert not found.yank


def test_a_guard_goes_with_the_last_wheel_of_its_version() -> None:
    old, other = known("1", yanked="older"), known("1", yanked="older")
    other = other._replace(filename="tiny-1+cu118-1-py3-none-any.whl")
    files = [known("3"), known("2"), old, other, known("1", kind="guard")]
    at = {old.filename: "2026-01-01T00:00:00Z"}
    only = plan_retention(files, at, RULE, TODAY)
    assert [one.filename for one in only.remove] == [old.filename]
    both = plan_retention(files, {**at, other.filename: "2026-01-01T00:00:00Z"}, RULE, TODAY)
    assert [one.filename for one in both.remove][2:] == ["tiny-1+cu118.tar.gz"]


@pytest.mark.parametrize(("day", "yanked", "coming"), [(1, 1, 0), (2, 0, 1)])
def test_a_cuda_is_retired_on_its_day_with_its_notice(day: int, yanked: int, coming: int) -> None:
    gone = Retired(cuda="cu118", on=datetime.date(2027, 3, day), notice="take cu124")
    rule = RULE.model_copy(update={"retired": (gone,)})
    found = plan_retention([known("1"), known("1", "cu124")], {}, rule, TODAY)
    assert [(one.filename, one.reason) for one in found.yank] == [
        ("tiny-1+cu118-py3-none-any.whl", "take cu124")
    ] * yanked
    assert len(found.coming) == coming


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keep_versions = 1\nremove_after_days = 1", "schema_version"),
        ("schema_version = 1\nkeep_versions = 0\nremove_after_days = 1", "keep_versions"),
        ("schema_version = 1\nkeep_versions = 1\nremove_after_days = 0", "remove_after_days"),
        ("schema_version = 1\nkeep_version = 1\nremove_after_days = 1", "keep_version"),
        ("schema_version = 1\nkeep_versions = 1\nremove_after_days = 1\n[[retired]]\n"
         'cuda = "cu118"\non = 2027-01-01\nnotice = "a\\nb"', "notice"),
        ("schema_version =", "retention.toml"),
    ],
)  # fmt: skip
def test_a_rule_that_is_none_is_refused_with_an_example(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "retention.toml"
    path.write_text(text)
    with pytest.raises(PublishError, match=told) as caught:
        read_policy(path)
    assert "keep_versions = 3" in str(caught.value)


def test_since_when_a_file_is_yanked(tmp_path: Path, make_record: Callable[..., Record]) -> None:
    def record(number: int) -> Record:
        return make_record(f"tiny-{number}.0-py3-none-any.whl")

    names = [record(number).filename for number in range(5)]
    first, second = "2027-01-01T00:00:00Z", "2027-02-02T00:00:00Z"
    events: list[Add | Guard | Yank | Unyank | Remove] = [add(record(one)) for one in range(5)]
    events += [Yank(filename=name, reason="r", at=first) for name in names[:4]]
    events += [Yank(filename=names[1], reason="another", at=second)]
    events += [Unyank(filename=names[2], reason="r", at=second)]
    events += [
        Unyank(filename=names[3], reason="r"),
        Yank(filename=names[3], reason="r", at=second),
    ]
    events += [Yank(filename=names[4], reason="r")]
    (tmp_path / "ledger.jsonl").write_bytes(ledger(*events))
    assert yanked_since(tmp_path) == {names[0]: first, names[1]: first, names[3]: second}
