"""``darknet data``: loaded from the recipe's sources, as it needs neither library nor NumPy."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shlex
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "recipes" / "darknet-python" / "src"
sys.path.insert(0, str(SOURCES))

# E402: they are found only now.
from darknet._data import copying, pictures, plan  # noqa: E402
from darknet._data.check import Options, check_data  # noqa: E402
from darknet._data.cli import main  # noqa: E402
from darknet._data.datafile import read_data_file  # noqa: E402
from darknet._data.decoder import Decoder  # noqa: E402
from darknet._data.labels import label_path  # noqa: E402
from darknet._data.progress import Progress  # noqa: E402
from darknet._data.text import DataError, plain_path, read_lines, written_path  # noqa: E402

CFG = """[net]
batch=64
subdivisions=16
width=416
height=416
[convolutional]
filters=21
[yolo]
mask=0,1,2
anchors=1,2, 3,4, 5,6
num=3
classes=2
"""


def png(width: int = 4, height: int = 2) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + bytes(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", header)
        + part(b"IDAT", zlib.compress(rows))
        + part(b"IEND", b"")
    )


class DataSet:
    """A data set without a fault in a folder with a space; tests spoil it."""

    def __init__(self, folder: Path, pictures: int = 6) -> None:
        self.folder = folder / "My Drive" / "set"
        for name in ("images", "labels", "backup"):
            (self.folder / name).mkdir(parents=True)
        self.pictures = [self.folder / "images" / f"p {n}.png" for n in range(pictures)]
        for number, picture in enumerate(self.pictures):
            picture.write_bytes(png())
            self.label(number).write_text(f"{number % 2} 0.5 0.5 0.25 0.25\n")
        half = pictures // 2
        self.write("train.txt", "".join(f"{p}\n" for p in self.pictures[:half]))
        self.write("valid.txt", "".join(f"{p}\n" for p in self.pictures[half:]))
        self.write("obj.names", "cat\ndog\n")
        self.write("net.cfg", CFG)
        paths = {"train": "train.txt", "valid": "valid.txt", "names": "obj.names"}
        lines = [f"{key} = {self.folder / name}\n" for key, name in paths.items()]
        self.write("obj.data", f"classes = 2\n{''.join(lines)}backup = {self.folder}/backup\n")

    @property
    def data(self) -> Path:
        return self.folder / "obj.data"

    def label(self, number: int) -> Path:
        return self.folder / "labels" / f"p {number}.txt"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def found(self, **options) -> list[tuple[str, str, int | None]]:
        """Kind, file name and line of every problem."""
        report = check_data(self.data, Options(**options))
        return [(one.kind, Path(one.file).name, one.line) for one in report.problems]


@pytest.fixture
def dataset(tmp_path: Path) -> DataSet:
    return DataSet(tmp_path)


class TestText:
    @pytest.mark.parametrize(
        ("written", "path"),
        [
            ("/a/My Drive/x.jpg", "/a/My Drive/x.jpg"),
            (r"/a/My\ Drive/x.jpg", "/a/My Drive/x.jpg"),
            ('  "/a/My Drive/x.jpg" ', "/a/My Drive/x.jpg"),
            ("'/a/My Drive/x.jpg'", "/a/My Drive/x.jpg"),
            (r'"/a/My\ Drive"', r"/a/My\ Drive"),
            ('"', '"'),
            ("/it's/x.jpg", "/it's/x.jpg"),
        ],
    )
    def test_ways_to_write_a_space(self, written, path):
        assert plain_path(written) == path
        assert plain_path(written_path(path)) == path

    def test_what_cannot_be_written_is_refused(self):
        with pytest.raises(DataError, match="rename"):
            written_path("a\nb")

    def test_lines_of_any_editor(self, tmp_path):
        file = tmp_path / "list"
        file.write_bytes(b"\xef\xbb\xbfone\r\n two \n\nla\xff st")
        assert [(line.number, line.text) for line in read_lines(file)] == [
            (1, "one"), (2, "two"), (3, ""), (4, "la\udcff st"),
        ]  # fmt: skip

    def test_utf_16_is_named(self, tmp_path):
        file = tmp_path / "list"
        file.write_text("one\n", encoding="utf-16")
        with pytest.raises(DataError, match="UTF-16"):
            read_lines(file)


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("/d/images/a.jpg", "/d/labels/a.txt"),
        ("/d/images/images/a.png", "/d/labels/images/a.txt"),
        ("/d/JPEGImages/a.JPG", "/d/labels/a.txt"),
        ("a.jpg", "a.txt"),
        ("/d/drawings/a.jpg", "/d/dlabelsings/a.txt"),
        ("/d/a.jpg.b.jpg", "/d/a.txt.b.jpg"),
        ("/d/a.jpeg", "/d/a.jpeg"),
    ],
)
def test_label_files_as_darknet_derives_them(picture, label):
    assert label_path(picture) == label


class TestDataFile:
    def test_first_value_counts_and_spaces_stay_in_paths_only(self, tmp_path):
        file = tmp_path / "obj.data"
        file.write_bytes(
            b'# note\r\n cla sses = 2 \r\ntrain= "a b.txt"\r\ntrain=c\r\nwhat\r\n=x\r\n'
        )
        data = read_data_file(file)
        assert data.find("classes").value == "2"
        assert (data.find("train").value, data.find("train").line) == ("a b.txt", 3)
        assert [line.number for line in data.broken] == [5, 6]


class TestPictures:
    @pytest.mark.parametrize(
        ("head", "kind", "size"),
        [
            (png(4, 2), "PNG", (4, 2)),
            (b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x0b\x08\0\x02\0\x05\x03", "JPEG", (5, 2)),
            (b"\xff\xd8\xff\xe1\xff\xff".ljust(pictures.HEAD, b"x"), "JPEG", None),
            (b"BM123", "BMP", None),
            (b"GIF89a", "GIF", None),
            (b"P6 1 1 255\nabc", "PNM", None),
        ],
    )
    def test_kinds_that_are_read(self, head, kind, size):
        assert pictures.examine(head) == pictures.Header(kind, size)

    @pytest.mark.parametrize(
        ("head", "message"),
        [
            (b"", "empty"),
            (b"\0" * 100, "zeros"),
            (b"<!DOCTYPE html>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
            (b"RIFF1234WEBPVP8 ", "WebP.*convert"),
            (b"\0\0\0\x18ftypheic", "HEIC.*convert"),
            (b"II*\0", "TIFF"),
            (b"\xff\xd8\xff\xe0\0\x04ab\xff\xc3\0\x0b\x08\0\x02\0\x05\x03", "rare"),
            (b"\xff\xd8\xff\xe0\0\x10ab", "cut short"),
            (b"\xff\xd8\xff\xe0\0\x04abcdef", "damaged"),
            (b"\xff\xd8\xff\xe0\0\x01abcd", "damaged"),
            (png()[:20], "cut short"),
            (png(0, 2), "no pixels"),
            (b"hello", "no JPEG"),
        ],
    )
    def test_others_are_named(self, head, message):
        with pytest.raises(pictures.PictureError, match=message):
            pictures.examine(head)

    def test_any_prefix_is_told_apart_without_a_crash(self):
        for start in (png(), b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x02\0\x05\x03"):
            for end in range(len(start)):
                with contextlib.suppress(pictures.PictureError):
                    pictures.examine(start[:end])

    def test_a_missing_end(self, tmp_path):
        file = tmp_path / "a.png"
        file.write_bytes(png())
        assert not pictures.cut_short(file, "PNG")
        file.write_bytes(png()[:-12])
        assert pictures.cut_short(file, "PNG")


class TestCheck:
    def test_a_good_set(self, dataset):
        report = check_data(dataset.data, Options(cfg=dataset.folder / "net.cfg"))
        assert report.problems == []
        assert report.ok
        assert report.pictures == {"train": 3, "valid": 3}
        assert report.boxes == {0: 2, 1: 1}

    def test_crlf_and_every_way_to_write_paths(self, dataset):
        text = dataset.data.read_text().replace("My Drive", r"My\ Drive")
        dataset.data.write_bytes(text.replace("\n", "\r\n").encode())
        dataset.write("train.txt", "".join(f'"{p}"\r\n' for p in dataset.pictures[:3]))
        assert dataset.found() == []

    def test_missing_things(self, dataset):
        dataset.pictures[0].unlink()
        dataset.label(1).unlink()
        dataset.label(4).unlink()
        assert dataset.found() == [
            ("picture-missing", "train.txt", 1),
            ("label-missing", "train.txt", 2),
            ("label-missing", "valid.txt", 2),
            ("class-unused", "obj.data", None),
        ]
        report = check_data(dataset.data, Options())
        assert [problem.severity for problem in report.problems] == [
            "error", "error", "warning", "warning",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("line", "kind"),
        [
            ("0 0.5 0.5 0.2", "label-fields"),
            ("0 0.5 0.5 0.2 0.2 0.9", "label-fields"),
            ("2 0.5 0.5 0.2 0.2", "label-class"),
            ("-1 0.5 0.5 0.2 0.2", "label-class"),
            ("cat 0.5 0.5 0.2 0.2", "label-class"),
            ("0.0 0.5 0.5 0.2 0.2", "label-class"),
            ("0 nan 0.5 0.2 0.2", "label-number"),
            ("0 inf 0.5 0.2 0.2", "label-number"),
            ("0 0,5 0.5 0.2 0.2", "label-number"),
            ("0 1_0 0.5 0.2 0.2", "label-number"),
            ("0 1.01 0.5 0.2 0.2", "label-range"),
            ("0 0.5 -0.1 0.2 0.2", "label-range"),
            ("0 0.5 0.5 0 0.2", "label-range"),
            ("0 120 80 33 22", "label-range"),
            ("0 0 0 0.2 0.2", "label-corner"),
            ("0 0.5 0.5 0.0001 0.2", "label-small"),
            ("0 0.9 0.5 0.4 0.2", "label-edge"),
            ("0 0.5 0.5 0.25 0.25", "label-twice"),
        ],
    )
    def test_a_wrong_label_is_found_with_its_line(self, dataset, line, kind):
        dataset.label(0).write_text(f"0 0.5 0.5 0.25 0.25\n\n{line}\n")
        assert dataset.found() == [(kind, "p 0.txt", 3)]

    def test_boxes_that_touch_the_edge_are_fine(self, dataset):
        dataset.label(0).write_text("0 0.5 0.5 1 1.0\n0 0.05 1e-1 .1 0.2\n")
        assert dataset.found() == []

    def test_an_empty_label_file_and_too_many_boxes(self, dataset):
        dataset.label(0).write_text("\n")
        dataset.label(2).write_text(
            "".join(f"{n % 2} 0.5 0.{n + 100} 0.2 0.2\n" for n in range(91))
        )
        assert dataset.found() == [
            ("label-empty", "p 0.txt", None),
            ("label-many", "p 2.txt", None),
        ]

    def test_pictures_that_are_none(self, dataset):
        dataset.pictures[0].write_text("<html>")
        dataset.pictures[1].write_bytes(b"")
        wrong = [("picture-unreadable", "train.txt", 1), ("picture-unreadable", "train.txt", 2)]
        assert dataset.found() == wrong
        assert dataset.found(open_pictures=False) == []

    def test_decoding(self, dataset):
        asked = []

        def decode(path: str) -> str:
            asked.append(Path(path).name)
            return "bad zlib" if path.endswith("p 2.png") else ""

        dataset.pictures[1].write_bytes(png()[:-12])
        assert dataset.found(decode=decode) == [
            ("picture-unreadable", "train.txt", 2),
            ("picture-unreadable", "train.txt", 3),
        ]
        assert sorted(asked) == ["p 0.png", "p 2.png", "p 3.png", "p 4.png", "p 5.png"]

    def test_lists(self, dataset):
        first, second, third = dataset.pictures[:3]
        dataset.write("train.txt", f"{first}\n{second}\n\n{first}\n{third}\n")
        dataset.write("valid.txt", f"{third}\n")
        assert dataset.found() == [
            ("list-twice", "train.txt", 4),
            ("list-both", "valid.txt", 1),
        ]
        dataset.write("train.txt", "")
        assert ("list-empty", "train.txt", None) in dataset.found()

    def test_the_data_file_itself(self, dataset):
        text = dataset.data.read_text().replace("valid =", "vaild =").replace("backup", "back")
        dataset.data.write_text(f"{text}classes = 3\nnonsense\n")
        (dataset.folder / "obj.names").write_text("cat\n\ndog\ncat\n")
        assert dataset.found() == [
            ("data-line", "obj.data", 7),
            ("data-key", "obj.data", 3),
            ("data-key", "obj.data", 5),
            ("data-twice", "obj.data", 6),
            ("names-line", "obj.names", 2),
            ("names-line", "obj.names", 4),
            ("names-count", "obj.names", None),
            ("backup", "obj.data", None),
        ]

    def test_files_that_are_not_there(self, dataset, tmp_path):
        dataset.data.write_text(dataset.data.read_text().replace("/set/", "/no/"))
        assert dataset.found() == [
            ("names-missing", "obj.data", 4),
            ("backup", "obj.data", 5),
            ("list-missing", "obj.data", 2),
            ("list-missing", "obj.data", 3),
        ]
        report = check_data(tmp_path / "nothing.data", Options())
        assert [problem.kind for problem in report.problems] == ["unreadable"]

    def test_a_backup_folder_that_takes_no_file(self, dataset, monkeypatch):
        def refuse(*args, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
        assert dataset.found() == [("backup", "obj.data", 5)]

    def test_nothing_is_left_in_the_backup_folder(self, dataset):
        dataset.found()
        assert list((dataset.folder / "backup").iterdir()) == []

    @pytest.mark.parametrize(
        ("old", "new", "kind", "line"),
        [
            ("classes=2", "classes=80", "cfg-classes", 12),
            ("filters=21", "filters=255", "cfg-filters", 7),
            ("5,6", "5", "cfg-anchors", 10),
            ("0,1,2", "1,2,3", "cfg-anchors", 9),
            ("width=416", "width=400", "cfg-size", 4),
            ("batch=64", "batch=60", "cfg-batch", 2),
            ("[net]", "[nets]", "cfg-net", None),
            ("[yolo]", "[softmax]", "cfg-head", None),
        ],
    )
    def test_a_cfg_that_does_not_fit(self, dataset, old, new, kind, line):
        dataset.write("net.cfg", CFG.replace(old, new))
        assert dataset.found(cfg=dataset.folder / "net.cfg") == [(kind, "net.cfg", line)]

    def test_classes_counted_from_1(self, dataset):
        for number in range(3):
            dataset.label(number).write_text(f"{1 + number % 2} 0.5 0.5 0.2 0.2\n")
        assert dataset.found()[-1] == ("class-from-1", "obj.data", None)


class TestHints:
    def hints(self, dataset: DataSet) -> list[str]:
        return [problem.hint for problem in check_data(dataset.data, Options()).problems]

    def test_relative_paths_count_from_the_current_folder(self, dataset, tmp_path, monkeypatch):
        relative = "".join(f"images/p {n}.png\n" for n in range(3))
        dataset.write("train.txt", relative)
        monkeypatch.chdir(tmp_path)
        assert len(dataset.found()) == 3
        assert all(shlex.quote(str(dataset.folder)) in hint for hint in self.hints(dataset))
        monkeypatch.chdir(dataset.folder)
        assert dataset.found() == []

    def test_relative_paths_that_are_meant_from_a_folder_above(
        self, dataset, tmp_path, monkeypatch
    ):
        """As with data/obj.data, whose paths begin with data/."""
        text = dataset.data.read_text().replace(f"{tmp_path}/", "")
        assert text.count("= My Drive/set/") == 4
        dataset.data.write_text(text)
        monkeypatch.chdir(dataset.folder)
        assert len(dataset.found()) == 4
        assert all(
            f"start it in {shlex.quote(str(tmp_path))}, " in hint for hint in self.hints(dataset)
        )
        monkeypatch.chdir(tmp_path)
        assert dataset.found() == []

    def test_capitals_and_accents(self, dataset):
        dataset.pictures[0].rename(dataset.pictures[0].with_suffix(".PNG"))
        dataset.pictures[1].rename(dataset.pictures[1].with_name("cafe\u0301.png"))
        listed = [dataset.pictures[0], dataset.pictures[1].with_name("caf\u00e9.png")]
        dataset.write("train.txt", "".join(f"{p}\n" for p in listed))
        assert ["capitals or accents" in hint for hint in self.hints(dataset)[:2]] == [True, True]

    def test_a_label_beside_the_picture_that_darknet_looks_for_elsewhere(self, dataset):
        dataset.label(0).rename(dataset.pictures[0].with_suffix(".txt"))
        assert "'images' to 'labels'" in self.hints(dataset)[0]

    def test_a_name_that_gives_no_label_file(self, dataset):
        dataset.pictures[0].rename(dataset.pictures[0].with_suffix(".jpeg"))
        dataset.write("train.txt", f"{dataset.pictures[0].with_suffix('.jpeg')}\n")
        assert dataset.found()[0] == ("label-name", "train.txt", 1)


class TestOnDrive:
    def test_one_listing_a_folder_and_no_look_at_single_files(self, tmp_path, monkeypatch):
        dataset = DataSet(tmp_path, pictures=200)
        listed, looked = [], []
        scandir, stat = os.scandir, os.stat
        monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
        monkeypatch.setattr(
            os, "stat", lambda path, **kw: looked.append(str(path)) or stat(path, **kw)
        )
        assert dataset.found(open_pictures=False) == []
        assert sorted(listed) == [str(dataset.folder / "images"), str(dataset.folder / "labels")]
        assert [path for path in looked if "/images/" in path or "/labels/" in path] == []


class TestReport:
    def run(self, *words, capsys) -> tuple[int, str]:
        status = main(["check", *map(str, words)])
        return status, capsys.readouterr().out

    def test_ready(self, dataset, capsys):
        status, out = self.run(dataset.data, capsys=capsys)
        assert status == 0
        assert "3 pictures to train with, 3 pictures to validate with; 3 boxes of 2 classes" in out
        assert "ready: 0 errors, 0 warnings" in out

    @pytest.mark.parametrize("lines", [3, 4, 7, 20])
    def test_never_more_lines_than_asked_for(self, tmp_path, capsys, lines):
        dataset = DataSet(tmp_path, pictures=60)
        for number in range(30):
            dataset.label(number).write_text("7 0.5 0.5 0.2 0.2\n0 0.5\n" if number else "")
        status, out = self.run(dataset.data, "--lines", lines, capsys=capsys)
        assert status == 1
        assert out.count("\n") == lines
        shown = out.count(": error:") + out.count(": warning:")
        assert shown == lines - 3
        if lines == 20:
            assert "class 7" in out
            assert "2 fields" in out
            assert "no box: trained" in out
        status, out = self.run(dataset.data, "--all", capsys=capsys)
        assert out.count(": error:") == 58

    def test_json(self, dataset, capsys):
        dataset.label(0).write_text("0 2 0.5 0.2 0.2\n")
        status, out = self.run(dataset.data, "--json", capsys=capsys)
        content = json.loads(out)
        assert status == 1
        assert (content["schema_version"], content["ok"], content["errors"]) == (1, False, 1)
        assert content["boxes"] == {"0": 1, "1": 1}
        assert content["problems"] == [
            {
                "severity": "error", "kind": "label-range", "file": str(dataset.label(0)),
                "line": 1, "message": "box 2 0.5 0.2 0.2 lies outside 0 to 1",
                "hint": "all four are parts of the picture, from 0 to 1",
            }
        ]  # fmt: skip

    def test_names_that_are_no_utf_8(self, dataset):
        broken = os.fsencode(dataset.folder / "images") + b"/\xff.png"
        (dataset.folder / "train.txt").write_bytes(broken + b"\n")
        done = darknet("check", dataset.data, env={"PYTHONIOENCODING": "ascii"})
        assert done.returncode == 1
        assert "\\udcff.png" in done.stdout


class TestProgress:
    def test_quiet_for_two_seconds_then_now_and_then(self):
        clock = itertools.count()
        stream = io.StringIO()
        progress = Progress("checked", 30, stream=stream, clock=lambda: next(clock) * 0.5)
        for _ in range(30):
            progress.add()
        progress.close()
        assert stream.getvalue().splitlines() == [
            "checked: 4 of 30, about 13 s left",
            "checked: 24 of 30, about 3 s left",
        ]


class TestDecoder:
    ANSWER = (
        "import sys, os\n"
        "def paths():\n"
        "    word = b''\n"
        "    while byte := os.read(0, 1):\n"
        "        if byte == b'\\0': yield word.decode(); word = b''\n"
        "        else: word += byte\n"
        "for path in paths():\n"
        "    if 'exit' in path: sys.exit('Cannot load image\\nbad PNG')\n"
        "    if 'crash' in path: os.abort()\n"
        "    os.write(1, b'bad\\n' if 'bad' in path else b'ok\\n')\n"
    )

    def test_a_process_that_ends_over_a_picture(self):
        with Decoder((sys.executable, "-c", self.ANSWER)) as decode:
            assert decode("a b.jpg") == ""
            assert decode("exit.jpg") == "bad PNG"
            assert decode("c.jpg") == ""
            assert decode("crash.jpg") == "the decoder ended over it"
            assert decode("bad.jpg") == "the decoder ended over it"
            assert decode("d.jpg") == ""


def darknet(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **(env or {})},
    )  # fmt: skip


def command(*words: object) -> list[str]:
    code = "from darknet._program import main; main()"
    return [sys.executable, "-c", code, "data", *map(str, words)]


class TestLocalise:
    def test_a_copy_that_trains(self, dataset, tmp_path, monkeypatch, capsys):
        to = tmp_path / "content" / "data"
        (dataset.folder / "backup" / "net_last.weights").write_bytes(b"x")
        cfg = dataset.folder / "net.cfg"
        assert main(["localise", str(dataset.data), "--to", str(to), "--cfg", str(cfg)]) == 0
        out = capsys.readouterr().out

        words = shlex.split(out.splitlines()[-1])
        assert words == [
            "darknet", "detector", "train", str(to / "obj.data"), str(cfg),
            str(dataset.folder / "backup/net_last.weights"), "-dont_show",
        ]  # fmt: skip
        local = read_data_file(to / "obj.data")
        assert local.find("backup").value == str(dataset.folder / "backup")
        assert local.find("classes").value == "2"
        assert "12 files" not in out  # 6 pictures, 6 label files, the names
        assert "13 files copied" in out
        report = check_data(to / "obj.data", Options())
        assert report.problems == []
        assert report.pictures == {"train": 3, "valid": 3}
        assert all(str(to) in line.text for line in read_lines(to / "obj.train.list"))
        assert leftovers(to) == []

    def test_what_training_left_behind_beats_the_weights_of_the_first_day(
        self, dataset, tmp_path, capsys
    ):
        """The same command every day, whatever it was given at first: no work is lost."""
        cfg, to = str(dataset.folder / "my net.v2.cfg"), str(tmp_path / "local")
        backup = dataset.folder / "backup"

        def started(*more: str) -> tuple[object, object, str]:
            words = ["localise", str(dataset.data), "--to", to, "--cfg", cfg, *more]
            assert main([*words, "--json"]) == 0
            content = json.loads(capsys.readouterr().out)
            start = content["command"][5:-1]
            assert start == ([content["weights"]] if content["weights"] else [])
            assert main(words) == 0
            said = capsys.readouterr().out
            assert shlex.split(said.splitlines()[-1]) == content["command"]
            return content["weights"], content["goes_on"], said

        assert started()[:2] == (None, False)
        assert "training starts from random weights" in started()[2]
        assert started("--weights", "first.weights")[:2] == ("first.weights", False)
        (backup / "my net.backup").write_bytes(b"x")  # as the Darknet of 2018 named it
        assert started()[:2] == (str(backup / "my net.backup"), True)
        last = backup / "my net_last.weights"
        last.write_bytes(b"x")
        assert started()[:2] == (str(last), True)
        weights, goes_on, said = started("--weights", "first.weights")
        assert (weights, goes_on) == (str(last), True)
        assert f"goes on from {last}, which it left behind, and not from first.weights" in said
        assert started("--weights", "first.weights", "--anew")[:2] == ("first.weights", False)
        assert started("--anew")[:2] == (None, False)

    def test_again_copies_only_what_changed(self, dataset, tmp_path, capsys):
        to = tmp_path / "local"
        assert main(["localise", str(dataset.data), "--to", str(to)]) == 0
        dataset.label(2).write_text("1 0.5 0.5 0.5 0.5\n1 0.25 0.5 0.5 0.5\n")
        os.utime(dataset.pictures[1], (1, 1))
        capsys.readouterr()
        assert main(["localise", str(dataset.data), "--to", str(to), "--json"]) == 0
        content = json.loads(capsys.readouterr().out)
        assert (content["schema_version"], content["copied"], content["kept"]) == (1, 2, 11)
        assert check_data(to / "obj.data", Options()).boxes == {0: 1, 1: 3}

    def test_folders_below_one_another(self, dataset, tmp_path):
        deep = dataset.folder / "images" / "night" / "x.jpg"
        deep.parent.mkdir()
        deep.write_bytes(png())
        label = Path(label_path(str(deep)))
        label.parent.mkdir()
        label.write_text("0 0.5 0.5 0.5 0.5\n")
        other = tmp_path / "elsewhere" / "x.jpg"
        other.parent.mkdir()
        other.write_bytes(png())
        other.with_suffix(".txt").write_text("")
        dataset.write("train.txt", f"{deep}\n{other}\n")
        assert main(["localise", str(dataset.data), "--to", str(tmp_path / "local")]) == 0
        report = check_data(tmp_path / "local" / "obj.data", Options())
        assert [problem.kind for problem in report.problems] == ["label-empty", "class-unused"]
        copied = sorted(path.name for path in (tmp_path / "local").rglob("x.*"))
        assert copied == ["x.jpg", "x.jpg", "x.txt", "x.txt"]

    def test_missing_files_are_named_or_left_out(self, dataset, tmp_path, capsys):
        dataset.pictures[0].unlink()
        dataset.label(1).unlink()
        dataset.label(5).unlink()  # of a validation picture: not needed
        words = ["localise", str(dataset.data), "--to", str(tmp_path / "local")]
        assert main(words) == 1
        said = capsys.readouterr().err
        assert "2 files are not there" in said
        assert str(dataset.pictures[0]) in said
        assert str(dataset.label(1)) in said
        assert not (tmp_path / "local").exists()
        assert main([*words, "--skip-missing"]) == 0
        report = check_data(tmp_path / "local" / "obj.data", Options())
        assert report.pictures == {"train": 1, "valid": 3}

    @pytest.mark.parametrize("name", ["images", "raw data", "x.jpg"])
    def test_a_folder_where_labels_would_not_be_found(self, dataset, tmp_path, capsys, name):
        assert main(["localise", str(dataset.data), "--to", str(tmp_path / name)]) == 1
        assert "choose one without" in capsys.readouterr().err

    def test_the_folder_of_the_set_itself(self, dataset, capsys):
        before = dataset.data.read_text()
        assert main(["localise", str(dataset.data), "--to", str(dataset.folder)]) == 1
        assert "choose another folder" in capsys.readouterr().err
        assert dataset.data.read_text() == before

    def test_too_small_a_disk_is_said_first(self, dataset, tmp_path, monkeypatch, capsys):
        usage = type("Usage", (), {"free": 64 * 1000**2 + 13 * 4096 - 1})
        monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
        to = tmp_path / "local"
        assert main(["localise", str(dataset.data), "--to", str(to)]) == 1
        assert "are to be copied, and" in capsys.readouterr().err
        assert list(to.iterdir()) == []

    def test_a_disk_that_fills_up(self, dataset, tmp_path, monkeypatch, capsys):
        def full(source, part, stop, progress):
            part.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(copying, "_stream", full)
        to = tmp_path / "local"
        assert main(["localise", str(dataset.data), "--to", str(to)]) == 1
        assert "no room left" in capsys.readouterr().err
        assert leftovers(to) == []
        assert not (to / "obj.data").exists()

    def test_drive_fails_now_and_then(self, dataset, tmp_path, monkeypatch):
        stream, failures = copying._stream, iter([OSError(5, "Input/output error")] * 2)
        monkeypatch.setattr(copying.time, "sleep", lambda seconds: None)

        def flaky(*args):
            failure = next(failures, None)
            if failure:
                raise failure
            return stream(*args)

        monkeypatch.setattr(copying, "_stream", flaky)
        to = tmp_path / "local"
        assert main(["localise", str(dataset.data), "--to", str(to), "--jobs", "1"]) == 0
        assert check_data(to / "obj.data", Options()).problems == []

    def test_two_at_once_are_refused(self, dataset, tmp_path, capsys, monkeypatch):
        to = tmp_path / "local"
        inner = []

        def again(files, jobs, kept):
            monkeypatch.undo()
            inner.append(main(["localise", str(dataset.data), "--to", str(to)]))
            return copying.copy_all(files, jobs, kept)

        monkeypatch.setattr("darknet._data.localise.copy_all", again)
        assert main(["localise", str(dataset.data), "--to", str(to)]) == 0
        assert inner == [1]
        assert "another" in capsys.readouterr().err

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_stopped_half_way_it_leaves_whole_files_and_goes_on(self, tmp_path, number):
        dataset = DataSet(tmp_path, pictures=8)
        to = tmp_path / "local"
        script = (
            "import sys, time\n"
            "from darknet._data import copying\n"
            "stream = copying._stream\n"
            "def slow(source, part, stop, progress):\n"
            "    if source.name == 'p 3.png':\n"
            "        part.write_bytes(b'half')\n"
            "        while not (part.parent / 'p 1.png').exists(): time.sleep(0.01)\n"
            "        print('half', flush=True)\n"
            "        while not stop.is_set(): time.sleep(0.01)\n"
            "        raise copying.Stopped\n"
            "    return stream(source, part, stop, progress)\n"
            "copying._stream = slow\n"
            "from darknet._data.cli import main\n"
            "sys.exit(main(sys.argv[1:]))\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, "localise", str(dataset.data), "--to", str(to)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
        )  # fmt: skip
        assert process.stdout.readline() == "half\n"
        time.sleep(0.2)
        process.send_signal(number)
        _, said = process.communicate(timeout=240)
        assert process.returncode == 130, said
        assert "goes on from here" in said
        assert leftovers(to) == []
        assert not (to / "obj.data").exists()
        assert (to / "p 1.png").read_bytes() == png()

        done = darknet("localise", dataset.data, "--to", to)
        assert done.returncode == 0, done.stderr
        assert "were there already" in done.stdout
        assert check_data(to / "obj.data", Options()).problems == []

    def test_what_a_killed_run_left_is_replaced(self, dataset, tmp_path):
        to = tmp_path / "local"
        to.mkdir()
        (to / f"p 0.png{copying.PART}").write_bytes(b"half")
        assert main(["localise", str(dataset.data), "--to", str(to)]) == 0
        assert leftovers(to) == []
        assert (to / "p 0.png").read_bytes() == png()

    def test_two_files_for_one_place(self, dataset, tmp_path, capsys):
        # Darknet makes both label files labels.txt: "raw" becomes "labels".
        for name in ("raw.png", "labels.png"):
            (dataset.folder / "images" / name).write_bytes(png())
        (dataset.folder / "labels" / "labels.txt").write_text("")
        listed = "".join(f"{dataset.folder}/images/{name}\n" for name in ("raw.png", "labels.png"))
        dataset.write("train.txt", listed)
        made = plan.make_plan(read_data_file(dataset.data), tmp_path / "local", 2)
        targets = [copy.target.name for copy in made.copies]
        assert targets.count("labels.txt") == 1


def leftovers(folder: Path) -> list[str]:
    """Files that are not whole, and locks."""
    names = (path.name for path in folder.rglob("*") if path.is_file())
    return [name for name in names if name.endswith(copying.PART) or name.startswith(".")]


class TestCommand:
    def test_usage(self):
        done = darknet()
        assert done.returncode == 2
        assert "usage: darknet data" in done.stderr

    def test_it_starts_without_numpy_and_library(self):
        code = (
            "import sys; sys.argv = ['darknet', 'data', 'check', '/nothing']\n"
            "from darknet._program import main\n"
            "try: main()\n"
            "except SystemExit as end: status = end.code\n"
            "assert not {'numpy', 'ctypes', 'darknet._build'} & set(sys.modules)\n"
            "raise SystemExit(status)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert "/nothing cannot be read" in done.stdout
