from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from builder.errors import ToolchainError, UsageError
from builder.toolchain.pins import parse_pins
from builder.toolchain.repin import package_name, repin

PINS = """\
# a remark that stays
schema = 1
label = "cu118"
version = "11.8.89"
check = ["bin/nvcc"]

[[package]]
source = "pypi:My_Tool==1.0"
filename = "my_tool-1.0-py3-none-any.whl"
sha256 = "{sha}"
size = 1
installed_size = 1
drop = ["*.txt"]
[package.place]
"my_tool-1.0.data/scripts" = "bin"
""".format(sha="0" * 64)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "my_tool-2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("my_tool-2.0.data/scripts/tool", "x" * 100)
        archive.writestr("my_tool-2.0.data/scripts/notes.txt", "dropped")
        archive.writestr("my_tool/other.py", "not taken")
    return path


def test_a_row_is_renewed_and_nothing_else(wheel: Path) -> None:
    text = repin(PINS, wheel, "pypi:my-tool==2.0")
    assert text.startswith("# a remark that stays\n")
    (package,) = parse_pins(text, name="cu118.toml").package
    assert package.source == "pypi:my-tool==2.0"
    assert package.filename == wheel.name
    assert package.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert (package.size, package.installed_size) == (wheel.stat().st_size, 100)
    assert package.place == {"my_tool-2.0.data/scripts": "bin"}
    assert package.drop == ("*.txt",)


def test_a_package_without_a_row_is_refused(wheel: Path) -> None:
    with pytest.raises(UsageError, match="no row for 'other'"):
        repin(PINS, wheel, "pypi:other==2.0")


def test_a_file_that_lacks_what_is_taken_is_refused(wheel: Path) -> None:
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("my_tool-2.0.data/scripts", "a file, and no folder of that name")
    repin(PINS, wheel, "pypi:my-tool==2.0")
    text = PINS.replace('"my_tool-1.0.data/scripts" = "bin"', '"bin" = "bin"\n"*" = "all"')
    with pytest.raises(ToolchainError):
        repin(
            text.replace('"*" = "all"', '"my_tool-1.0.data/scripts" = "x"'),
            wheel,
            "pypi:my-tool==2.0",
        )


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("pypi:Nvidia_cuda.nvcc==1", "nvidia-cuda-nvcc"),
        ("debian:pool/main/g/gcc-10/gcc-10_10.2.1-6_amd64.deb", "gcc-10"),
    ],
)
def test_package_names(source: str, name: str) -> None:
    assert package_name(source) == name


def test_an_address_has_no_package_name() -> None:
    with pytest.raises(UsageError):
        package_name("https://host/x.whl")
