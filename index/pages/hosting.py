"""Small files that tell a host how to serve the site."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from index.ledger.settings import Settings
from index.model import ASSETS, FILES, JSON_FOLDER
from index.pages.simple_json import JSON_TYPE

PAGE_CACHE = "public, max-age=300"
FILE_CACHE = "public, max-age=31536000, immutable"
"""A name never comes back with other bytes: the ledger refuses it."""

# No two rules that one address matches set the same header: hosts join their values with a comma.
_HEADERS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("/*", {"X-Content-Type-Options": "nosniff"}),
    (f"/{FILES}/*", {"Cache-Control": FILE_CACHE}),
    (f"/{ASSETS}/*", {"Cache-Control": PAGE_CACHE}),
    ("/:root/", {"Cache-Control": PAGE_CACHE}),
    ("/:root/:project/", {"Cache-Control": PAGE_CACHE}),
    ("/:root/index.json", {"Content-Type": JSON_TYPE, "Cache-Control": PAGE_CACHE}),
    ("/:root/:project/index.json", {"Content-Type": JSON_TYPE, "Cache-Control": PAGE_CACHE}),
    # Some hosts look rules up by the address asked for, others by the file it is rewritten to.
    (f"/{JSON_FOLDER}/:root/", {"Content-Type": JSON_TYPE}),
    (f"/{JSON_FOLDER}/:root/:project/", {"Content-Type": JSON_TYPE}),
)
_REWRITES = (
    # The pages' links are relative: ../../files/X.whl is /json/files/X.whl from there. First,
    # because a host that does not mind slashes at the end would take X.whl for a project.
    (f"/{JSON_FOLDER}/{FILES}/*", f"/{FILES}/:splat"),
    (f"/{JSON_FOLDER}/:root/", "/:root/index.json"),
    (f"/{JSON_FOLDER}/:root/:project/", "/:root/:project/index.json"),
)


def files(settings: Settings) -> Mapping[str, str]:
    """Path relative to the site, and text; nothing in the drive layout, which nobody serves."""
    if settings.layout == "drive":
        return {}
    return {
        # Without it, GitHub Pages runs Jekyll, which drops names that begin with an underscore.
        ".nojekyll": "",
        # Without it, Cloudflare Pages answers a missing page with the landing page and 200.
        "404.html": _not_found(settings),
        "_headers": _headers(),
        "_redirects": "".join(f"{old}  {new}  200\n" for old, new in _REWRITES),
    }


def _headers() -> str:
    lines = []
    for address, headers in _HEADERS:
        lines.append(address)
        lines += [f"  {name}: {value}" for name, value in headers.items()]
    return "\n".join(lines) + "\n"


def _not_found(settings: Settings) -> str:
    """A page with no links of its own but the site's address: it is shown at any depth."""
    title = escape(settings.title)
    if settings.base_url is not None:
        home = f'<p><a href="{escape(settings.base_url)}/">{title}</a></p>'
    else:
        home = f"<p>{title}</p>"
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "  <head>\n"
        '    <meta charset="utf-8">\n'
        '    <meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '    <meta name="color-scheme" content="light dark">\n'
        f"    <title>Not found: {title}</title>\n"
        "  </head>\n"
        '  <body style="font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 40rem; '
        'padding: 0 1rem">\n'
        "    <h1>Not found</h1>\n"
        "    <p>There is no such page or file here.</p>\n"
        f"    {home}\n"
        "  </body>\n"
        "</html>\n"
    )
