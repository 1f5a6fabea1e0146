"""One issue per task that repeats: open while it fails, closed by the run that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import requests

from index.errors import PublishError
from index.publish.rest import (
    Answered,
    Rest,
    Unavailable,
    check_address,
    read_list,
    read_object,
)

PAGE = 100
MOST_PAGES = 50
_RIGHTS = "the token must be allowed to write issues (`permissions: issues: write` in a workflow)"
Done = Literal["opened", "went on", "closed", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run ended.

    Attributes:
        task: What repeats, ``weekly``: each task has one issue.
        failed: The names of what failed; empty where all is well.
        details: Address of the run's own page: names the run.
        notes: What else to say of it where something failed; any text.
    """

    task: str
    failed: tuple[str, ...]
    details: str
    notes: tuple[str, ...] = ()

    @property
    def marker(self) -> str:
        """What an issue of this task holds, and no reader sees."""
        return f"<!-- gpu-wheelhouse: {self.task} -->"

    @property
    def title(self) -> str:
        """Of a new issue."""
        return f"The {self.task} run failed"

    @property
    def body(self) -> str:
        """Of a new issue."""
        return (
            f"{self.told}\n\nIt is written here again as long as it fails; the first run that does "
            f"not closes this issue.\n\n{self.marker}"
        )

    @property
    def told(self) -> str:
        """What a reader should know of this run."""
        if not self.failed:
            return f"Mended: nothing failed in {self.details}"
        told = f"Failed: {', '.join(self.failed)}. The run, with its logs: {self.details}"
        # As code: what a test prints mentions nobody and links to nothing.
        notes = (" ".join(one.replace("`", "'").split()) for one in self.notes)
        return "\n\n".join([told, *(f"```\n{one}\n```" for one in notes if one)])


class Issues:
    """The issues of one repository.

    Args:
        rest: Asks.
        api: The API's address.
        repo: ``OWNER/REPO``.
    """

    def __init__(self, rest: Rest, *, api: str, repo: str) -> None:
        self._rest = rest
        self._repo = repo
        self._base = f"{check_address(api, '--api')}/repos/{repo}/issues"

    def tell(self, outcome: Outcome) -> Done:
        """Open, go on with or close the task's issue; telling the same run twice changes nothing.

        Raises:
            PublishError: GitHub refused, or is out of reach.
        """
        number = self._find(outcome.marker)
        if not outcome.failed:
            if number is None:
                return "nothing"
            self._comment(number, outcome)
            self._send("PATCH", f"{self._base}/{number}", {"state": "closed"})
            return "closed"
        if number is None:
            self._open(outcome)
            return "opened"
        return "went on" if self._comment(number, outcome) else "nothing"

    def _open(self, outcome: Outcome) -> None:
        told = {"title": outcome.title, "body": outcome.body}
        try:
            self._rest.ask("POST", self._base, json=told, ok=(201,), again=False)
        except Unavailable as error:
            # Asked twice, it might be there twice: so look before anybody asks again.
            if self._find(outcome.marker) is None:
                raise _away(error) from None
        except Answered as error:
            raise self._no(error) from None

    def _comment(self, number: int, outcome: Outcome) -> bool:
        """Write to an issue, unless this run stands there already."""
        texts = [_body(one) for one in self._pages(f"{self._base}/{number}/comments?")]
        texts.append(_body(read_object(self._ask("GET", f"{self._base}/{number}"))))
        if any(outcome.details in text and outcome.told in text for text in texts):
            return False
        self._send("POST", f"{self._base}/{number}/comments", {"body": outcome.told})
        return True

    def _find(self, marker: str) -> int | None:
        """The open issue with that marker, the oldest where there are several."""
        found = [
            _number(one)
            for one in self._pages(f"{self._base}?state=open&")
            if "pull_request" not in one and marker in _body(one)
        ]
        return min(found, default=None)

    def _pages(self, url: str) -> Iterator[dict[str, Any]]:
        for page in range(1, MOST_PAGES + 1):
            answer = self._ask("GET", f"{url}per_page={PAGE}&page={page}")
            yield from read_list(answer)
            if "next" not in answer.links:
                return

    def _send(self, method: str, url: str, told: dict[str, str]) -> None:
        self._ask(method, url, told)

    def _ask(self, method: str, url: str, told: dict[str, str] | None = None) -> requests.Response:
        try:
            return self._rest.ask(
                method, url, json=told, ok=(200, 201), again=method in ("GET", "PATCH")
            )
        except Answered as error:
            raise self._no(error) from None
        except Unavailable as error:
            raise _away(error) from None

    def _no(self, error: Answered) -> PublishError:
        remedies = {
            401: "the token is wrong or has expired",
            403: _RIGHTS,
            404: f"is there a repository '{self._repo}'? {_RIGHTS}",
            410: "issues are switched off in this repository: switch them on in its settings",
        }
        return PublishError(
            f"{self._repo}: GitHub refused: {error}", remedy=remedies.get(error.status)
        )


def _body(data: dict[str, Any]) -> str:
    """The text of an issue or a comment; an issue may have none."""
    try:
        return str(data["body"] or "")
    except KeyError:
        raise PublishError("the API's answer describes no issue; is --api right?") from None


def _number(data: dict[str, Any]) -> int:
    try:
        return int(data["number"])
    except (KeyError, TypeError, ValueError):
        raise PublishError("the API's answer describes no issue; is --api right?") from None


def _away(error: Unavailable) -> PublishError:
    return PublishError(
        f"GitHub is out of reach: {error}",
        remedy="run the same command again; nothing is written twice",
    )
