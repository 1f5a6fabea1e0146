"""Package indexes on this machine that speak the upload API: two real ones, and one of ours."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from builder.fetch.pipconfig import read_pip_settings
from builder.paths import Cache
from builder.ui import Silent
from builder.verify.clean import base_variables, uv_variables
from builder.verify.uv import find_uv

USER = "maker"
PASSWORD = "s3cret/unique pass%word+"
SERVERS = ("pypiserver[passlib]==2.4.2", "devpi-server==6.20.1")


def install(place: Path, *packages: str) -> Path:
    """Packages in an environment of their own; its folder of programs."""
    uv = find_uv(Cache.default(), Silent())
    env = base_variables(os.environ, home=place, bin_folder=place / "env/bin")
    env |= uv_variables(
        read_pip_settings(dict(os.environ)), cache=Cache.default().environments / "uv"
    )
    place.mkdir(parents=True, exist_ok=True)
    make = [uv, "venv", "-q", "--python", sys.executable, place / "env"]
    subprocess.run(make, env=env, check=True)
    put = [uv, "pip", "install", "-q", "--python", place / "env/bin/python", *packages]
    subprocess.run(put, env=env, check=True)
    return place / "env/bin"


def free_port() -> int:
    """A port nobody listens on, for a server that is started later.

    It lies below those that the kernel gives to whoever asks for any, and a name of this process
    keeps it from the tests that run at the same moment: nobody takes it until the server is there.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in range(min(lowest, 32_768) - 1, 1024, -1):
        taken = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                taken.bind(f"\0gpu-wheelhouse-test-port-{port}")
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.close()
                continue
        taken.detach()  # the name stays for as long as this process lives
        return port
    raise AssertionError("every port is taken")


def answers(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 240) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        with contextlib.closing(asked), contextlib.suppress(OSError, http.client.HTTPException):
            asked.request("GET", "/")
            asked.getresponse().read()
            return
        time.sleep(0.1)
    raise AssertionError(f"no answer: {log.read_text()[-3000:]}")


@dataclass(kw_only=True)
class Index:
    """A real index in a process of its own, which can be killed and started again."""

    command: list[str]
    port: int
    upload: str
    simple: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd=self.log.parent, start_new_session=True
            )
        answers(self.port, self.process, self.log)

    def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, sign)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:  # how long it takes to leave is not what is tested
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None


@contextlib.contextmanager
def pypiserver(programs: Path, place: Path, *more: str) -> Iterator[Index]:
    """A pypiserver that asks for the account to upload and to read."""
    (place / "packages").mkdir(parents=True)
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (place / "htpasswd").write_text(f"{USER}:{{SHA}}{digest}\n")
    port = free_port()
    command = [str(programs / "pypi-server"), "run", "-i", "127.0.0.1", "-p", str(port)]
    command += ["-P", str(place / "htpasswd"), "-a", "update,download,list", *more]
    index = Index(
        command=[*command, str(place / "packages")],
        port=port,
        upload=f"http://127.0.0.1:{port}/",
        simple=f"http://127.0.0.1:{port}/simple/",
        log=place / "server.log",
    )
    try:
        index.start()
        yield index
    finally:
        index.end()


@contextlib.contextmanager
def devpi(programs: Path, place: Path) -> Iterator[Callable[[str], Index]]:
    """A devpi-server with one user; makes an index of that name for them."""
    place.mkdir(parents=True)
    data, port = place / "data", free_port()
    init = [programs / "devpi-init", "--serverdir", data, "--no-root-pypi"]
    subprocess.run(init, check=True, capture_output=True)
    base = f"http://127.0.0.1:{port}"
    server = Index(
        command=[str(programs / "devpi-server"), "--serverdir", str(data), "--port", str(port)],
        port=port,
        upload=base,
        simple=base,
        log=place / "server.log",
    )
    try:
        server.start()
        ask("PUT", f"{base}/{USER}", {"password": PASSWORD})
        login = ask("POST", f"{base}/+login", {"user": USER, "password": PASSWORD})
        token = base64.b64encode(f"{USER}:{login['result']['password']}".encode()).decode()

        def index(name: str) -> Index:
            wanted = {"type": "stage", "bases": [], "volatile": False}
            ask("PUT", f"{base}/{USER}/{name}", wanted, token)
            upload = f"{base}/{USER}/{name}/"
            return replace(server, upload=upload, simple=f"{upload}+simple/")

        yield index
    finally:
        server.end()


def ask(method: str, url: str, data: object, token: str | None = None) -> dict[str, dict[str, str]]:
    """A question in devpi's JSON."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token is not None:
        headers["X-Devpi-Auth"] = token
    request = urllib.request.Request(
        url, data=json.dumps(data).encode(), headers=headers, method=method
    )
    with urllib.request.urlopen(request, timeout=240) as answer:
        found: dict[str, dict[str, str]] = json.load(answer)
        return found


@dataclass
class Stand:
    """What our own index answers, and what it was asked."""

    post: Callable[[Stand, bytes], tuple[int, dict[str, str], bytes]]
    pages: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""


class Handler(http.server.BaseHTTPRequestHandler):
    """As much of an index as the tests need, answering as documented ones do."""

    stand: ClassVar[Stand]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.note()
        if self.path in self.stand.moved:
            self.answer(302, {"Location": self.stand.moved[self.path]}, b"")
        elif self.path == "/simple/":
            self.answer(200, {"Content-Type": "text/html"}, b"<!doctype html>")
        elif self.path in self.stand.pages:
            self.answer(200, {"Content-Type": "text/html"}, self.stand.pages[self.path])
        else:
            self.answer(404, {}, b"none")

    def do_POST(self) -> None:
        self.note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(*self.stand.post(self.stand, body))

    def note(self) -> None:
        self.stand.seen.append((self.command, self.path, self.headers.get("Authorization")))

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def stand_in(
    post: Callable[[Stand, bytes], tuple[int, dict[str, str], bytes]],
) -> Iterator[Stand]:
    """An index of ours, with the answers to uploads handed in."""
    stand = Stand(post)
    handler = type("Mine", (Handler,), {"stand": stand})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        stand.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield stand
        server.shutdown()
