"""`builder build` with a real toolchain on a recipe of one kernel: same bytes, every fault."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from builder.sandbox import probe

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
RECIPES = HERE.parent / "recipes"
CUDA = "cu118"
STAGES = ("toolchain", "fetch", "render", "compile", "repair", "check", "record")


@dataclass(frozen=True)
class Shop:
    """A private cache, recipes and dist folder, and the command that uses them."""

    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / "recipes/hello-cuda"

    @property
    def dist(self) -> Path:
        return self.root / "dist"

    def command(self, *arguments: str) -> list[str]:
        return [
            *(sys.executable, str(HERE / "private_builder.py")),
            *("--recipes", str(self.root / "recipes"), "build", CUDA, "--profile", "smoke"),
            *("--dist", str(self.dist), "--no-verify", *arguments),
        ]

    def environment(self, **changes: str) -> dict[str, str]:
        return {**os.environ, "PRIVATE_CACHE": str(self.root / "cache"), **changes}

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(**env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def build(
        self, *arguments: str, expect: int = 0, **env: str
    ) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, **env) as running:
            out, err = running.communicate()
        assert running.returncode == expect, (out + err)[-6000:]
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    def data(self, *arguments: str, **env: str) -> dict[str, Any]:
        (entry,) = json.loads(self.build("--json", *arguments, **env).stdout)["wheels"]
        return entry

    def wheel(self) -> Path:
        (wheel,) = self.dist.glob("*.whl")
        return wheel

    def record(self) -> dict[str, Any]:
        return json.loads(Path(f"{self.wheel()}.json").read_text())

    def leftovers(self) -> list[str]:
        """What is half-made: work folders and store entries."""
        places = (self.root / "cache/work", self.root / "cache/store")
        found = [p for place in places if place.is_dir() for p in place.iterdir()]
        return [p.name for p in found if p.name != ".lock"]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


def make_shop(root: Path) -> Shop:
    shutil.copytree(RECIPES, root / "recipes")
    return Shop(root)


def processes(marker: str) -> list[str]:
    """Command lines of running processes that name the marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            if marker.encode() in line:
                found.append(line.decode(errors="replace"))
    return found


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, dict[str, Any]]:
    """One undisturbed build, everything cold."""
    made = make_shop(tmp_path_factory.mktemp("reference"))
    return made, made.data()


Reference = tuple[Shop, dict[str, Any]]


def test_a_wheel_with_its_record(reference: Reference) -> None:
    shop, entry = reference
    record = shop.record()
    assert record["build_key"] == entry["key"]
    assert record["sha256"] == entry["sha256"]
    capability = probe()
    built = dict(record["built"])
    why = built.pop("reproducible", None)
    assert (why is None) is capability.fixed_path
    assert why is None or why.startswith("not reproducible here, because ")
    assert built == {
        "engine": "hermetic",
        "fixed_path": capability.fixed_path,
        "network": not capability.no_network,
        "compile_cache": "local",
    }
    assert entry["built_now"]
    assert entry["compile"]["steps"] >= 2
    assert entry["compile"]["misses"]["CUDA"] >= 1
    assert shop.leftovers() == [entry["key"]], "only the finished wheel stays"


def test_other_folders_and_a_stray_environment_give_the_same_bytes(
    reference: Reference, tmp_path: Path
) -> None:
    if not probe().fixed_path:
        pytest.skip("without a fixed path the folder is in the bytes")
    shop = make_shop(tmp_path / "a rather longer name, with spaces")
    stray = {
        "CFLAGS": "-DSTRAY -O0",
        "CXXFLAGS": "--no-such-flag",
        "NVCC_APPEND_FLAGS": "-G",
        "PYTHONPATH": "/nonexistent",
        "CMAKE_PREFIX_PATH": "/usr/local",
        "CUDA_HOME": "/nonexistent",
        "SKBUILD_CMAKE_ARGS": "-DNO",
        "LANG": "tr_TR.UTF-8",
        "TZ": "Asia/Tokyo",
    }
    entry = shop.data(**stray)
    assert entry["key"] == reference[1]["key"]
    assert entry["compile"]["misses"]["CUDA"] >= 1, "it must really have been compiled again"
    assert shop.wheel().read_bytes() == reference[0].wheel().read_bytes()
    names = zipfile.ZipFile(shop.wheel()).namelist()
    assert "hello_cuda/libhello_cuda.so" in names


