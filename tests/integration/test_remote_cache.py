"""The compile cache on a real Redis and on a local stand-in for S3, by two settings each."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twine_kit import free_port, install

from .test_build_for_real import Shop, make_shop

pytestmark = pytest.mark.integration

PASSWORD = "s3cret-of-the-cache"
MOTO = "moto[s3,server]==5.2.5"


@contextlib.contextmanager
def redis(place: Path) -> Iterator[int]:
    """A Redis with a password; its port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("not run, because there is no redis-server here (apt install redis-server)")
    port = free_port()
    place.mkdir()
    (place / "redis.conf").write_text(f"requirepass {PASSWORD}\n")
    words = [program, str(place / "redis.conf"), "--port", str(port), "--bind", "127.0.0.1"]
    words += ["--save", "", "--appendonly", "no", "--dir", str(place), "--daemonize", "no"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        listening(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(120)


@contextlib.contextmanager
def s3(place: Path) -> Iterator[str]:
    """A local S3 with one bucket, ``wheels``; its address."""
    programs = install(place, MOTO)
    port = free_port()
    words = [str(programs / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with (place / "server.log").open("wb") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log, cwd=place)
    try:
        listening(port, server)
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/wheels", method="PUT")
        with urllib.request.urlopen(asked, timeout=240) as answer:
            assert answer.status == 200
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(120)


def listening(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        assert server.poll() is None
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.connect()
            connection.close()
            return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


def second_machine_hits(
    tmp_path: Path, kind: str, settings: dict[str, str], others: dict[str, str] | None = None
) -> None:
    """Built on one machine; another one, with nothing of its own, compiles none of it again."""
    first = make_shop(tmp_path / "one")
    made = first.data(**settings)
    assert made["compile"]["misses"]["CUDA"] >= 1
    second = make_shop(tmp_path / "two")
    entry = second.data(**(settings if others is None else others))
    assert entry["compile"]["hits"]["CUDA"] >= 1, "another machine's work is found"
    assert entry["compile"]["hits"]["C/C++"] >= 1
    assert not entry["compile"]["misses"].get("CUDA")
    assert entry["sha256"] == made["sha256"]
    assert not any((tmp_path / "two/cache/compile").iterdir()), "nothing was kept here"
    built = second.record()["built"]
    assert built["compile_cache"] == kind
    assert built["network"] is True
    silent(first)
    silent(second)


def silent(shop: Shop) -> None:
    """No log, record or leftover has the password."""
    for path in shop.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert PASSWORD.encode() not in path.read_bytes(), path


def test_redis_by_two_settings_and_by_a_file_of_sccaches_own(tmp_path: Path) -> None:
    with redis(tmp_path / "redis") as port:
        address = f"redis://127.0.0.1:{port}"
        file = tmp_path / "sccache.toml"
        file.write_text(f'[cache.redis]\nendpoint = "{address}"\npassword = "{PASSWORD}"\n')
        second_machine_hits(
            tmp_path,
            "config",
            {"SCCACHE_REDIS_ENDPOINT": address, "SCCACHE_REDIS_PASSWORD": PASSWORD},
            {"SCCACHE_CONF": str(file)},
        )
    (record,) = (tmp_path / "one/dist").glob("*.whl.json")
    assert '"compile_cache": "redis"' in record.read_text()


def test_s3(tmp_path: Path) -> None:
    with s3(tmp_path / "s3") as address:
        second_machine_hits(
            tmp_path,
            "s3",
            {
                "SCCACHE_BUCKET": "wheels",
                "SCCACHE_REGION": "us-east-1",
                "SCCACHE_ENDPOINT": address,
                "SCCACHE_S3_USE_SSL": "off",
                "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": PASSWORD,
            },
        )


def test_the_network_that_is_kept_is_said_and_a_wrong_password_too(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "one")
    with redis(tmp_path / "redis") as port:
        wrong = {"SCCACHE_REDIS": f"redis://:{PASSWORD}-wrong@127.0.0.1:{port}"}
        done = shop.build(expect=10, **wrong)
    assert "the compile cache is remote (redis)" in done.stderr
    assert "with the network" in done.stderr
    assert "compile cache's server did not start" in done.stderr
    assert PASSWORD not in done.stderr
    silent(shop)
    assert os.environ.get("SCCACHE_REDIS") is None
