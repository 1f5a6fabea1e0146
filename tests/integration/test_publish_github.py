"""`builder publish github` against a server of ours that behaves as GitHub's documented API."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.check import check_site
from index.publish import patience, plan
from index.serve import Server
from index.site.disk import read_state
from tests.github_kit import TOKEN, GitHub, github

from .client_kit import make_client, tiny_wheel

pytestmark = pytest.mark.integration

GPU = "tiny_gpu-1.0+cu118-py3-none-any.whl"
BASE = "tiny_base-1.0-py3-none-any.whl"
TAG = "tiny-gpu-1.0+cu118"
SECRETS = (TOKEN, quote(TOKEN, safe=""), base64.b64encode(TOKEN.encode()).decode().rstrip("="))


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as running:
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, instead of waiting."""
    waited: list[float] = []
    real = patience.Pace

    def quick() -> patience.Pace:
        return real(sleep=waited.append, now=lambda: 1000.0)

    monkeypatch.setattr(patience, "Pace", quick)
    return waited


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two wheels in `dist`."""
    tiny_wheel(tmp_path / "dist", BASE)
    tiny_wheel(tmp_path / "dist", GPU, "tiny-base")
    return tmp_path


def words(hub: GitHub, place: Path, *more: str) -> list[str]:
    return [
        *("--cache-dir", str(place / "cache"), "publish", "github", *hub.options),
        *("--dist", str(place / "dist"), "--site", str(place / "site"), *more),
    ]


def publish(hub: GitHub, place: Path, *more: str, token: str | None = TOKEN) -> Result:
    env = {"GITHUB_TOKEN": token, "GH_TOKEN": None}
    done = CliRunner().invoke(cli, words(hub, place, *more), env=env)
    check_silence(place, done.output + repr(done.exception))
    return done


def check_silence(place: Path, output: str) -> None:
    """The token is in no output and in no file."""
    for secret in SECRETS:
        assert secret not in output
        for path in place.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def advertised(place: Path) -> dict[str, str]:
    state = read_state(place / "site")
    return {known.filename: known.url for known in state.all_files()}


def complete(hub: GitHub, place: Path) -> None:
    """Both wheels and their metadata are there, whole, and the index names them."""
    for tag, wheel in ((TAG, GPU), ("tiny-base-1.0", BASE)):
        assert hub.names(tag) == {wheel, f"{wheel}.metadata"}
        kept = {asset.name: asset.data for asset in hub.release(tag).assets}
        assert kept[wheel] == (place / "dist" / wheel).read_bytes()
        assert advertised(place)[wheel] == (
            f"{hub.url}/Maker/wheels/releases/download/{tag}/{wheel}"
        )


def test_wheels_then_metadata_then_the_index_and_a_second_time_nothing(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    done = publish(hub, place, "--default-cuda", "cu118")
    assert done.exit_code == 0, done.output
    complete(hub, place)
    assert (place / "site/simple/tiny-gpu/index.html").is_file()
    assert hub.uploads() == [BASE, GPU, f"{BASE}.metadata", f"{GPU}.metadata"]
    ledger = (place / "site/ledger.jsonl").read_bytes()
    page = (place / "site/cu118/tiny-gpu/index.html").read_text()
    assert "releases/download/tiny-gpu-1.0%2Bcu118/tiny_gpu-1.0%2Bcu118-py3" in page
    assert not check_site(place / "site").findings
    again = publish(hub, place)
    assert again.exit_code == 0, again.output
    assert "0 new in the index, 2 as they were" in again.output
    assert len(hub.uploads()) == 4
    assert (place / "site/ledger.jsonl").read_bytes() == ledger
    assert not hub.authorised_downloads


def test_a_dry_run_says_everything_and_changes_nothing(hub: GitHub, place: Path) -> None:
    done = publish(hub, place, "--dry-run", "--json", token=None)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["create"] == ["tiny-base-1.0", TAG]
    assert [one["action"] for one in told["assets"]] == ["upload"] * 4
    assert told["added"] == [BASE, GPU]
    assert not hub.releases
    assert all(line.startswith("GET ") for line in hub.log)
    assert not (place / "site").exists()
    assert not (place / "cache").exists()


def test_a_python_is_advertised_without_a_wheel(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    assert publish(hub, place).exit_code == 0
    uploads = hub.uploads()
    (place / "dist").rename(place / "elsewhere")
    done = publish(hub, place, "--python", "3.10 3.11", "--python", "3.15")
    assert done.exit_code == 0, done.output
    assert read_state(place / "site").settings.pythons == ("3.10", "3.11", "3.15")
    assert "3.15" in (place / "site/index.html").read_text()
    assert hub.uploads() == uploads
    assert not check_site(place / "site").findings
    again = publish(hub, place, "--python", "3.10 3.11 3.15")
    assert "there is no wheel in" in str(again.exception), "and nothing to say of the index"


def test_without_a_token_it_says_where_it_looks(hub: GitHub, place: Path) -> None:
    done = publish(hub, place, token=None)
    assert done.exit_code == 2
    assert "GITHUB_TOKEN or GH_TOKEN" in done.output
    assert not hub.log


@pytest.mark.parametrize(
    ("fault", "count"), [("broken_uploads", 2), ("cut_uploads", 1), ("lost_answers", 2)]
)
def test_an_upload_that_fails_is_mended(
    hub: GitHub, place: Path, waits: list[float], fault: str, count: int
) -> None:
    setattr(hub.faults, fault, count)
    done = publish(hub, place)
    assert done.exit_code == 0, done.output
    complete(hub, place)
    deleted = [line for line in hub.log if line.startswith("deleted")]
    assert all(line.startswith("deleted starter") for line in deleted)
    assert len(deleted) == (0 if fault == "lost_answers" else count)
    assert len(hub.uploads()) == 4


def test_an_upload_that_never_works_leaves_the_index_as_it_was(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    hub.faults.broken_uploads = 10**6
    done = publish(hub, place)
    assert done.exception is not None
    assert "could not be sent" in str(done.exception)
    assert "it goes on where it stopped" in str(done.exception)
    assert not (place / "site/ledger.jsonl").exists()
    hub.faults.broken_uploads = 0
    assert publish(hub, place).exit_code == 0
    complete(hub, place)


def test_a_list_that_lags_is_waited_for(hub: GitHub, place: Path, waits: list[float]) -> None:
    hub.faults.lag = 3
    done = publish(hub, place)
    assert done.exit_code == 0, done.output
    complete(hub, place)
    assert waits == [1, 2]  # two lists each time
    assert len(hub.uploads()) == 4


def test_a_list_that_lags_after_a_lost_answer_is_no_reason_to_replace(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    hub.faults.lost_answers, hub.faults.lag = 1, 3
    done = publish(hub, place)
    assert done.exit_code == 0, done.output
    complete(hub, place)
    assert len(hub.uploads()) == 4
    assert not any(line.startswith("deleted") for line in hub.log)


def test_a_list_of_many_pages(hub: GitHub, place: Path, waits: list[float]) -> None:
    hub.add(TAG, **{f"other-{number}.txt": b"other" for number in range(7)})
    hub.faults.page = 2
    done = publish(hub, place)
    assert done.exit_code == 0, done.output
    assert {GPU, "other-6.txt"} <= hub.names(TAG)
    assert any("page=4" in line for line in hub.log)
    assert publish(hub, place).exit_code == 0
    assert len(hub.uploads()) == 4


@pytest.mark.parametrize("data", [b"other bytes", b"longer"])
def test_another_file_under_the_name_is_refused_and_left_alone(
    hub: GitHub, place: Path, waits: list[float], data: bytes
) -> None:
    size = (place / "dist" / GPU).stat().st_size
    other = data * size if data == b"longer" else b"x" * size
    hub.add(TAG, **{GPU: other})
    done = publish(hub, place)
    assert f"{GPU}: the release '{TAG}' has another file" in str(done.exception)
    assert "raise the recipe's revision" in str(done.exception)
    assert hub.release(TAG).assets[0].data == other
    assert not hub.uploads()
    assert not any(line.startswith(("POST", "DELETE")) for line in hub.log)
    assert not (place / "site/ledger.jsonl").exists()


@pytest.mark.parametrize("same", [True, False])
def test_where_there_is_no_digest_the_bytes_are_fetched(
    hub: GitHub, place: Path, waits: list[float], same: bool
) -> None:
    data = (place / "dist" / GPU).read_bytes()
    hub.faults.digests = False
    hub.add(TAG, **{GPU: data if same else b"x" * len(data)})
    done = publish(hub, place)
    if same:
        assert done.exit_code == 0, done.output
        assert GPU not in hub.uploads()
        complete(hub, place)
    else:
        assert "has another file" in str(done.exception)
        assert not hub.uploads()
    assert not hub.authorised_downloads


def test_bytes_that_arrive_as_others_are_not_advertised(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    hub.faults.corrupt = True
    done = publish(hub, place)
    assert "is not there as it was sent" in str(done.exception)
    assert not (place / "site/ledger.jsonl").exists()


def test_names_that_the_host_changes_are_not_advertised(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    hub.faults.rename = True
    done = publish(hub, place)
    assert "GitHub does not list them" in str(done.exception)
    assert not (place / "site/ledger.jsonl").exists()


def test_a_wheel_that_is_too_large_stops_it_before_anything_is_sent(
    hub: GitHub, place: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_wheel(place / "dist", "tiny_large-1.0-py3-none-any.whl", says="x" * 5000)
    monkeypatch.setattr(plan, "LIMIT", 3000)
    done = publish(hub, place)
    assert "tiny_large-1.0-py3-none-any.whl: it has" in str(done.exception)
    assert "1 files cannot be published; nothing was changed" in str(done.exception)
    assert not hub.releases
    assert not (place / "site/ledger.jsonl").exists()


def test_what_users_cannot_fetch_is_not_advertised(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    hub.faults.private = 10**6
    done = publish(hub, place)
    assert "is the repository public?" in str(done.exception)
    assert not (place / "site/ledger.jsonl").exists()
    hub.faults.private = 2  # it only took a while
    hub.release(TAG).assets.clear()
    assert publish(hub, place).exit_code == 0
    complete(hub, place)


def test_the_token_follows_no_list_to_another_host(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    with github() as other:
        hub.faults.foreign_page = f"{other.url}/api/repos/Maker/wheels"
        hub.add(TAG)
        done = publish(hub, place)
        assert "another host" in str(done.exception)
        assert not other.log


def test_an_immutable_release_is_refused_before_anything_is_sent(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    hub.add(TAG).immutable = True
    done = publish(hub, place)
    assert "is immutable" in str(done.exception)
    assert not hub.uploads()


def test_a_draft_with_the_tag_is_named(hub: GitHub, place: Path, waits: list[float]) -> None:
    hub.add(TAG).draft = True
    done = publish(hub, place)
    assert "a draft may have that tag" in str(done.exception)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ((429, {"Retry-After": "7"}, "Too many"), 7),
        ((403, {"Retry-After": "30"}, "You have exceeded a secondary rate limit"), 30),
        (
            (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1090"}, "limit exceeded"),
            91,
        ),
        ((403, {}, "You have exceeded a secondary rate limit."), 60),
    ],
)
def test_rate_limits_are_waited_for_and_said(
    hub: GitHub,
    place: Path,
    waits: list[float],
    answer: tuple[int, dict[str, str], str],
    seconds: int,
) -> None:
    hub.faults.answers = [answer, answer]
    done = publish(hub, place)
    assert done.exit_code == 0, done.output
    assert waits == ([60, 120] if not answer[1] else [seconds, seconds])
    assert f"asks to wait {seconds} s" in done.output
    complete(hub, place)


def test_a_limit_of_a_day_ends_it(hub: GitHub, place: Path, waits: list[float]) -> None:
    hub.faults.answers = [(429, {"Retry-After": "86400"}, "Later")]
    done = publish(hub, place)
    assert "86400 seconds" in str(done.exception)
    assert "it goes on where it stopped" in str(done.exception)
    assert not waits


def test_a_server_that_fails_is_asked_again(hub: GitHub, place: Path, waits: list[float]) -> None:
    hub.faults.answers = [(500, {}, "Oops"), (503, {}, "Unicorn")]
    done = publish(hub, place)
    assert done.exit_code == 0, done.output
    assert waits == [1, 2]
    complete(hub, place)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_asked_again_and_tells_no_token(
    hub: GitHub, place: Path, waits: list[float], status: int
) -> None:
    hub.faults.refused_writes, hub.faults.echo = status, True
    done = publish(hub, place)
    assert f"it answered {status}" in str(done.exception)
    assert "***" in str(done.exception)  # the server did tell it
    assert not waits
    assert sum(line.startswith("POST") for line in hub.log) == 1


def test_a_wrong_token_is_told_by_nobody(hub: GitHub, place: Path, waits: list[float]) -> None:
    hub.faults.echo = True
    wrong = "ghp_wrong_0123456789"
    done = publish(hub, place, token=wrong)
    assert "the token is wrong or has expired" in str(done.exception)
    assert wrong not in done.output + repr(done.exception)


@pytest.mark.parametrize("token", ["line\nbreak-in-it", "with space", "né"])
def test_what_is_no_token_is_not_repeated(hub: GitHub, place: Path, token: str) -> None:
    done = publish(hub, place, token=token)
    assert "is no token" in str(done.exception)
    assert token not in done.output + str(done.exception)


def test_a_token_goes_over_https_only(hub: GitHub, place: Path) -> None:
    done = publish(hub, place, "--api", "http://example.invalid/api")
    assert "over https only" in str(done.exception)


def test_other_bytes_than_the_index_has_stop_it(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    assert publish(hub, place).exit_code == 0
    tiny_wheel(place / "dist", GPU, "tiny-base", says="another build")
    done = publish(hub, place)
    assert "the index has other bytes under that name" in str(done.exception)
    assert len(hub.uploads()) == 4


def test_a_twin_of_a_name_stops_it_before_anything_is_sent(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    assert publish(hub, place).exit_code == 0
    tiny_wheel(place / "dist", "tiny_gpu-1.0.0+cu118-py3-none-any.whl")
    done = publish(hub, place)
    assert "spelling" in str(done.exception)
    assert len(hub.uploads()) == 4


def test_an_advertised_asset_that_went_missing_is_put_back(
    hub: GitHub, place: Path, waits: list[float]
) -> None:
    assert publish(hub, place).exit_code == 0
    release = hub.release(TAG)
    release.assets = [asset for asset in release.assets if asset.name != GPU]
    assert publish(hub, place).exit_code == 0
    complete(hub, place)


def test_attestations_go_along(hub: GitHub, place: Path, waits: list[float]) -> None:
    proof = b'{"version": 1, "attestation_bundles": []}'
    (place / "dist" / f"{GPU}.provenance").write_bytes(proof)
    assert publish(hub, place).exit_code == 0
    assert f"{GPU}.provenance" in hub.names(TAG)
    files = (place / "site/ledger.jsonl").read_text()
    assert '"provenance":true' in files
    (place / "dist" / f"{BASE}.provenance").write_bytes(proof)  # the ledger says it has none
    assert publish(hub, place).exit_code == 0
    assert f"{BASE}.provenance" not in hub.names("tiny-base-1.0")


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_the_same_command_goes_on(
    hub: GitHub, place: Path, sign: signal.Signals
) -> None:
    hub.faults.stall = threading.Event()
    command = [sys.executable, "-m", "builder", *words(hub, place)]
    env = {**os.environ, "GITHUB_TOKEN": TOKEN}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True) as child:
        assert hub.stalled.wait(240)
        child.send_signal(sign)
        said = "".join(child.communicate(timeout=240))
    assert child.returncode == (130 if sign == signal.SIGINT else -sign)
    assert "Traceback" not in said
    assert not (place / "site/ledger.jsonl").exists()
    assert len(hub.uploads()) == 1
    hub.faults.stall.set()
    hub.faults.stall = None
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    complete(hub, place)
    assert len(hub.uploads()) == 4  # the first was not sent twice
    assert "an upload broke off there before" in done.stdout
    check_silence(place, said + done.stdout + done.stderr)


@pytest.mark.parametrize("name", ["pip 24.1.2", "uv"])
def test_installers_install_what_was_published(
    hub: GitHub, place: Path, waits: list[float], name: str
) -> None:
    assert publish(hub, place).exit_code == 0
    client = make_client(name, place / "client")
    (place / "target").mkdir()
    only = "--default-index" if client.is_uv else "--index-url"
    with Server(place / "site") as server:
        done = client.run(
            *("install", "--target", place / "target/lib", only, f"{server.url}/cu118"),
            "tiny-gpu==1.0+cu118",
            cwd=place,
        )
    assert done.returncode == 0, done.stdout
    assert (place / "target/lib/tiny_gpu.py").read_text() == "WHOSE = '1.0+cu118'\n"
    assert (place / "target/lib/tiny_base.py").is_file()
    assert any("releases/download/" in line and line.endswith(".metadata") for line in hub.log)
