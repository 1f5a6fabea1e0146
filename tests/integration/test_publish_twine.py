"""`builder publish twine` against real indexes on loopback, and one that answers as it is told."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.publish import patience
from index.records import Record, write_record
from index.wheels import record_of_wheel
from tests.twine_kit import (
    PASSWORD,
    SERVERS,
    USER,
    Index,
    Stand,
    devpi,
    install,
    pypiserver,
    stand_in,
)

from .client_kit import tiny_wheel

pytestmark = pytest.mark.integration

GPU = "tiny_gpu-1.0+cu118-1-py3-none-any.whl"
BASE = "tiny_base-1.0+cu118-py3-none-any.whl"
COMPANION = "zz_companion-0.9+cu118-1-py3-none-any.whl"
PAIR = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD), PAIR, PAIR.rstrip("="))


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The servers, installed once."""
    return install(tmp_path_factory.mktemp("index-servers"), *SERVERS)


@pytest.fixture(scope="module")
def devpi_index(
    programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Index]]:
    """Makes an index on one devpi-server: it takes seconds to start."""
    with devpi(programs, tmp_path_factory.mktemp("devpi") / "server") as index:
        yield index


@pytest.fixture(params=["pypiserver", "devpi"])
def server(request: pytest.FixtureRequest, programs: Path, tmp_path: Path) -> Iterator[Index]:
    """An index with nothing in it."""
    if request.param == "devpi":
        yield request.getfixturevalue("devpi_index")(f"gpu{time.monotonic_ns()}")
        return
    with pypiserver(programs, tmp_path / "server") as running:
        yield running


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, instead of waiting."""
    waited: list[float] = []
    real = patience.Pace

    def quick() -> patience.Pace:
        return real(sleep=waited.append)

    monkeypatch.setattr(patience, "Pace", quick)
    return waited


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Three wheels, one of them a companion, with its record."""
    folder = tmp_path / "dist"
    tiny_wheel(folder, GPU, "tiny-base")
    tiny_wheel(folder, BASE)
    tiny_wheel(folder, COMPANION)
    record = record_of_wheel(folder / COMPANION).model_copy(update={"companion_of": "tiny-gpu"})
    write_record(record, folder / COMPANION)
    return folder


def publish(
    dist: Path, url: str, *more: str, user: str | None = USER, password: str | None = PASSWORD
) -> Result:
    env = {"TWINE_USERNAME": user, "TWINE_PASSWORD": password, "PYTHON_KEYRING_BACKEND": NO_KEYRING}
    words = ["--cache-dir", str(dist.parent / "cache"), "publish", "twine", str(dist)]
    done = CliRunner().invoke(cli, [*words, "--repository-url", url, *more], env=env)
    check_silence(dist.parent, done.output + repr(done.exception))
    return done


NO_KEYRING = "keyring.backends.null.Keyring"


def check_silence(place: Path, output: str) -> None:
    """The password is in no output and in no file of ours."""
    for secret in SECRETS:
        assert secret not in output
        for path in place.rglob("*"):
            if path.is_file() and not path.is_relative_to(place / "server"):
                assert secret.encode() not in path.read_bytes(), path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def actions(done: Result) -> list[tuple[str, str]]:
    return [(one["name"], one["action"]) for one in json.loads(done.stdout)["wheels"]]


def refused(done: Result) -> str:
    """The message of a run that was refused."""
    assert done.exit_code != 0, done.output
    return str(done.exception)


