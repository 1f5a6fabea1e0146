"""What an upload decides before it does anything, and who may see a password."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import requests

from index.errors import PublishError
from index.publish.rest import Answered
from index.publish.twine_account import Account, Nobody, check_repository, find_account
from index.publish.twine_plan import Item, Served, make_upload_plan
from index.publish.twine_send import refusal
from index.publish.twine_served import roots_below

URL = "https://wheels.example.org/"


def item(name: str, *, sha256: str = "a" * 64, companion: bool = False) -> Item:
    return Item(
        filename=f"{name}-1.0+cu118-py3-none-any.whl",
        path=Path(name),
        project=name,
        version="1.0+cu118",
        sha256=sha256,
        size=10,
        companion=companion,
    )


def served(of: Item, sha256: str) -> dict[str, dict[str, Served]]:
    return {of.project: {of.filename: Served(filename=of.filename, url="", sha256=sha256)}}


def test_the_same_bytes_are_skipped_and_others_are_refused() -> None:
    there, other, new = item("there"), item("other"), item("new")
    plan = make_upload_plan(
        [there, other, new],
        served(there, there.sha256) | served(other, "b" * 64) | {"new": {}},
    )
    assert plan.of("skip") == (there,)
    assert plan.of("upload") == (new,)
    assert [one.name for one in plan.refused] == [other.filename]
    assert plan.upload_bytes == 10
    with pytest.raises(PublishError, match="raise the recipe's revision"):
        plan.raise_if_refused()


def test_an_account_shows_itself_to_the_server_alone() -> None:
    password = 'pa/ss "wörd"+%'
    account = Account("maker", password, source="a test")
    request = account.auth()(requests.Request("GET", URL).prepare())
    kind, _, coded = request.headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(coded).decode()) == ("Basic", f"maker:{password}")
    assert password not in repr(account)
    for form in (password, coded, coded.rstrip("="), "pa%2Fss%20%22w%C3%B6rd%22%2B%25"):
        assert account.hide(f"it said {form}!") == "it said ***!"


@pytest.mark.parametrize(("name", "password"), [("", "x"), ("a", "b\nc"), ("a:b", "c"), ("a", "")])
def test_what_can_be_no_account(name: str, password: str) -> None:
    with pytest.raises(PublishError) as error:
        Account(name, password, source="a test")
    assert "b\nc" not in str(error.value)


def test_where_an_account_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {(URL, "maker"): "from-the-ring"}
    monkeypatch.setattr("keyring.get_password", lambda url, name: kept.get((url, name)))
    monkeypatch.setattr("keyring.get_credential", lambda url, name: None)
    told = {"TWINE_USERNAME": "maker", "TWINE_PASSWORD": "from-the-environment"}
    found = find_account(told, URL)
    assert found is not None
    assert found.hide("from-the-environment") == "***"
    ring = find_account({"TWINE_USERNAME": "maker"}, URL)
    assert ring is not None
    assert ring.hide("from-the-ring") == "***"
    assert find_account({}, URL) is None
    with pytest.raises(PublishError, match="there is no password to it"):
        find_account({"TWINE_USERNAME": "maker"}, "https://elsewhere.example.org/")


def test_a_keyring_that_fails_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(url: str, name: str) -> str:
        raise RuntimeError("the secret is s3cret")

    monkeypatch.setattr("keyring.get_password", fails)
    with pytest.raises(PublishError) as error:
        find_account({"TWINE_USERNAME": "maker"}, URL)
    assert "s3cret" not in str(error.value)


def test_a_password_goes_over_https_alone_but_for_loopback() -> None:
    assert check_repository("http://127.0.0.1:8080", option="x", account=True).endswith(":8080/")
    assert check_repository("http://wheels.example.org", option="x", account=False)
    with pytest.raises(PublishError, match="over https only"):
        check_repository("http://wheels.example.org", option="x", account=True)


def test_where_pages_are_looked_for() -> None:
    assert roots_below(URL) == (f"{URL}simple/", f"{URL}+simple/")


def test_nobody_signs_nothing() -> None:
    request = Nobody()(requests.Request("GET", URL).prepare())
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("status", "message", "says"),
    [
        (400, "The use of local versions in … is not allowed", "no versions with a local part"),
        (400, "bad", "some indexes take no local versions (+cu118)"),
        (401, "who?", "the name or the password is wrong"),
        (413, "too large", "no files of that size"),
    ],
)
def test_each_refusal_is_told_with_what_helps(status: int, message: str, says: str) -> None:
    error = refusal(item("tiny"), Answered(status, message, frozenset()))
    assert says in str(error)


@pytest.mark.parametrize("url", ["https://[", "https://host:port/", "https:///x"])
def test_an_address_that_is_none_is_named_and_not_tried(url: str) -> None:
    with pytest.raises(PublishError, match="--repository-url: an address"):
        check_repository(url, option="--repository-url", account=False)
