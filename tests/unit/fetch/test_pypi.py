"""`pypi:` places: pip's own settings, both kinds of page, and what goes wrong there."""

from __future__ import annotations

import json
import random
import ssl
from pathlib import Path

import pytest

from builder.errors import FetchError, MachineError
from builder.fetch import FetchSettings, fetch
from builder.fetch.http import Client
from builder.fetch.location import Location
from builder.fetch.pipconfig import PipSettings, read_pip_settings
from builder.fetch.pypi import Offer, location, parse_html, parse_json, split_requirement

DATA = random.Random(4).randbytes(20_000)
JSON = "application/vnd.pypi.simple.v1+json; charset=utf-8"


def with_pip(settings: FetchSettings, **pip: object) -> FetchSettings:
    import dataclasses

    return dataclasses.replace(settings, pip=PipSettings(**pip))


def html(name: str, href: str, more: str = "") -> bytes:
    return f'<!DOCTYPE html><body><a href="{href}" {more}>{name}</a></body>'.encode()


def test_a_json_page(server, cache, settings, make, heard):
    artifact = make(DATA, "pypi:Some_Name==1.0", name="some_name-1.0+x.whl")
    server.put("/files/some_name-1.0%2Bx.whl", DATA)
    file = {
        "filename": artifact.filename,
        "url": "../../files/some_name-1.0%2Bx.whl",
        "hashes": {"sha256": artifact.sha256},
        "yanked": "broken on Mondays",
    }
    page = {"meta": {"api-version": "1.1"}, "name": "some-name", "files": [file]}
    server.put("/simple/some-name/", json.dumps(page).encode(), kind=JSON)
    settings = with_pip(settings, indexes=(f"{server.url}/simple/",))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert heard.warned == [
        "some_name-1.0+x.whl was yanked by its authors: broken on Mondays"
    ]  # a pin is a pin: said, and taken


def test_an_html_page(server, cache, settings, make, heard):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    server.put("/f/name-1.0.tar.gz", DATA)
    href = f"/f/name-1.0.tar.gz#sha256={artifact.sha256}"
    server.put("/simple/name/", html(artifact.filename, href), kind="text/html")
    settings = with_pip(settings, indexes=(f"{server.url}/simple",))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA
    assert heard.warned == []


def test_an_index_without_the_project_is_skipped_and_a_folder_index_read(
    server, tmp_path, cache, settings, make, heard
):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    folder = tmp_path / "my index" / "name"
    folder.mkdir(parents=True)
    (folder / "index.html").write_bytes(html("x", "name-1.0.tar.gz"))
    (folder / "name-1.0.tar.gz").write_bytes(DATA)
    empty = tmp_path / "empty"
    indexes = (f"{server.url}/simple", empty.as_uri(), (tmp_path / "my index").as_uri())
    settings = with_pip(settings, indexes=indexes)
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA


def test_find_links_of_a_machine_with_no_network(tmp_path, cache, settings, make, heard):
    (tmp_path / "name-1.0.tar.gz").write_bytes(DATA)
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    for link in (str(tmp_path), tmp_path.as_uri()):
        offline = with_pip(settings, find_links=("https://pages.invalid/x", link))
        assert fetch(artifact, cache=cache, reporter=heard, settings=offline).read_bytes() == DATA


def test_a_loose_file_is_taken_before_any_index_is_asked(
    server, tmp_path, cache, settings, make, heard
):
    (tmp_path / "name-1.0.tar.gz").write_bytes(DATA)
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    both = with_pip(
        settings, indexes=(f"{server.url}/simple",), find_links=(f"{server.url}/x", str(tmp_path))
    )
    assert fetch(artifact, cache=cache, reporter=heard, settings=both).read_bytes() == DATA
    assert server.seen == []


