"""A small web server on loopback, for trying an index with real installers before it is public."""

from __future__ import annotations

import http.server
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

from index.serve.answer import HTML_PAGE, Answer, Handler, path_parts

_DISTRIBUTION = re.compile(r"[^/]+(?:\.whl|\.tar\.gz)(?:\.metadata|\.provenance)?")


class Server:
    """A threaded server of static files, as a context manager.

    Simple pages come as HTML or JSON, as the client asks; files whole or in part.

    Args:
        site: The folder to serve, or None.
        extra: More files by path relative to the site, as bytes or as the file they lie in; they
            come before the folder's own.
        beside: Folders outside the site whose wheels are served too, by the path they have here
            (see `index.serve.beside.folders_beside`); the site's own files come first.
        port: The port; 0 takes a free one.
        said: Told of every request, from the thread that answers it, before the body is sent.

    Only ``127.0.0.1`` is listened on. Nothing outside the folder is served, symbolic links out of
    it included, and nothing whose name begins with a dot.

    Raises:
        OSError: the port is taken, or not for this user.
    """

    def __init__(
        self,
        site: Path | None = None,
        *,
        extra: Mapping[str, bytes | Path] | None = None,
        beside: Mapping[str, Path] | None = None,
        port: int = 0,
        said: Callable[[Answer], None] = lambda _: None,
    ) -> None:
        self.site = None if site is None else site.resolve()
        self.extra = dict(extra or {})
        self.beside = {path: folder.resolve() for path, folder in (beside or {}).items()}
        self.said = said
        self.requests: list[str] = []
        """Paths asked for so far, in order."""
        self._server = _Listener(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def find(self, path: str) -> bytes | Path | None:
        """The file at a decoded path such as ``/cu118/``, or None; a folder means its page."""
        parts = path_parts(path)
        if parts is None:
            return None
        name = "/".join([*parts, HTML_PAGE] if path.endswith("/") else parts)
        if name in self.extra:
            return self.extra[name]
        try:
            return next(self._on_disk(name), None)
        except (OSError, RuntimeError):  # a name too long, a loop of links
            return None

    def _on_disk(self, name: str) -> Iterator[Path]:
        if self.site is not None:
            found = (self.site / name).resolve()
            if found.is_relative_to(self.site) and found.is_file():
                yield found
        place, _, filename = name.rpartition("/")
        if place in self.beside and _DISTRIBUTION.fullmatch(filename):
            found = (self.beside[place] / filename).resolve()
            if found.parent == self.beside[place] and found.is_file():
                yield found


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], owner: Server) -> None:
        super().__init__(address, type("_Handler", (Handler,), {"source": owner}))

    def handle_error(self, request: object, client_address: object) -> None:
        # Installers hang up once they have read what they need.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on
