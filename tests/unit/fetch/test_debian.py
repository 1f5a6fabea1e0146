"""`debian:` places: apt's two forms of configuration, the user's mirrors, the snapshot archive."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest

from builder.errors import FetchError
from builder.fetch import FetchSettings, fetch
from builder.fetch.debian import (
    AptEntry,
    Root,
    apt_entries,
    locations,
    parse_deb822,
    parse_list,
    roots,
)

DATA = random.Random(5).randbytes(10_000)
POOL = "pool/main/d/darknet/darknet_0.0.0+git1~x.orig.tar.xz"

ONE_LINE = """
# deb http://commented.invalid/debian bookworm main
deb http://mirror.invalid/debian bookworm main contrib # why
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg arch=amd64] https://src.invalid/debian/ sid main
deb [ arch=amd64 signed-by=/etc/apt/keyrings/docker.asc ] https://docker.invalid/linux/debian bookworm stable
deb http://security.invalid/debian-security bookworm-security updates/main
deb http://ubuntu.invalid/ubuntu jammy main universe
deb cdrom:[Debian]/ bookworm main
deb
nonsense
"""  # noqa: E501 -- an entry is one line

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://one.invalid/debian
# http://commented.invalid/debian
  http://two.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://one.invalid/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Enabled: no
Types: deb
URIs: http://off.invalid/debian
Suites: x
Components: main


Types: deb
URIs: https://node.invalid/debian
Suites: nodistro
Components: main
Signed-By: /usr/share/keyrings/nodesource.gpg
"""


def test_the_one_line_form():
    entries = parse_list(ONE_LINE)
    assert [entry.uri for entry in entries if entry.debian] == [
        "http://mirror.invalid/debian",
        "https://src.invalid/debian/",
        "http://security.invalid/debian-security",
    ]
    assert entries[0] == AptEntry(
        uri="http://mirror.invalid/debian", components=("main", "contrib")
    )
    assert entries[2].signed_by == "/etc/apt/keyrings/docker.asc"


def test_the_paragraph_form():
    assert [entry.uri for entry in parse_deb822(DEB822) if entry.debian] == [
        "http://one.invalid/debian",
        "http://two.invalid/debian",
        "http://one.invalid/debian-security",
    ]


def test_a_whole_configuration_folder(tmp_path: Path):
    (tmp_path / "sources.list").write_text("deb http://a.invalid/debian sid main\n")
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    mirrors = tmp_path / "mirrors.list"
    mirrors.write_text("# ours\nhttps://b.invalid/debian\tpriority:1\nhttps://c.invalid/debian/\n")
    (parts / "m.sources").write_text(
        f"Types: deb\nURIs: mirror+file:{mirrors}\nSuites: sid\nComponents: main\n"
    )
    (parts / "local.list").write_text("deb file:/srv/debian sid main\n")
    (parts / "off.list.disabled").write_text("deb http://off.invalid/debian sid main\n")
    assert [entry.uri for entry in apt_entries(tmp_path)] == [
        "http://a.invalid/debian",
        "file:///srv/debian",
        "https://b.invalid/debian",
        "https://c.invalid/debian/",
    ]
    urls = [root.url for root in roots(("https://mine.invalid/debian",), tmp_path)]
    assert urls[:3] == [
        "https://mine.invalid/debian",
        "https://mine.invalid/debian-security",
        "http://a.invalid/debian",
    ]
    assert len(urls) == len(set(urls))


def test_a_machine_without_apt(tmp_path: Path):
    assert apt_entries(tmp_path / "nothing") == ()
    assert [place.url for place in locations(POOL, (), "20250801T000000Z")] == [
        "https://snapshot.debian.org/archive/debian/20250801T000000Z/"
        "pool/main/d/darknet/darknet_0.0.0%2Bgit1~x.orig.tar.xz"
    ]


def test_security_updates_have_a_pool_of_their_own():
    both = (Root(url="http://m/debian"), Root(url="http://m/debian-security"))
    updates = "pool/updates/main/g/glibc/libc6_2.31_amd64.deb@20250101T000000Z"
    assert [place.url for place in locations(updates, both, "x")] == [
        "http://m/debian-security/pool/updates/main/g/glibc/libc6_2.31_amd64.deb",
        "http://m/debian/pool/updates/main/g/glibc/libc6_2.31_amd64.deb",
        "https://snapshot.debian.org/archive/debian-security/20250101T000000Z/"
        "pool/updates/main/g/glibc/libc6_2.31_amd64.deb",
    ]
    main = [place.url for place in locations("pool/main/x/x.deb", both, "20250101T000000Z")]
    assert main[0] == "http://m/debian/pool/main/x/x.deb"


@pytest.mark.parametrize(
    "rest",
    ["main/x.deb", "/pool/x", "pool/../x", "pool//x", "pool/x@2025", "pool/x@", "dists/x", ""],
)
def test_other_forms_are_refused(rest, cache, settings, make, heard):
    with pytest.raises(FetchError, match="not of the form debian:pool"):
        fetch(make(DATA, f"debian:{rest}"), cache=cache, reporter=heard, settings=settings)


def test_from_the_users_mirror_then_apts(server, tmp_path, cache, settings, make, heard):
    artifact = make(DATA, f"debian:{POOL}")
    apt = tmp_path / "apt"
    (apt / "sources.list.d").mkdir(parents=True)
    (apt / "sources.list").write_text(f"deb {server.url}/debian bookworm main\n")
    quoted = POOL.replace("+", "%2B")
    server.put(f"/debian/{quoted}", DATA)
    settings = dataclasses.replace(settings, apt=apt, debian_mirrors=(f"{server.url}/mine",))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert [seen[0] for seen in server.seen] == [f"/mine/{quoted}", f"/debian/{quoted}"]


def test_settings_from_the_environment():
    env = {
        "BUILDER_DEBIAN_MIRROR": " https://a.invalid/debian/ ,, http://b.invalid/debian",
        "BUILDER_NVIDIA_MIRROR": "http://n.invalid/copy/",
    }
    settings = FetchSettings.from_environment(env)
    assert settings.debian_mirrors == ("https://a.invalid/debian", "http://b.invalid/debian")
    nvidia = "https://developer.download.nvidia.com/compute"
    assert settings.replaced(f"{nvidia}/cuda/x.json") == "http://n.invalid/copy/cuda/x.json"
    assert settings.replaced(f"{nvidia}rs/x") == f"{nvidia}rs/x"
    assert FetchSettings.from_environment({}).replaced(f"{nvidia}/x") == f"{nvidia}/x"


def test_nvidias_archive_has_a_stand_in(server, cache, settings, make, heard):
    server.put("/copy/cuda/redist/a.tar.xz", DATA)
    source = "https://developer.download.nvidia.com/compute/cuda/redist/a.tar.xz"
    settings = dataclasses.replace(settings, nvidia_mirror=f"{server.url}/copy")
    artifact = make(DATA, source)
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