@pytest.mark.parametrize("how", ["address", "path", "file address"])
def test_find_links_that_is_a_page(how, server, tmp_path, cache, settings, make, heard):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    page = html("x", server.put("/files/name-1.0.tar.gz", DATA))
    server.put("/links.html", page, kind="text/html")
    (tmp_path / "links.html").write_bytes(page)
    link = {
        "address": f"{server.url}/links.html",
        "path": str(tmp_path / "links.html"),
        "file address": (tmp_path / "links.html").as_uri(),
    }[how]
    offline = with_pip(settings, find_links=(str(tmp_path / "gone"), link))
    assert fetch(artifact, cache=cache, reporter=heard, settings=offline).read_bytes() == DATA


def test_a_file_with_wrong_bytes_is_not_said_to_be_missing(server, cache, settings, make, heard):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    href = server.put("/f/name-1.0.tar.gz", b"other")
    server.put("/simple/name/", html("x", href), kind="text/html")
    settings = with_pip(settings, indexes=(f"{server.url}/simple",))
    with pytest.raises(FetchError, match="wrong bytes") as caught:
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert "none of the indexes" not in str(caught.value)


def test_pip_is_asked_for_folders_by_their_absolute_path(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    links = "wheels ~/more https://x.invalid/y file:///z"
    env = {"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": links, "HOME": str(tmp_path)}
    assert read_pip_settings(env).find_links == (
        str(tmp_path / "wheels"),
        str(tmp_path / "more"),
        "https://x.invalid/y",
        "file:///z",
    )


def test_another_hash_is_seen_before_anything_is_downloaded(server, cache, settings, make, heard):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    href = server.put("/f/name-1.0.tar.gz", DATA) + "#sha256=" + "0" * 64
    server.put("/simple/name/", html("x", href), kind="text/html")
    settings = with_pip(settings, indexes=(f"{server.url}/simple",))
    with pytest.raises(FetchError, match=f"is there with sha256 {'0' * 64}, not the pinned one"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
    assert [seen[0] for seen in server.seen] == ["/simple/name/"]


def test_what_each_index_said_is_in_the_error(server, cache, settings, make, heard):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    server.put("/one/name/", html("x", "other.whl"), kind="text/html")
    server.put("/two/name/", b"", *[{"status": 500}] * 9)
    server.put("/three/name/", b"{not json", kind=JSON)
    indexes = [f"{server.url}/{number}" for number in ("one", "two", "three")]
    settings = with_pip(settings, indexes=tuple(indexes))
    with pytest.raises(FetchError) as caught:
        fetch(artifact, cache=cache, reporter=heard, settings=settings)
    message = str(caught.value)
    assert "/one/name/: the project is there, the file 'name-1.0.tar.gz' is not" in message
    assert "/two/name/: answered 500 Internal Server Error (3 attempts)" in message
    assert "/three/name/: its page cannot be read" in message
    assert "PIP_INDEX_URL" in message


def test_nobody_has_the_project(server, cache, settings, make, heard):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    settings = with_pip(settings, indexes=(f"{server.url}/simple",))
    with pytest.raises(FetchError, match="is in none of the indexes asked"):
        fetch(artifact, cache=cache, reporter=heard, settings=settings)


def test_an_index_page_that_fails_once(server, cache, settings, make, heard):
    artifact = make(DATA, "pypi:name==1.0", name="name-1.0.tar.gz")
    href = server.put("/f/name-1.0.tar.gz", DATA)
    server.put("/simple/name/", html("x", href), {"status": 503}, kind="text/html")
    settings = with_pip(settings, indexes=(f"{server.url}/simple",))
    assert fetch(artifact, cache=cache, reporter=heard, settings=settings).read_bytes() == DATA


@pytest.mark.parametrize("text", ["name", "name==", "==1", "name>=1"])
def test_other_requirements_are_refused(text, cache, settings, make, heard):
    with pytest.raises(FetchError, match="not of the form pypi:NAME==VERSION"):
        fetch(make(DATA, f"pypi:{text}"), cache=cache, reporter=heard, settings=settings)


def test_names_are_normalised():
    assert split_requirement("Foo._Bar == 1.0") == ("foo-bar", "1.0")


def test_pages_in_detail():
    page = b"""<html><head><base href="https://x.invalid/files/"></head>
      <a href='a-1.0.tar.gz#sha256=AB&amp;egg=a' data-yanked>a</a>
      <a href="/b%2Bc-1.0.whl" data-yanked="why &amp; how">b</a><a>no link</a>"""
    assert parse_html(page, "https://index.invalid/simple/a/") == (
        Offer(
            filename="a-1.0.tar.gz",
            url="https://x.invalid/files/a-1.0.tar.gz",
            sha256="AB",
            yanked="",
        ),
        Offer(
            filename="b+c-1.0.whl",
            url="https://x.invalid/b%2Bc-1.0.whl",
            sha256=None,
            yanked="why & how",
        ),
    )
    files = [{"filename": "f", "url": "f", "hashes": {}, "yanked": True}]
    assert parse_json(json.dumps({"files": files}).encode(), "https://x.invalid/s/") == (
        Offer(filename="f", url="https://x.invalid/s/f", sha256=None, yanked=""),
    )


def test_pip_itself_is_asked_for_its_settings(tmp_path: Path):
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://one.invalid/simple\nproxy = http://proxy.invalid:1\n"
        "trusted-host =\n  two.invalid\n  three.invalid:8443\n"
        "[install]\nextra-index-url = file:///a file:///b\n"
    )
    env = {"PIP_CONFIG_FILE": str(config), "PIP_CERT": "/some/bundle.pem", "HOME": str(tmp_path)}
    settings = read_pip_settings(env)
    assert settings == PipSettings(
        indexes=("https://one.invalid/simple", "file:///a", "file:///b"),
        cert="/some/bundle.pem",
        proxy="http://proxy.invalid:1",
        trusted_hosts=("two.invalid", "three.invalid:8443"),
    )
    plain = read_pip_settings({"PIP_CONFIG_FILE": "/dev/null", "HOME": str(tmp_path)})
    assert len(plain.indexes) == 1  # pip's own default, which is written nowhere here
    assert plain.indexes[0].startswith("https://")


def test_a_pip_that_does_not_answer_is_said(tmp_path: Path):
    config = tmp_path / "pip.conf"
    config.write_text("no section\n")
    with pytest.raises(MachineError, match="pip could not say") as caught:
        read_pip_settings({"PIP_CONFIG_FILE": str(config)})
    assert "pip config debug" in str(caught.value.remedy)


def test_an_index_is_asked_the_way_pip_is_told_to():
    pip = PipSettings(cert="/c", client_cert="/k", proxy="http://p", trusted_hosts=("h", "h2:81"))
    assert location("https://h/x", pip).trusted
    assert location("https://h2:81/x", pip).trusted
    assert not location("https://h2/x", pip).trusted
    assert location("https://other/x", pip) == Location(
        url="https://other/x", cert="/c", client_cert="/k", proxy="http://p"
    )


@pytest.fixture
def secure(server):
    """The server behind TLS, with a certificate nobody has signed."""
    certificate = Path(__file__).with_name("localhost.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.url = server.url.replace("http://127.0.0.1", "https://localhost")
    return server


def test_certificates(secure, settings, monkeypatch):
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    url = secure.put("/page", b"hello")
    own = str(Path(__file__).with_name("localhost.pem"))

    def ask(**how: object) -> bytes:
        client = Client(settings)
        try:
            page = client.page(Location(url=url, **how), "*/*")
        finally:
            client.close()
        assert page is not None
        return page[0]

    with pytest.raises(Exception, match="certificate verify failed"):
        ask()
    assert ask(cert=own) == b"hello"
    assert ask(trusted=True) == b"hello"
    monkeypatch.setenv("SSL_CERT_FILE", own)  # how a machine names its own authorities
    assert ask() == b"hello"
