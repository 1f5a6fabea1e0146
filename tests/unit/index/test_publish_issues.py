"""One issue per task that repeats: opened, gone on with, closed; never twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.errors import PublishError
from index.publish import patience
from index.publish.issues import Issues, Outcome
from index.publish.rest import Rest
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


def test_what_jobs_tell_stands_in_the_issue_and_mentions_nobody(hub: GitHub) -> None:
    told = "x.whl is kept back: failed under Python 3.12: test `t`\n@everybody #1 (assert False)"
    results = {
        "build": {"result": "failure", "outputs": {}},
        "choose": {"result": "success", "outputs": {"told": told, "wheels": "1"}},
        "publish": {"result": "success", "outputs": {"told": ""}},
        "check": {"result": "success"},
    }
    report(hub, "--results", json.dumps(results), "--details", RUN)
    (issue,) = hub.issues
    assert "Failed: build." in issue.body
    assert (
        "```\nx.whl is kept back: failed under Python 3.12: test 't' @everybody #1 (assert False)"
        "\n```\n\nIt is written here again"
    ) in issue.body
    assert issue.body.count("```") == 2
    assert "nothing" in report(hub, "--results", json.dumps(results), "--details", RUN).output
    well = {"choose": {"result": "success", "outputs": {"told": told}}}
    report(hub, "--results", json.dumps(well), "--details", f"{RUN}1")
    assert issue.state == "closed"
    assert "kept back" not in issue.comments[-1]


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


@pytest.mark.parametrize(
    "answers",
    [
        {"?": b"<html>"},
        {"?": b'["x"]'},
        {"?": b'[{"number": "x", "body": "<!-- gpu-wheelhouse: weekly -->"}]'},
        {"/7/comments": b'[{"id": 1}]'},
        {"/7": b"<html>"},
        {"/7": b"{}"},
    ],
    ids=str,
)
def test_answers_that_are_none_of_githubs_are_named(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, bytes]
) -> None:
    good = {
        "?": b'[{"number": 7, "body": "<!-- gpu-wheelhouse: weekly -->"}]',
        "/7/comments": b"[]",
        "/7": b'{"body": null}',
    }

    def ask(self: Rest, method: str, url: str, **_: object) -> requests.Response:
        answer = requests.Response()
        path, _, asked = url.partition("/issues")[2].partition("?")
        answer._content = {**good, **answers}[path or f"?{asked}"[:1]]
        return answer

    monkeypatch.setattr(Rest, "ask", ask)
    with closing(Rest(None, patience.Pace(), print)) as rest:
        issues = Issues(rest, api="https://api.host", repo="a/b")
        with pytest.raises(PublishError, match="is --api right"):
            issues.tell(Outcome(task="weekly", failed=("build",), details=RUN))
