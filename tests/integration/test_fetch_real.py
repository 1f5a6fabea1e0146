"""One real file from the index pip is configured for, one real file from a Debian pool."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import FetchError
from builder.fetch import Artifact, FetchSettings, fetch, fetch_all, unpack
from builder.paths import Cache
from builder.ui import Silent

pytestmark = pytest.mark.integration

SIX = Artifact(
    filename="six-1.17.0-py2.py3-none-any.whl",
    source="pypi:six==1.17.0",
    sha256="4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
    size=11050,
)
DARKNET = Artifact(
    filename="darknet_0.0.0+git20180914.61c9d02e.orig.tar.xz",
    source="debian:pool/main/d/darknet/darknet_0.0.0+git20180914.61c9d02e.orig.tar.xz",
    sha256="ec536ae11853846aab96183d8ec18730a46cce71f7d935768d235029329f9e93",
)


@pytest.mark.timeout(300)
def test_from_pips_index_and_from_a_debian_pool(tmp_path: Path):
    cache = Cache(root=tmp_path / "cache")
    settings = FetchSettings.from_environment()
    paths = fetch_all([SIX, DARKNET], cache=cache, reporter=Silent(), settings=settings)
    unpack(paths[SIX], tmp_path / "six")
    assert 'version__ = "1.17.0"' in (tmp_path / "six/six.py").read_text()
    unpack(paths[DARKNET], tmp_path / "darknet", strip=1, include=["src/*.c", "Makefile"])
    assert (tmp_path / "darknet/Makefile").is_file()
    assert (tmp_path / "darknet/src/yolo_layer.c").is_file()
    assert not (tmp_path / "darknet/cfg").exists()


@pytest.mark.timeout(300)
def test_what_real_places_say_of_a_file_they_do_not_have(tmp_path: Path):
    cache = Cache(root=tmp_path / "cache")
    nothing = Artifact(
        filename="six-1.17.0-cp99-none-any.whl",
        source="pypi:six==1.17.0",
        sha256="0" * 64,
        mirrors=("debian:pool/main/s/six/no-such-file.deb",),
    )
    with pytest.raises(FetchError) as caught:
        fetch(nothing, cache=cache, reporter=Silent(), settings=FetchSettings(attempts=1))
    message = str(caught.value)
    assert "the project is there, the file 'six-1.17.0-cp99-none-any.whl' is not" in message
    assert "no-such-file.deb: answered 404" in message
    assert "snapshot.debian.org" in message
