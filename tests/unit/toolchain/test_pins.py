from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from builder.errors import RecipeError, UsageError
from builder.toolchain.pins import DATA, labels, load_pins, parse_pins

GOOD = """\
schema = 1
label = "cu118"
version = "11.8.89"
check = ["bin/nvcc"]

[[package]]
source = "pypi:one==1.0"
filename = "one-1.0-py3-none-any.whl"
sha256 = "{sha}"
size = 10
installed_size = 20
place = {{ "one/lib" = "lib64" }}
""".format(sha="a" * 64)


def faults(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_pins(text, name="cu118.toml")
    return caught.value.message


def test_a_good_file_gives_its_artifacts() -> None:
    pins = parse_pins(GOOD, name="cu118.toml")
    artifact = pins.package[0].artifact()
    assert (artifact.source, artifact.size) == ("pypi:one==1.0", 10)
    assert pins.cuda_version == "11.8"


def test_an_unknown_key_is_refused_with_its_place_and_the_nearest_one() -> None:
    message = faults(GOOD.replace("installed_size", "instaled_size"))
    assert (
        "cu118.toml: package[0].instaled_size: unknown key; did you mean 'installed_size'?"
        in message
    )


def test_every_fault_comes_at_once() -> None:
    text = GOOD.replace('version = "11.8.89"\n', "").replace("size = 10", "size = 0", 1)
    message = faults(text + 'nonsense = "x"\n')
    assert "version: must be given" in message
    assert "package[0].size" in message
    assert "nonsense: unknown key" in message
    assert all(line.startswith("cu118.toml: ") for line in message.splitlines())


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("", "package[0].sha256: must be given"),
        ('sha256 = ""', "package[0].sha256"),
        (f'sha256 = "{"A" * 64}"', "package[0].sha256"),
        (f'sha256 = "{"a" * 63}"', "package[0].sha256"),
    ],
)
def test_a_source_without_a_whole_hash_is_refused(line: str, place: str) -> None:
    assert place in faults(GOOD.replace(f'sha256 = "{"a" * 64}"', line))


@pytest.mark.parametrize(
    "source", ["one==1.0", "pypi:one", "http://host/x.whl", "debian:main/x.deb", "pypi:one>=1", ""]
)
def test_a_source_of_no_known_kind_is_refused(source: str) -> None:
    assert "package[0].source" in faults(GOOD.replace("pypi:one==1.0", source))


@pytest.mark.parametrize("path", ["/lib64", "../lib64", "lib64/../..", "a//b", "lib64/", "a\\\\b"])
def test_a_place_outside_the_prefix_is_refused(path: str) -> None:
    assert "must be a plain relative path" in faults(GOOD.replace('"lib64"', f'"{path}"'))
    assert "must be a plain relative path" in faults(GOOD.replace('"one/lib"', f'"{path}"'))


@pytest.mark.parametrize("name", ["../x.whl", "a/b.whl", ".hidden", "x y.whl"])
def test_a_file_name_that_is_none_is_refused(name: str) -> None:
    assert "package[0].filename" in faults(GOOD.replace("one-1.0-py3-none-any.whl", name))


def test_the_same_file_twice_is_refused() -> None:
    package = GOOD[GOOD.index("[[package]]") :]
    assert "stands there twice" in faults(f"{GOOD}\n{package}")


def test_text_that_is_not_toml_names_the_file() -> None:
    assert faults("schema = = 1").startswith("cu118.toml: ")


def test_a_schema_of_the_future_is_refused() -> None:
    assert "schema" in faults(GOOD.replace("schema = 1", "schema = 2"))


def test_an_unknown_label_names_the_known_ones(data: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_pins("cu999", data=data)
    assert "cu118, cu124, cu126" in str(caught.value)


def test_a_label_is_never_a_path(data: Path) -> None:
    (data.parent / "cu130.toml").write_text(GOOD)
    with pytest.raises(UsageError):
        load_pins("../cu130", data=data)


def test_the_label_must_be_the_files_name(data: Path) -> None:
    (data / "cu130.toml").write_text(GOOD)
    with pytest.raises(RecipeError, match=r"must be 'cu130', .*not 'cu118'"):
        load_pins("cu130", data=data)


@pytest.mark.parametrize("label", ["host", *labels()])
def test_this_projects_own_pins_are_valid(label: str) -> None:
    pins = load_pins(label)
    assert pins.label == label
    for package in pins.package:
        assert package.filename.endswith((".whl", ".deb"))
        if package.source.startswith("debian:"):
            assert package.source.rpartition("/")[2] == package.filename


def test_every_target_has_a_toolchain() -> None:
    targets = tomllib.loads((DATA / "targets.toml").read_text())
    assert set(targets["cuda"]) == set(labels())
    for label, row in targets["cuda"].items():
        assert load_pins(label).cuda_version == row["version"]


def test_curand_is_nowhere() -> None:
    # curand-cu11 and -cu12 own the same file; a wheel that needed one would damage PyTorch.
    for label in labels():
        pins = load_pins(label)
        names = [package.filename for package in pins.package]
        names += [name for product in pins.redist for name in product.components]
        assert not [name for name in names if "curand" in name]
