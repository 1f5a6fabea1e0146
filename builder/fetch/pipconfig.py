"""What pip on this machine is configured for: its indexes and how it reaches them."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import MachineError
from builder.process import run, show

# Pip itself works out its settings, from every configuration file and variable it knows, and it
# alone knows its default index. `create_command` is internal, but as old as pip's command line.
_ASK_PIP = """
import json
from pip._internal.commands import create_command
options, _ = create_command("install").parse_args([])
print("PIP" + json.dumps({
    "indexes": [] if options.no_index else [options.index_url, *options.extra_index_urls],
    "find_links": list(options.find_links),
    "cert": options.cert,
    "client_cert": options.client_cert,
    "trusted_hosts": list(options.trusted_hosts),
    "proxy": options.proxy,
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipSettings:
    """Where pip looks for packages.

    Attributes:
        indexes: Addresses of simple indexes, in pip's order; empty with ``--no-index``.
        find_links: Folders of loose files, by absolute path, and addresses of pages with links.
        cert: A bundle of certificates to trust, or None for the usual ones.
        client_cert: A client certificate to show, or None.
        trusted_hosts: ``host`` or ``host:port`` whose certificate is not checked.
        proxy: Proxy for both http and https, or None for the environment's.
    """

    indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    proxy: str | None = None


def read_pip_settings(env: Mapping[str, str]) -> PipSettings:
    """Ask the pip installed beside us, in the environment ``env`` (once per process).

    Raises:
        MachineError: pip is missing or did not answer.
    """
    return _ask(tuple(sorted(env.items())))


@functools.lru_cache(maxsize=8)
def _ask(env: tuple[tuple[str, str], ...]) -> PipSettings:
    # -P: a file named like a module in the current folder must not be imported instead.
    done = run([sys.executable, "-P", "-c", _ASK_PIP], env=dict(env), check=False)
    answer = next((line[3:] for line in done.output.splitlines() if line.startswith("PIP")), None)
    if done.status != 0 or answer is None:
        last = done.output.strip().splitlines()[-1:] or ["no output"]
        raise MachineError(
            f"pip could not say which index it is configured for: {last[0]}",
            remedy=f"check that `{show([sys.executable])} -m pip config debug` works",
        )
    data = json.loads(answer)
    return PipSettings(
        indexes=tuple(data["indexes"]),
        find_links=tuple(map(_absolute, data["find_links"])),
        cert=data["cert"] or None,
        client_cert=data["client_cert"] or None,
        trusted_hosts=tuple(data["trusted_hosts"]),
        proxy=data["proxy"] or None,
    )


def _absolute(link: str) -> str:
    """A folder or file of pip's ``find-links`` by its absolute path; an address as it is."""
    if "://" in link or link.startswith("file:"):
        return link
    return str(Path(link).expanduser().absolute())