def test_nothing_to_do_the_second_time(reference: Reference) -> None:
    shop, entry = reference
    again = shop.data()
    assert not again["built_now"]
    assert again["sha256"] == entry["sha256"]


def test_a_lost_store_is_made_again_from_the_compile_cache(
    reference: Reference, tmp_path: Path
) -> None:
    shop = make_shop(tmp_path)
    shutil.copytree(reference[0].root / "cache/compile", tmp_path / "cache/compile")
    entry = shop.data()
    assert entry["compile"]["hits"]["CUDA"] >= 1
    assert entry["compile"]["hits"]["C/C++"] >= 1
    assert "CUDA" not in entry["compile"]["misses"]
    assert entry["sha256"] == reference[1]["sha256"]


def test_without_a_sandbox_the_compile_cache_serves_other_keys_too(shop: Shop) -> None:
    first = shop.data("--sandbox", "off")
    module = shop.recipe / "src/hello_cuda/__init__.py"
    module.write_text(module.read_text() + "\n")
    second = shop.data("--sandbox", "off")
    assert second["key"] != first["key"]
    assert second["compile"]["hits"]["CUDA"] >= 1
    assert shop.record()["built"] == {
        "engine": "hermetic",
        "fixed_path": False,
        "network": True,
        "compile_cache": "local",
        "reproducible": "not reproducible here, because the sandbox was switched off: "
        "the folder it was compiled in is in its bytes",
    }


@pytest.mark.parametrize(("sign", "status"), [("KILL", -9), ("INT", 130)])
def test_stopped_in_every_stage_and_run_again(
    reference: Reference, tmp_path: Path, sign: str, status: int
) -> None:
    """The same command, stopped in one stage after the other, in the end gives the same wheel."""
    shop = make_shop(tmp_path)
    for stage in STAGES:
        done = shop.build(expect=status, STOP_IN=f"{stage}:{sign}")
        wait_until(lambda: not processes(str(tmp_path)), f"{stage}: something still runs")
        if sign != "KILL":
            assert "interrupted" in done.stderr
            assert shop.leftovers() == [], stage
        assert not list(shop.dist.glob("*")), stage
        assert not list((tmp_path / "cache/store").glob("[0-9a-f]*")), stage
    assert shop.data()["sha256"] == reference[1]["sha256"]
    assert shop.leftovers() == [reference[1]["key"]]