def test_dry_run_upload_read_back_and_a_second_time_nothing(
    server: Index, dist: Path, tmp_path: Path
) -> None:
    plan = [(COMPANION, "upload"), (BASE, "upload"), (GPU, "upload")]
    dry = publish(dist, server.upload, "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    assert actions(dry) == plan
    assert "3 wheels to upload" in publish(dist, server.upload, "--dry-run").output, "still"
    done = publish(dist, server.upload)
    assert done.exit_code == 0, (done.output, done.exception)
    assert f"all of them read back from {server.simple}" in done.output
    again = publish(dist, server.upload, "--json")
    assert again.exit_code == 0, again.output
    assert actions(again) == [(name, "skip") for name, _ in plan]
    assert json.loads(again.stdout)["index"] == server.simple
    fetched = tmp_path / "fetched"
    download(server, fetched, "tiny-gpu==1.0+cu118")
    assert sha256(fetched / GPU) == sha256(dist / GPU)


def download(server: Index, into: Path, what: str) -> None:
    """As a user does, with pip."""
    url = server.simple.replace("//", f"//{USER}:{quote(PASSWORD, safe='')}@")
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", str(into)]
    env = {"PATH": os.environ["PATH"], "HOME": str(into.parent), "PIP_CONFIG_FILE": os.devnull}
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    subprocess.run([*words, "--index-url", url, what], env=env, check=True)


def test_a_bad_password(server: Index, dist: Path) -> None:
    bad = PASSWORD + "x"
    message = refused(publish(dist, server.upload, password=bad))
    assert "the name or the password is wrong" in message
    assert bad not in message
    good = publish(dist, server.upload, "--dry-run", "--json")
    assert {action for _, action in actions(good)} == {"upload"}, "nothing was taken"


def test_a_file_that_exists_with_other_bytes_is_refused_before_anything_is_sent(
    server: Index, dist: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    tiny_wheel(other, BASE, says="something else")
    assert publish(other, server.upload).exit_code == 0
    message = refused(publish(dist, server.upload))
    assert f"{BASE}: the index serves another file under that name" in message
    assert sha256(other / BASE) in message
    assert "raise the recipe's revision" in message
    (dist / BASE).unlink()
    assert {
        action for _, action in actions(publish(dist, server.upload, "--dry-run", "--json"))
    } == {"upload"}, "the others were not sent"


def test_a_server_that_dies_half_way_and_the_same_command_again(
    programs: Path, dist: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(dist / GPU, "a") as archive:
        archive.writestr("tiny_gpu_data.bin", os.urandom(40_000_000))
    with pypiserver(programs, tmp_path / "server") as index:
        packages = tmp_path / "server/packages"
        watcher = threading.Thread(target=kill_while_it_receives, args=(index, 1_000_000))
        watcher.start()
        message = refused(publish(dist, index.upload))
        watcher.join()
        assert f"{GPU} could not be sent" in message
        assert "run the same command again; it goes on where it stopped" in message
        assert {path.name for path in packages.iterdir()} == {COMPANION, BASE}
        index.start()
        first = {name: (packages / name).stat().st_mtime_ns for name in (COMPANION, BASE)}
        done = publish(dist, index.upload, "--json")
        assert done.exit_code == 0, (done.output, done.exception)
        assert actions(done) == [(COMPANION, "skip"), (BASE, "skip"), (GPU, "upload")]
        assert {name: (packages / name).stat().st_mtime_ns for name in first} == first
        assert sha256(packages / GPU) == sha256(dist / GPU)


def kill_while_it_receives(index: Index, size: int) -> None:
    """Kill the server in the middle of an upload, once it holds that many bytes of it.

    What comes in waits in a temporary file with no name, and only the last wheel is that large: the
    others have been answered by then, as twine sends one after the other.
    """
    assert index.process is not None
    open_files = Path(f"/proc/{index.process.pid}/fd")
    end = time.monotonic() + 60
    while time.monotonic() < end and not any(held(one) > size for one in open_files.iterdir()):
        time.sleep(0.001)
    index.end(signal.SIGKILL)


def held(open_file: Path) -> int:
    """Bytes in an open file that has no name; 0 for all others."""
    try:
        facts = open_file.stat()
    except OSError:
        return 0  # closed since
    return facts.st_size if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 0 else 0


def test_an_index_that_falls_back_to_another_gets_no_password_there(
    programs: Path, dist: Path, tmp_path: Path
) -> None:
    def no_post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 500, {}, b""

    with stand_in(no_post) as other:
        # What the other index has under that name must not count as ours.
        other.pages["/simple/tiny-gpu/"] = f'<a href="/{GPU}#sha256={"0" * 64}">{GPU}</a>'.encode()
        fallback = ("--fallback-url", f"{other.url}/simple/")
        with pypiserver(programs, tmp_path / "server", *fallback) as index:
            done = publish(dist, index.upload)
            assert done.exit_code == 0, (done.output, done.exception)
        assert other.seen == []


def lists(stand: Stand, dist: Path, *names: str, hashed: bool = True) -> None:
    """Let the index list these wheels."""
    for name in names:
        project = record_of_wheel(dist / name).name.replace("_", "-")
        end = f"#sha256={sha256(dist / name)}" if hashed else ""
        page = f'<a href="/files/{quote(name)}{end}">{name}</a>'
        stand.pages[f"/simple/{project}/"] = page.encode()
        stand.pages[f"/files/{quote(name)}"] = (dist / name).read_bytes()


def test_an_index_without_local_versions_is_named_for_it(dist: Path) -> None:
    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        said = "400 The use of local versions in &lt;Version('0.9+cu118')&gt; is not allowed."
        return 400, {}, f"<html><head><title>400</title></head>{said}</html>".encode()

    with stand_in(post) as stand:
        message = refused(publish(dist, stand.url))
    assert "takes no versions with a local part (+cu118)" in message
    assert "`builder publish folder`" in message
    assert "<html>" not in message


def test_what_a_server_says_is_shown_without_the_password(dist: Path) -> None:
    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 403, {}, f"no: {PASSWORD} {PAIR} is not good enough".encode()

    with stand_in(post) as stand:
        message = refused(publish(dist, stand.url))
    assert "no: *** *** is not good enough" in message


def test_a_busy_server_is_waited_for_and_a_lost_answer_is_no_second_upload(
    dist: Path, waits: list[float]
) -> None:
    busy = [503, 429, 502]

    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        name = next(one for one in (GPU, BASE, COMPANION) if one.encode() in body)
        status = busy.pop(0) if busy else 200
        if status in (200, 502):  # 502: the file came through, and only the answer was lost
            lists(stand, dist, name)
        return status, ({"Retry-After": "7"} if status == 429 else {}), b"later"

    with stand_in(post) as stand:
        done = publish(dist, stand.url)
        assert done.exit_code == 0, (done.output, done.exception)
        posts = [one for one in stand.seen if one[0] == "POST"]
    assert len(posts) == 5, "two refused, one whose answer was lost, two more"
    assert waits[:3] == [1.0, 7.0, 4.0]


def test_what_has_no_hash_is_fetched_and_hashed(dist: Path) -> None:
    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 500, {}, b""

    with stand_in(post) as stand:
        lists(stand, dist, GPU, BASE, COMPANION, hashed=False)
        done = publish(dist, stand.url, "--json")
        assert {action for _, action in actions(done)} == {"skip"}
        other = tiny_wheel(dist / "other", BASE, says="else")
        stand.pages[f"/files/{quote(BASE)}"] = (dist / "other" / other.filename).read_bytes()
        assert "serves another file under that name" in refused(publish(dist, stand.url))


def test_an_upload_that_is_never_listed_is_an_error(dist: Path) -> None:
    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b""

    with stand_in(post) as stand:
        message = refused(publish(dist, stand.url))
    assert "3 wheels were sent, and the index does not list them" in message
    assert "--index-url" in message


def test_an_upload_that_is_sent_elsewhere_takes_no_password_along(dist: Path) -> None:
    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 308, {"Location": f"{stand.url}/legacy/"}, b""

    with stand_in(post) as stand:
        message = refused(publish(dist, stand.url))
        assert [path for method, path, _ in stand.seen if method == "POST"] == ["/"]
    assert "sends uploads elsewhere" in message


def test_a_login_page_is_no_page_of_the_index(dist: Path) -> None:
    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b""

    with stand_in(post) as stand:
        stand.pages["/login"] = b"<!doctype html><form>"
        stand.moved["/simple/tiny-base/"] = "/login"
        message = refused(publish(dist, stand.url))
        assert "/simple/tiny-base/ leads to" in message
        stand.moved["/simple/"] = "/login"
        assert "there is no index at" in refused(publish(dist, stand.url))
        assert not [one for one in stand.seen if one[0] == "POST"]


def test_a_netrc_is_not_read(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def post(stand: Stand, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 401, {}, b"who are you?"

    netrc = dist.parent / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with stand_in(post) as stand:
        message = refused(publish(dist, stand.url, user=None, password=None))
        assert {authorization for _, _, authorization in stand.seen} == {None}
    assert "the name or the password is wrong" in message


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://maker:word@127.0.0.1/", "an address with no name and password in it"),
        ("http://wheels.example.org/", "a password is sent over https only"),
        ("ftp://wheels.example.org/", "http: or https:"),
    ],
)
def test_an_address_that_will_not_do(dist: Path, url: str, says: str) -> None:
    message = refused(publish(dist, url))
    assert says in message
    assert "word@" not in message


def test_half_an_account_is_said(dist: Path) -> None:
    message = refused(publish(dist, "http://127.0.0.1:1/", user=None))
    assert "TWINE_PASSWORD is set, and TWINE_USERNAME is not" in message


def test_an_index_that_is_not_there(dist: Path) -> None:
    message = refused(publish(dist, "http://127.0.0.1:1/"))
    assert "the index is out of reach" in message


def test_a_reduced_profile_needs_a_word(dist: Path) -> None:
    record: Record = record_of_wheel(dist / GPU).model_copy(update={"profile": "smoke"})
    write_record(record, dist / GPU)
    message = refused(publish(dist, "http://127.0.0.1:1/"))
    assert f"{GPU}: it was built with the profile 'smoke'" in message
    assert "out of reach" in refused(publish(dist, "http://127.0.0.1:1/", "--force"))
