"""One issue per task that repeats: opened, gone on with, closed; never twice."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.errors import PublishError
from index.publish import patience
from tests.github_kit import OWNER, REPO, TOKEN, GitHub, KeptIssue, github

RUN = "https://github.com/Maker/wheels/actions/runs/7"


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    real = patience.Pace
    monkeypatch.setattr(patience, "Pace", lambda: real(sleep=lambda _: None, now=lambda: 0.0))


def report(hub: GitHub, *words: str, token: str | None = TOKEN) -> Result:
    command = ["publish", "report", "--repo", f"{OWNER}/{REPO}", "--api", f"{hub.url}/api", *words]
    env = {"GITHUB_TOKEN": token, "GH_TOKEN": None}
    done = CliRunner().invoke(cli, command, env=env)
    assert TOKEN not in done.output + repr(done.exception)
    return done


def test_opened_gone_on_with_and_closed(hub: GitHub) -> None:
    results = {"look": "success", "build": "failure", "publish": "skipped"}
    told = json.dumps({name: {"result": one, "outputs": {}} for name, one in results.items()})
    assert "issue: opened" in report(hub, "--results", told, "--details", RUN).output
    (issue,) = hub.issues
    assert issue.title == "The weekly run failed"
    assert f"Failed: build. The run, with its logs: {RUN}" in issue.body
    assert "issue: nothing" in report(hub, "--results", told, "--details", RUN).output
    assert issue.comments == [], "the same run is told once"
    assert "went on" in report(hub, "--failed", "check", "--details", f"{RUN}1").output
    assert issue.comments == [f"Failed: check. The run, with its logs: {RUN}1"]
    assert "closed" in report(hub, "--details", f"{RUN}2").output
    assert issue.state == "closed"
    assert issue.comments[-1].startswith("Mended")
    assert "nothing" in report(hub, "--details", f"{RUN}3").output
    assert len(hub.issues) == 1
    assert "opened" in report(hub, "--failed", "build", "--details", f"{RUN}4").output
    assert len(hub.issues) == 2, "a new trouble gets a new issue"


def test_other_issues_and_tasks_are_left_alone(hub: GitHub) -> None:
    marker = "<!-- gpu-wheelhouse: weekly -->"
    others = [KeptIssue(number, "Something else", "") for number in range(100, 107)]
    hub.issues += [*others, KeptIssue(200, "A pull request", marker, pull=True)]
    hub.faults.page = 3  # the list comes in pages
    assert "opened" in report(hub, "--failed", "build", "--details", RUN).output
    assert "opened" in report(hub, "--task", "nightly", "--failed", "x", "--details", RUN).output
    assert "closed" in report(hub, "--details", f"{RUN}1").output
    assert [one.state for one in hub.issues[-2:]] == ["closed", "open"]
    assert all(one.state == "open" and not one.comments for one in hub.issues[:8])


def test_an_answer_that_is_lost_opens_no_second_issue(hub: GitHub) -> None:
    hub.faults.lost_answers = 1
    assert "opened" in report(hub, "--failed", "build", "--details", RUN).output
    assert len(hub.issues) == 1


@pytest.mark.parametrize("results", ["no JSON", "[]", '{"build": 1}'])
def test_results_that_are_none(hub: GitHub, results: str) -> None:
    done = report(hub, "--results", results, "--details", RUN)
    assert done.exit_code == 2
    assert "toJSON(needs)" in done.output


def test_without_rights_or_a_token(hub: GitHub) -> None:
    hub.faults.refused_writes = 403
    done = report(hub, "--failed", "build", "--details", RUN)
    assert isinstance(done.exception, PublishError)
    assert "issues: write" in str(done.exception)
    assert report(hub, "--failed", "build", "--details", RUN, token=None).exit_code == 2