def wait_until(true: Callable[[], bool], otherwise: str, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def test_two_builders_at_once_on_one_key(reference: Reference, tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    (running := [shop.start("--json") for _ in range(2)])
    ends = [one.communicate() for one in running]
    assert [one.returncode for one in running] == [0, 0], ends
    entries = [json.loads(out)["wheels"][0] for out, _ in ends]
    assert sorted(entry["built_now"] for entry in entries) == [False, True]
    assert {entry["sha256"] for entry in entries} == {reference[1]["sha256"]}


def test_two_builders_at_once_on_two_keys_and_one_compile_cache(tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    running = [
        shop.start("--json", "--archs", archs, "--dist", str(tmp_path / archs))
        for archs in ("7.5", "8.0")
    ]
    ends = [one.communicate() for one in running]
    assert [one.returncode for one in running] == [0, 0], ends
    shutil.rmtree(tmp_path / "cache/store")
    for archs in ("7.5", "8.0"):
        entry = shop.data("--archs", archs, "--dist", str(tmp_path / archs))
        assert entry["compile"]["hits"]["CUDA"] >= 1, "what both wrote must be whole"


def test_a_compiler_error_is_shown_with_its_log(shop: Shop) -> None:
    kernel = shop.recipe / "src/hello.cu"
    kernel.write_text(kernel.read_text().replace("*value *= 2;", "*value *= two;"))
    done = shop.build(expect=7)
    assert "hello-cuda for cu118 (smoke) did not compile" in done.stderr
    assert 'identifier "two" is undefined' in done.stderr
    log = Path(done.stderr.rsplit("the whole log is ", 1)[1].strip())
    assert 'identifier "two" is undefined' in log.read_text()
    assert shop.leftovers() == []
    assert len(done.stderr.splitlines()) < 40


def test_a_configure_error_is_shown(shop: Shop) -> None:
    with (shop.recipe / "CMakeLists.txt").open("a") as file:
        file.write('message(FATAL_ERROR "not with this moon")\n')
    assert "not with this moon" in shop.build(expect=7).stderr


@pytest.fixture
def server() -> Iterator[str]:
    """A web server on this machine, which a build shut in must not reach."""
    handler = http.server.SimpleHTTPRequestHandler
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.mark.parametrize("sandbox", ["auto", "off"])
def test_a_build_has_no_network_where_the_record_says_so(
    shop: Shop, server: str, sandbox: str
) -> None:
    with (shop.recipe / "CMakeLists.txt").open("a") as file:
        file.write(
            f'file(DOWNLOAD "{server}" "${{CMAKE_BINARY_DIR}}/got" STATUS status TIMEOUT 240)\n'
            'list(GET status 0 code)\nmessage(STATUS "download: ${code}")\n'
        )
    entry = shop.data("--sandbox", sandbox)
    log = Path(entry["compile"]["log"]).read_text()
    reached = "-- download: 0\n" in log
    assert "-- download: " in log
    assert shop.record()["built"]["network"] is reached
    assert reached is (sandbox == "off" or not probe().no_network)


@pytest.mark.parametrize(
    ("size", "where"), [("16k", "while the project is written"), ("3m", "while it is compiled")]
)
def test_a_full_disk_is_said_and_the_same_command_goes_on(
    reference: Reference, tmp_path: Path, size: str, where: str
) -> None:
    if not probe().fixed_path:
        pytest.skip("a small disk needs a mount namespace")
    shop = make_shop(tmp_path)
    done = shop.build(expect=10, TINY_DISK=size)
    assert "the disk is full" in done.stderr, where
    assert "Traceback" not in done.stderr
    assert shop.leftovers() == []
    assert shop.data()["sha256"] == reference[1]["sha256"]


class Dav(http.server.BaseHTTPRequestHandler):
    """As much of WebDAV as sccache's remote cache needs, in memory."""

    files: ClassVar[dict[str, bytes]] = {}

    def answer(self, status: int, body: bytes = b"", kind: str = "application/xml") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        data = self.files.get(self.path)
        self.answer(404 if data is None else 200, data or b"", "application/octet-stream")

    def do_PUT(self) -> None:
        self.files[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201)

    def do_MKCOL(self) -> None:
        self.answer(201)

    def do_PROPFIND(self) -> None:
        data = self.files.get(self.path)
        if data is None and not self.path.endswith("/"):
            self.answer(404)
            return
        kind = "<D:collection/>" if data is None else ""
        self.answer(
            207,
            f"""<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response>
            <D:href>{self.path}</D:href><D:propstat><D:prop>
            <D:resourcetype>{kind}</D:resourcetype>
            <D:getcontentlength>{len(data or b"")}</D:getcontentlength>
            <D:getlastmodified>Mon, 01 Jan 2024 00:00:00 GMT</D:getlastmodified>
            </D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
            </D:multistatus>""".encode(),
        )

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_remote_compile_cache_keeps_the_network_and_the_record_says_so(
    reference: Reference, tmp_path: Path
) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dav) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        remote = {"SCCACHE_WEBDAV_ENDPOINT": f"http://127.0.0.1:{running.server_port}/"}
        make_shop(tmp_path / "one").data(**remote)
        assert Dav.files, "nothing was stored remotely"
        shop = make_shop(tmp_path / "two")
        entry = shop.data(**remote)
        running.shutdown()
    assert entry["compile"]["hits"]["CUDA"] >= 1, "another machine's work is found"
    assert entry["sha256"] == reference[1]["sha256"]
    built = shop.record()["built"]
    assert built["compile_cache"] == "webdav"
    assert built["network"] is True
    assert built["fixed_path"] is probe().fixed_path


def test_a_compile_cache_that_cannot_start_is_said(shop: Shop) -> None:
    done = shop.build(expect=10, SCCACHE_REDIS_ENDPOINT="not-an-address://")
    assert "compile cache's server did not start" in done.stderr
    assert shop.leftovers() == []


def test_a_project_changed_while_it_is_built_is_refused(shop: Shop) -> None:
    """Planned, then changed by somebody before it was rendered: nothing is built from a mixture."""
    from builder.build.render import render
    from builder.errors import RecipeError
    from builder.plan.resolve import resolve
    from builder.recipe import load_recipe
    from builder.ui import Silent

    spec = resolve(
        load_recipe(shop.recipe),
        folder=shop.recipe,
        cuda=CUDA,
        profile="smoke",
        toolchain_digest="0" * 64,
    )
    (shop.recipe / "src/hello.cu").write_text("int changed;\n")
    with pytest.raises(RecipeError, match="changed after the build was planned"):
        render(spec, shop.recipe, shop.root / "project", sources={}, reporter=Silent())
