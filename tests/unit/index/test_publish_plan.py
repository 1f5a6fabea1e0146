"""What publishing decides before it does anything: releases, folders, waits, tokens."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from index.errors import PublishError
from index.publish.assets import LIMIT, Asset, Release, There, wrong_address
from index.publish.copying import Item, Seen, Stage, make_folder_plan
from index.publish.patience import Pace, limit_wait, retry_after
from index.publish.plan import Plan, Refused, make_plan
from index.publish.rest import Rest, check_address, plain
from index.publish.token import Token, find_token

TAG = "tiny-1.0+cu118"
WHEEL = "tiny-1.0+cu118-py3-none-any.whl"


def asset(name: str = WHEEL, *, tag: str = TAG, size: int = 10, kind: str = "wheel") -> Asset:
    return Asset(
        name=name,
        tag=tag,
        kind="wheel" if kind == "wheel" else "beside",
        content=b"",
        size=size,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        url=f"https://host/O/R/releases/download/{tag}/{name}",
    )


def there(of: Asset, **changes: Any) -> There:
    facts: dict[str, Any] = {
        "number": 1,
        "name": of.name,
        "size": of.size,
        "state": "uploaded",
        "sha256": of.sha256,
        "url": of.url.replace("+", "%2B"),
    }
    return There(**{**facts, **changes})


def release(*assets: There, immutable: bool = False) -> Release:
    return Release(number=5, tag=TAG, immutable=immutable, upload_url="", assets=assets)


def actions(plan: Plan) -> list[tuple[str, str]]:
    return [(step.asset.name, step.action) for step in plan.steps]


def test_wheels_come_before_what_lies_beside_them_over_all_releases() -> None:
    wanted = [
        asset("a.whl", tag="a"),
        asset("a.whl.metadata", tag="a", kind="beside"),
        asset("b.whl", tag="b"),
        asset("b.whl.metadata", tag="b", kind="beside"),
    ]
    plan = make_plan(wanted, {"a": None, "b": release()})
    assert [name for name, _ in actions(plan)] == [
        "a.whl",
        "b.whl",
        "a.whl.metadata",
        "b.whl.metadata",
    ]
    assert plan.create == ("a",)
    assert plan.upload_bytes == 40


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, "skip"),
        ({"sha256": None}, "compare"),
        ({"state": "starter", "size": 3, "sha256": None}, "resend"),
        ({"state": "starter", "size": 10}, "resend"),
        ({"name": "another"}, "upload"),
    ],
)
def test_what_is_there_decides(changes: dict[str, object], action: str) -> None:
    one = asset()
    plan = make_plan([one], {TAG: release(there(one, **changes))})
    assert actions(plan) == [(WHEEL, action)]
    assert not plan.refused


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": 11}, "11 bytes there, and 10 here"),
        ({"sha256": "0" * 64}, "sha256 000"),
        ({"size": 11, "sha256": None}, "11 bytes there"),
    ],
)
def test_another_file_is_refused(changes: dict[str, object], why: str) -> None:
    one, other = asset(), asset("other.whl")
    plan = make_plan([one, other], {TAG: release(there(one, **changes))})
    assert why in plan.refused[0].why
    with pytest.raises(PublishError, match="1 files cannot be published; nothing was changed"):
        plan.raise_if_refused()


@pytest.mark.parametrize(("size", "refused"), [(LIMIT - 1, 0), (LIMIT, 1), (LIMIT + 1, 1)])
def test_two_gibibytes_are_too_many(size: int, refused: int) -> None:
    plan = make_plan([asset(size=size)], {TAG: None})
    assert len(plan.refused) == refused
    assert len(plan.steps) == 1 - refused


@pytest.mark.parametrize("name", ["tiny-1!2.0-py3-none-any.whl", "a b.whl", ".a.whl", "a.whl."])
def test_names_that_github_changes_are_refused(name: str) -> None:
    assert "replaces characters" in make_plan([asset(name)], {TAG: None}).refused[0].why


def test_an_immutable_release_takes_nothing_new_and_keeps_what_it_has() -> None:
    one, new = asset(), asset("new.whl")
    plan = make_plan([one, new], {TAG: release(there(one), immutable=True)})
    assert actions(plan) == [(WHEEL, "skip")]
    assert [refused.name for refused in plan.refused] == ["new.whl"]


def test_a_release_has_a_thousand_assets_at_most() -> None:
    full = release(*(there(asset(f"{number}.whl")) for number in range(1000)))
    assert "1001 files" in make_plan([asset()], {TAG: full}).refused[0].why


def test_many_refusals_are_counted() -> None:
    refused = tuple(Refused(name=f"{number}", why="no", remedy="r") for number in range(25))
    plan = Plan(create=(), steps=(), refused=refused)
    with pytest.raises(PublishError, match="and 5 more"):
        plan.raise_if_refused()


def test_the_address_must_be_the_one_the_index_names() -> None:
    one = asset()
    assert wrong_address(one, there(one)) is None
    assert wrong_address(one, there(one, url=one.url.replace("O/R", "o/r"))) is None
    assert wrong_address(one, there(one, url=one.url.replace("+", "."))) is not None


# -- waits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "message", "seconds"),
    [
        (200, {"Retry-After": "7"}, "", None),
        (500, {"Retry-After": "7"}, "", None),
        (403, {}, "Resource not accessible by integration", None),
        (403, {"x-ratelimit-remaining": "12"}, "Forbidden", None),
        (403, {"retry-after": "7"}, "", 7),
        (429, {"Retry-After": "Thu, 01 Jan 1970 00:16:50 GMT"}, "", 10),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1030"}, "", 31),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900"}, "", 1),
        (429, {}, "", 60),
        (403, {}, "You have exceeded a secondary rate limit", 60),
    ],
)
def test_only_a_rate_limit_is_waited_for(
    status: int, headers: dict[str, str], message: str, seconds: float | None
) -> None:
    pace = Pace(now=lambda: 1000.0)
    assert limit_wait(status, headers, message, pace, 0) == seconds


def test_a_secondary_limit_is_waited_for_longer_each_time() -> None:
    pace = Pace(now=lambda: 1000.0)
    assert [limit_wait(429, {}, "", pace, met) for met in range(3)] == [60, 120, 240]


def test_nonsense_in_retry_after_is_none() -> None:
    assert retry_after("soon", 0) is None
    assert retry_after("", 0) is None


# -- tokens -----------------------------------------------------------------------------------


def test_a_token_shows_itself_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    token = find_token({"GITHUB_TOKEN": " ", "GH_TOKEN": "s3cret+token\n"}, "host")
    assert token is not None
    assert token.header() == "Bearer s3cret+token"
    assert "s3cret" not in f"{token} {token!r}"
    hidden = token.hide("a s3cret+token b s3cret%2Btoken c czNjcmV0K3Rva2Vu d")
    assert hidden == "a *** b *** c *** d"
    with pytest.raises((TypeError, AttributeError)):
        vars(token)


def test_the_keyring_is_asked_last_and_its_errors_are_dropped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keyring.py").write_text(
        "def get_password(service, name):\n"
        "    if name == 'broken': raise RuntimeError('s3cret')\n"
        "    return f'{service}@{name}'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    # A real one may be there; and this one must be gone afterwards.
    monkeypatch.setitem(sys.modules, "keyring", None)
    del sys.modules["keyring"]
    found = find_token({}, "api.host")
    assert found is not None
    assert found.header() == "Bearer gpu-wheelhouse@api.host"
    assert find_token({}, "broken") is None


def test_a_token_is_cut_off_nowhere() -> None:
    # Hidden first, cut then: half a token would not be found.
    rest = Rest(Token("s3cret-token", source="$X"), Pace(), print)
    assert "s3c" not in rest.hide("x" * 295 + "s3cret-token")
    rest.close()


def test_a_connection_that_broke_is_told_in_words_alone() -> None:
    def refused() -> Exception:
        try:
            requests.get("http://127.0.0.1:9", timeout=240)
        except requests.ConnectionError as error:
            return error
        raise AssertionError("somebody listens")

    assert plain(refused()) == (
        "no connection (Failed to establish a new connection: [Errno 111] Connection refused)"
    )
    old = "<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to resolve 'host'"
    assert plain(requests.ConnectionError(old)) == "no connection (Failed to resolve 'host')"
    new = "HTTPSConnection(host='host', port=443): Failed to resolve 'host'"
    assert plain(requests.ConnectionError(new)) == "no connection (Failed to resolve 'host')"
    assert plain(requests.ConnectTimeout()) == "no connection in time"
    assert plain(requests.ReadTimeout()) == "no answer in time"
    assert plain(requests.ConnectionError()) == "no connection (ConnectionError)"


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org", "ftp://x", "https://me:pw@host", "https://host?x=1", "host"),
        *("https://[", "https://host:port", "https:///x"),
    ],
)
def test_addresses_a_token_is_not_sent_to(url: str) -> None:
    with pytest.raises(PublishError):
        check_address(url, "--api")


# -- folders ----------------------------------------------------------------------------------


@pytest.fixture
def item(tmp_path: Path) -> Callable[..., Item]:
    def make(path: str, stage: Stage, *, named: bool = False) -> Item:
        return Item(
            path=path, stage=stage, source=tmp_path, size=4, sha256=path.ljust(64), named=named
        )

    return make


def test_the_order_is_wheels_metadata_ledger_head_pages(item: Callable[..., Item]) -> None:
    paths = [
        ("index.html", Stage.PAGE),
        ("cu118/index.html", Stage.PAGE),
        ("cu118/a/index.html", Stage.PAGE),
        ("ledger.head.json", Stage.HEAD),
        ("ledger.jsonl", Stage.LEDGER),
        ("files/a.whl.metadata", Stage.BESIDE),
        ("files/a.whl", Stage.WHEEL),
    ]
    plan = make_folder_plan([item(*one) for one in paths], {}, ours=False)
    assert [copy.item.path for copy in plan.copies] == [path for path, _ in reversed(paths)]


@pytest.mark.parametrize(
    ("stage", "named", "ours", "same", "outcome"),
    [
        (Stage.WHEEL, False, False, True, "same"),
        (Stage.WHEEL, False, True, False, "refused"),
        (Stage.WHEEL, True, True, False, "mend"),
        (Stage.BESIDE, True, True, False, "mend"),
        (Stage.BESIDE, False, True, False, "refused"),
        (Stage.PAGE, False, True, False, "changed"),
        (Stage.PAGE, False, False, False, "refused"),
        (Stage.LEDGER, False, True, False, "changed"),
    ],
)
def test_other_bytes_are_replaced_only_where_they_are_ours(
    item: Callable[..., Item], stage: Stage, named: bool, ours: bool, same: bool, outcome: str
) -> None:
    one = item("files/x", stage, named=named)
    seen = {one.path: Seen(size=4, sha256=one.sha256 if same else "0" * 64)}
    plan = make_folder_plan([one], seen, ours=ours)
    found = [copy.why for copy in plan.copies]
    found += ["same"] * plan.same + ["refused"] * len(plan.refused)
    assert found == [outcome]


def test_a_wheel_the_ledger_there_names_is_trusted_by_its_size(item: Callable[..., Item]) -> None:
    one = item("files/x.whl", Stage.WHEEL, named=True)
    assert make_folder_plan([one], {one.path: Seen(size=4, sha256=None)}, ours=True).same == 1
    short = make_folder_plan([one], {one.path: Seen(size=3, sha256=None)}, ours=True)
    assert [copy.why for copy in short.copies] == ["mend"]


def test_what_is_wanted_is_never_deleted(item: Callable[..., Item]) -> None:
    one = item("files/x.whl", Stage.WHEEL, named=True)
    for seen in ({}, {one.path: Seen(size=4, sha256=None)}):
        plan = make_folder_plan([one], seen, ours=True, vanished=["files/x.whl", "cu1/index.html"])
        assert plan.delete == ("cu1/index.html",)
