"""A small server on loopback that does with releases and assets what GitHub's API documents.

Made from the documentation of the REST API (releases, release assets, pagination, rate limits):
a release by its tag, its creation (422 `already_exists`), assets in pages with `Link` headers,
uploads on a host of their own, the `starter` that a broken upload leaves, `digest`, errors as
JSON, `Retry-After` and `x-ratelimit-*`. Downloads go through a redirect to another address, as
there. `Faults` switches on what goes wrong in real life.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

OWNER, REPO = "Maker", "wheels"
TOKEN = "ghp_n0body/may+see=this0123456789"


@dataclass
class Faults:
    """What goes wrong; numbers count down."""

    page: int = 100
    """Assets in one page at most."""
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    """Answers to the next API requests instead of the right ones: status, headers, message."""
    broken_uploads: int = 0
    """502, and an asset in the state `starter` is left."""
    cut_uploads: int = 0
    """The connection goes away half-way; `starter`."""
    lost_answers: int = 0
    """The upload is taken, and answered with 502."""
    refused_writes: int = 0
    """The status that every write is answered with, where not 0."""
    lag: int = 0
    """So many lists do not have assets that were sent meanwhile."""
    digests: bool = True
    corrupt: bool = False
    """Other bytes are kept than were sent."""
    rename: bool = False
    """Names are changed as GitHub changes characters it does not like."""
    private: int = 0
    """So many downloads find nothing."""
    foreign_page: str = ""
    """The address of the next page of every list."""
    echo: bool = False
    """Errors tell the headers of the request."""
    stall: threading.Event | None = None
    """Uploads after the first stop half-way until it is set."""


@dataclass
class Kept:
    """An asset as the server keeps it."""

    number: int
    name: str
    data: bytes
    state: str = "uploaded"
    age: int = 0


@dataclass
class KeptRelease:
    number: int
    tag: str
    body: str = ""
    immutable: bool = False
    draft: bool = False
    assets: list[Kept] = field(default_factory=list)


@dataclass
class KeptIssue:
    """An issue, or (``pull``) a pull request, which the API lists among them."""

    number: int
    title: str
    body: str
    state: str = "open"
    pull: bool = False
    comments: list[str] = field(default_factory=list)


@dataclass
class GitHub:
    """The server's memory, and what was asked of it."""

    url: str = ""
    faults: Faults = field(default_factory=Faults)
    releases: list[KeptRelease] = field(default_factory=list)
    issues: list[KeptIssue] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    authorised_downloads: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**6)))
    stalled: threading.Event = field(default_factory=threading.Event)
    settled: threading.Event = field(default_factory=threading.Event)

    @property
    def options(self) -> list[str]:
        """What the command line must be told to use this server."""
        return ["--repo", f"{OWNER}/{REPO}", "--api", f"{self.url}/api", "--web", self.url]

    def release(self, tag: str) -> KeptRelease:
        return next(one for one in self.releases if one.tag == tag)

    def names(self, tag: str) -> set[str]:
        return {asset.name for asset in self.release(tag).assets if asset.state == "uploaded"}

    def uploads(self) -> list[str]:
        """The names of what was sent, in order."""
        return [line.split(" ", 1)[1] for line in self.log if line.startswith("upload ")]

    def add(self, tag: str, **assets: bytes) -> KeptRelease:
        release = KeptRelease(number=next(self.numbers), tag=tag)
        for name, data in assets.items():
            release.assets.append(Kept(number=next(self.numbers), name=name, data=data))
        self.releases.append(release)
        return release


