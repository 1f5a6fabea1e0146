"""The lines to paste: quoted for shells, notebooks, pip's settings files and uv."""

from __future__ import annotations

import os
import shlex
import subprocess
import tomllib
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.version import InvalidVersion
from pip._internal.req.req_file import preprocess

from index.lines import (
    Lines,
    colab_url,
    file_url,
    lines_for,
    only_here,
    quote_url,
    requirement,
    root_url,
    shell_word,
)

BASE = "https://owner.example/repo"
VERSION = "4.14.0.94+cu124"
NASTY = '/home/me\'s/My Drive/gpu  $wheels ${X} {y} "q" `id`;&|<>#!~ %20 ümläut 日本\\n\n\t=a'


def all_lines(root: str = f"{BASE}/cu124", **more: Any) -> Lines:
    return lines_for(root, "opencv-cuda", VERSION, **more)


def test_the_lines_as_they_are_printed() -> None:
    lines = all_lines(also=("opencv-python==4.14.0.93.99+cu124",))
    wanted = "opencv-cuda==4.14.0.94+cu124"
    assert lines.pip == f'pip install --extra-index-url {BASE}/cu124 "{wanted}"'
    assert lines.pip_environment == f'PIP_EXTRA_INDEX_URL={BASE}/cu124 pip install "{wanted}"'
    assert lines.requirements == f"--extra-index-url {BASE}/cu124\n{wanted}\n"
    assert lines.uv == f'uv pip install --index {BASE}/cu124 "{wanted}"'
    assert lines.uv_project == (
        f'# then: uv add "{wanted}"\n'
        "[tool.uv]\n"
        "constraint-dependencies = [\n"
        '  "opencv-python==4.14.0.93.99+cu124",\n'
        "]\n"
        "\n"
        "[tool.uv.sources]\n"
        'opencv-cuda = { index = "gpu-wheels-cu124" }\n'
        'opencv-python = { index = "gpu-wheels-cu124" }\n'
        "\n"
        "[[tool.uv.index]]\n"
        'name = "gpu-wheels-cu124"\n'
        f'url = "{BASE}/cu124"\n'
        "explicit = true\n"
    )


def test_a_line_without_a_version_names_the_project_alone() -> None:
    lines = lines_for(f"{BASE}/simple", "opencv-cuda")
    assert lines.pip == f"pip install --extra-index-url {BASE}/simple opencv-cuda"
    assert lines.requirements.endswith("\nopencv-cuda\n")


def test_the_root_of_a_cuda_and_of_none() -> None:
    assert root_url(f"{BASE}/", "cu124") == f"{BASE}/cu124"
    assert root_url(BASE, None) == f"{BASE}/simple"


def test_versions_are_written_as_installers_do() -> None:
    assert requirement("x", " 1.0-RC1+CU-124 ") == "x==1.0rc1+cu.124"
    with pytest.raises(InvalidVersion):
        requirement("x", '1.0"; rm -rf ~; "')


def test_an_exclamation_mark_is_kept_from_the_shells_history() -> None:
    assert lines_for(f"{BASE}/simple", "x", "1!2.0").pip.endswith(" 'x==1!2.0'")


