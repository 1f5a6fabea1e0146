"""Connections that trust this machine's certificates."""

from __future__ import annotations

import functools
import os
import ssl
from typing import Any

from requests.adapters import HTTPAdapter


class TrustingAdapter(HTTPAdapter):
    """Trusts the machine's certificates (``SSL_CERT_FILE`` too) besides those of requests."""

    # Any: requests' own signatures, which are passed on untouched.
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as urllib3 has it
        """Connections to hosts."""
        super().init_poolmanager(*args, **kwargs, ssl_context=_trust())

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- as urllib3 has it
        """Connections through a proxy."""
        kwargs["ssl_context"] = _trust()
        return super().proxy_manager_for(*args, **kwargs)


def _trust() -> ssl.SSLContext:
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.cache
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    # Made once: reading the machine's certificates takes longer than many a request. OpenSSL asks
    # the environment for where they are.
    return ssl.create_default_context()