@contextmanager
def github() -> Iterator[GitHub]:
    """The server, running."""
    memory = GitHub()

    class Handler(_Handler):
        github = memory

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    memory.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield memory
    finally:
        if memory.faults.stall is not None:
            memory.faults.stall.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    github: GitHub
    protocol_version = "HTTP/1.1"
    timeout = 240

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def _answer(self, method: str) -> None:
        parts = urlsplit(self.path)
        self.github.log.append(f"{method} {parts.path}{'?' + parts.query if parts.query else ''}")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        base = f"/repos/{OWNER}/{REPO}".casefold()
        path = parts.path
        if path.startswith(("/api", "/uploads")):
            kind, _, rest = path[1:].partition("/")
            rest = f"/{rest}"
            if not rest.casefold().startswith(base):
                self._drain()
                self._error(404, "Not Found")
                return
            getattr(self, f"_{kind}")(method, rest[len(base) :], query)
            return
        self._download(path)

    # -- the API --------------------------------------------------------------------------------

    def _api(self, method: str, path: str, query: dict[str, str]) -> None:
        body = self._drain()
        if self._turned_away(method):
            return
        with self.github.lock:
            if path == "":
                self._json(200, {"full_name": f"{OWNER}/{REPO}"})
            elif match := re.fullmatch(r"/releases/tags/(.+)", path):
                found = [
                    one
                    for one in self.github.releases
                    if one.tag == unquote(match[1]) and not one.draft
                ]
                if found:
                    self._json(200, self._release_data(found[0]))
                else:
                    self._error(404, "Not Found")
            elif path.startswith("/issues"):
                self._issues(method, path, query, json.loads(body or b"{}"))
            elif path == "/releases" and method == "POST":
                self._create(json.loads(body))
            elif match := re.fullmatch(r"/releases/(\d+)/assets", path):
                self._list(int(match[1]), query)
            elif (match := re.fullmatch(r"/releases/assets/(\d+)", path)) and method == "DELETE":
                self._delete(int(match[1]))
            else:
                self._error(404, "Not Found")

    def _create(self, told: dict[str, Any]) -> None:
        tag = told["tag_name"]
        if any(one.tag == tag for one in self.github.releases):
            self._error(422, "Validation Failed", ("Release", "already_exists", "tag_name"))
            return
        release = self.github.add(tag)
        release.body = told.get("body", "")
        self._json(201, self._release_data(release))

    def _list(self, number: int, query: dict[str, str]) -> None:
        faults = self.github.faults
        release = next(one for one in self.github.releases if one.number == number)
        shown = release.assets
        if faults.lag and any(asset.age == 0 for asset in shown):
            faults.lag -= 1
            shown = [asset for asset in shown if asset.age]
            if not faults.lag:
                for asset in release.assets:
                    asset.age = 1
        size = min(int(query.get("per_page", "30")), faults.page)
        page = int(query.get("page", "1"))
        part = shown[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(shown):
            here = f"{self.github.url}/api/repos/{OWNER}/{REPO}/releases/{number}/assets"
            headers["Link"] = (
                f'<{here}?per_page={size}&page={page + 1}>; rel="next", '
                f'<{here}?per_page={size}&page=99>; rel="last"'
            )
        if faults.foreign_page:
            headers["Link"] = f'<{faults.foreign_page}>; rel="next"'
        self._json(200, [self._asset_data(release, asset) for asset in part], headers)

    def _issues(self, method: str, path: str, query: dict[str, str], told: dict[str, str]) -> None:
        issues = self.github.issues
        if path == "/issues" and method == "POST":
            made = KeptIssue(next(self.github.numbers), told["title"], told["body"])
            issues.append(made)
            if self.github.faults.lost_answers:
                self.github.faults.lost_answers -= 1
                self._error(502, "Server Error")
            else:
                self._json(201, self._issue_data(made))
            return
        if path == "/issues":
            wanted = [self._issue_data(one) for one in issues if one.state == query["state"]]
            self._page("/issues?state=open&", wanted, query)
            return
        match = re.fullmatch(r"/issues/(\d+)(/comments)?", path)
        issue = next((one for one in issues if match and one.number == int(match[1])), None)
        if match is None or issue is None:
            self._error(404, "Not Found")
        elif match[2] and method == "POST":
            issue.comments.append(told["body"])
            self._json(201, {"body": told["body"]})
        elif match[2]:
            self._page(f"{path}?", [{"body": one} for one in issue.comments], query)
        else:
            if method == "PATCH":
                issue.state = told["state"]
            self._json(200, self._issue_data(issue))

    def _issue_data(self, issue: KeptIssue) -> dict[str, Any]:
        pull = {"pull_request": {"url": f"{self.github.url}/pull"}} if issue.pull else {}
        told = {name: getattr(issue, name) for name in ("number", "title", "body", "state")}
        return {**told, **pull}

    def _page(self, path: str, items: list[dict[str, Any]], query: dict[str, str]) -> None:
        size = min(int(query.get("per_page", "30")), self.github.faults.page)
        page = int(query.get("page", "1"))
        headers = {}
        if page * size < len(items):
            here = f"{self.github.url}/api/repos/{OWNER}/{REPO}{path}per_page={size}"
            headers["Link"] = f'<{here}&page={page + 1}>; rel="next"'
        self._json(200, items[(page - 1) * size : page * size], headers)

    def _delete(self, number: int) -> None:
        for release in self.github.releases:
            for asset in release.assets:
                if asset.number == number:
                    self.github.log.append(f"deleted {asset.state} {asset.name}")
                    release.assets.remove(asset)
                    self._send(204, b"")
                    return
        self._error(404, "Not Found")

    # -- uploads --------------------------------------------------------------------------------

    def _uploads(self, method: str, path: str, query: dict[str, str]) -> None:
        faults = self.github.faults
        number = path.removeprefix("/releases/").removesuffix("/assets")
        release = next(one for one in self.github.releases if str(one.number) == number)
        name = query["name"]
        length = int(self.headers["Content-Length"])
        kept = Kept(number=next(self.github.numbers), name=name, data=b"", state="starter")
        stall = faults.stall is not None and bool(self.github.uploads())
        if stall or faults.cut_uploads:
            self.rfile.read(length // 2)
            release.assets.append(kept)
            if stall:
                assert faults.stall is not None
                self.github.stalled.set()
                faults.stall.wait(240)
            else:
                faults.cut_uploads -= 1
            self.close_connection = True
            self.connection.close()
            return
        body = self._drain()
        if self._turned_away(method):
            return
        with self.github.lock:
            if any(asset.name == name for asset in release.assets):
                self._error(422, "Validation Failed", ("ReleaseAsset", "already_exists", "name"))
            elif release.immutable:
                self._error(422, "Cannot upload assets to an immutable release.")
            elif faults.broken_uploads:
                faults.broken_uploads -= 1
                release.assets.append(kept)
                self._error(502, "Server Error")
            else:
                kept.data = body[::-1] if faults.corrupt else body
                kept.state = "uploaded"
                kept.name = name.replace("+", ".") if faults.rename else name
                release.assets.append(kept)
                self.github.log.append(f"upload {name}")
                if faults.lost_answers:
                    faults.lost_answers -= 1
                    self._error(502, "Server Error")
                else:
                    self._json(201, self._asset_data(release, kept))

    # -- what users see -------------------------------------------------------------------------

    def _download(self, path: str) -> None:
        if self.headers.get("Authorization"):
            self.github.authorised_downloads += 1
        if self.github.faults.private:
            self.github.faults.private -= 1
            self._send(404, b"Not Found")
            return
        prefix = f"/{OWNER}/{REPO}/releases/download/".casefold()
        if path.casefold().startswith(prefix):
            tag, _, name = path[len(prefix) :].partition("/")
            for release in self.github.releases:
                for asset in release.assets:
                    named = (release.tag, asset.name) == (unquote(tag), unquote(name))
                    if named and asset.state == "uploaded":
                        self._send(302, b"", {"Location": f"/objects/{asset.number}"})
                        return
        elif path.startswith("/objects/"):
            number = int(path.rpartition("/")[2])
            for release in self.github.releases:
                for asset in release.assets:
                    if asset.number == number:
                        self._send(200, asset.data, {"Content-Type": "application/octet-stream"})
                        return
        self._send(404, b"Not Found")

    # -- answers --------------------------------------------------------------------------------

    def _drain(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _turned_away(self, method: str) -> bool:
        """Answer with what is switched on instead, or with 401 where the token is wrong."""
        faults = self.github.faults
        if faults.answers:
            status, headers, message = faults.answers.pop(0)
            self._error(status, message, headers=headers)
        elif method not in ("GET", "HEAD") and faults.refused_writes:
            self._error(faults.refused_writes, "Resource not accessible by integration")
        elif method not in ("GET", "HEAD") and self.headers.get("Authorization") != (
            f"Bearer {TOKEN}"
        ):
            self._error(401, "Bad credentials")
        else:
            return False
        return True

    def _error(
        self,
        status: int,
        message: str,
        problem: tuple[str, str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        told: dict[str, Any] = {"message": message, "documentation_url": "https://docs.invalid"}
        if problem is not None:
            told["errors"] = [dict(zip(("resource", "code", "field"), problem, strict=True))]
        if self.github.faults.echo:
            told["message"] += f" for {dict(self.headers)}"
            headers = {**(headers or {}), "X-Echo": str(self.headers.get("Authorization"))}
        self._json(status, told, headers)

    def _json(self, status: int, data: object, headers: dict[str, str] | None = None) -> None:
        told = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        self._send(status, json.dumps(data).encode(), told)

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _release_data(self, release: KeptRelease) -> dict[str, Any]:
        url = self.github.url
        return {
            "id": release.number,
            "tag_name": release.tag,
            "draft": release.draft,
            "immutable": release.immutable,
            "upload_url": f"{url}/uploads/repos/{OWNER}/{REPO}/releases/{release.number}/assets"
            "{?name,label}",
            "assets": [],
        }

    def _asset_data(self, release: KeptRelease, asset: Kept) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(asset.data).hexdigest()}"
        path = f"{OWNER}/{REPO}/releases/download/{quote(release.tag)}/{quote(asset.name)}"
        whole = asset.state == "uploaded"
        return {
            "id": asset.number,
            "name": asset.name,
            "state": asset.state,
            "size": len(asset.data),
            "digest": digest if whole and self.github.faults.digests else None,
            "browser_download_url": f"{self.github.url}/{path}",
        }