@pytest.mark.parametrize(
    ("url", "quoted"),
    [
        ("https://host:8000/a b/", "https://host:8000/a%20b"),
        ("file:///", "file://"),
        ("https://host/a%20b", "https://host/a%20b"),
        ("https://host/100%", "https://host/100%25"),
        ("https://host/a?b#c", "https://host/a%3Fb%23c"),
        ("https://host/$x/{y}/'z'", "https://host/%24x/%7By%7D/%27z%27"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://h$st", "https://h%24st"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("file:///content/drive/My Drive/x", "file:///content/drive/My%20Drive/x"),
    ],
)
def test_addresses_in_plain_ascii(url: str, quoted: str) -> None:
    assert quote_url(url) == quoted
    assert quote_url(quoted) == quoted


def test_a_folder_must_be_absolute() -> None:
    with pytest.raises(ValueError, match="absolute"):
        file_url(PurePosixPath("My Drive/wheels"))


@pytest.mark.parametrize(
    ("folder", "colab"),
    [
        ("/Users/me/Library/CloudStorage/GoogleDrive-a@b.c/My Drive/gpu wheels", "gpu%20wheels"),
        ("/content/drive/MyDrive/gpu wheels", "gpu%20wheels"),
        ("/content/drive/My Drive/old/My Drive/x", "old/My%20Drive/x"),
        ("/home/me/wheels", None),
        ("/home/me/Not My Drive/wheels", None),
    ],
)
def test_where_colab_sees_a_folder(folder: str, colab: str | None) -> None:
    wanted = None if colab is None else f"file:///content/drive/MyDrive/{colab}"
    assert colab_url(PurePosixPath(folder)) == wanted


def test_the_top_of_a_drive_itself() -> None:
    assert colab_url(PurePosixPath("/x/My Drive")) == "file:///content/drive/MyDrive"


paths = st.text(st.characters(exclude_characters="\0"), min_size=1).map(lambda text: f"/{text}")
surrogates = st.binary(min_size=1).map(lambda data: "/" + os.fsdecode(data.replace(b"\0", b"")))


@given(st.one_of(paths.filter(lambda text: text.isprintable()), surrogates))
@example(NASTY)
def test_any_folder_survives_every_line(text: str) -> None:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:  # lone surrogates that stand for no byte: no path has them
        return
    folder = PurePosixPath(text)
    root = root_url(file_url(folder), "cu124")
    lines = all_lines(root)
    assert root.isascii()
    assert not set(root) & set(" \t\n\"'`$\\{}#?!;&|<>*")
    path = unquote_to_bytes(root.removeprefix("file://"))
    assert path == os.fsencode(folder).rstrip(b"/") + b"/cu124"
    assert shlex.split(lines.pip)[3:] == [root, f"opencv-cuda=={VERSION}"]
    assert shlex.split(lines.uv)[4:] == [root, f"opencv-cuda=={VERSION}"]
    assert shlex.split(lines.pip_environment)[0] == f"PIP_EXTRA_INDEX_URL={root}"
    # pip's own reading of a requirements file: comments, joined lines, ${VARIABLES}.
    read = [line for _, line in preprocess(lines.requirements)]
    assert read == [f"--extra-index-url {root}", f"opencv-cuda=={VERSION}"]
    assert tomllib.loads(lines.uv_project)["tool"]["uv"]["index"][0]["url"] == root


def test_a_real_shell_reads_what_was_meant() -> None:
    root = root_url(file_url(PurePosixPath(NASTY)), "cu124")
    line = all_lines(root).pip.replace("pip install", "printf '%s\\n'")
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["--extra-index-url", root, f"opencv-cuda=={VERSION}"]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@example("")
@example("a'b")
def test_any_word_is_one_word(text: str) -> None:
    assert shlex.split(shell_word(text)) == [text]


def test_requirements_that_only_the_same_index_meets() -> None:
    metadata = (
        "Metadata-Version: 2.1\n"
        "Name: opencv-cuda\n"
        "Requires-Dist: numpy>=2\n"
        "Requires-Dist: OpenCV_Python==4.14.0.93.99+cu124\n"
        'Requires-Dist: opencv-contrib-python==4.14.0.93.99+cu124 ; python_version > "3"\n'
        "Requires-Dist: nvidia-cublas-cu12==12.4.5.8\n"
        "Requires-Dist: what is this\n"
        "\n"
        "Requires-Dist: in-the-text==1+cu124\n"
    )
    assert only_here(metadata) == (
        "opencv-python==4.14.0.93.99+cu124",
        "opencv-contrib-python==4.14.0.93.99+cu124",
    )
