from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from builder.cli.common import Settings
from builder.cli.inspect import command
from builder.errors import CheckError
from builder.paths import Cache
from builder.ui import Silent
from builder.wheel import inspect_wheel, make_record
from builder.wheel.inspect import run_folder
from builder.wheel.model import External, Part
from index.records import read_record, write_record


def test_a_good_wheel(good_wheel):
    found = inspect_wheel(good_wheel)
    assert (found.name, found.version, found.build_tag) == ("demo-gpu", "1.2+cu118", "1")
    assert found.tags == ("py3-none-manylinux_2_28_x86_64",)
    assert found.platforms == ("manylinux_2_28_x86_64",)
    assert found.requires_python == ">=3.9"
    assert found.dependencies == ("nvidia-cuda-runtime-cu11",)
    assert found.size == good_wheel.stat().st_size
    assert len(found.sha256) == 64
    assert found.problems == ()
    assert found.newest == (("GLIBC", "2.27"),)
    assert found.policy == "manylinux_2_27_x86_64"
    assert found.policy_reasons == ("GLIBC_2.27",)
    assert found.vendored == ()
    assert found.external == (
        External(
            soname="libcudart.so.11.0",
            needed_by=("demo_gpu/libdemo.so",),
            searched=("nvidia/cuda_runtime/lib",),
        ),
    )
    assert (found.real, found.ptx) == (("7.5", "8.0"), ("8.0",))
    assert found.elves[0].cuda.modules == 2
    assert found.largest_files[0].name == "demo_gpu/libdemo.so"
    assert Part(name=".nv_fatbin", size=found.largest_sections[0].size) == found.largest_sections[0]
    assert found.leaks == ()
    assert found.recorded is None


def test_libraries_of_the_wheel_itself_are_not_external(tmp_path, make_wheel, make_elf):
    path = make_wheel(
        tmp_path,
        {
            "demo_gpu/a.so": make_elf(needed=("libb-12345678.so.1", "libc.so.6")),
            "demo_gpu.libs/libb-12345678.so.1": make_elf(soname="libb-12345678.so.1"),
        },
    )
    found = inspect_wheel(path)
    assert found.external == ()
    assert found.vendored == ("libb-12345678.so.1",)
    assert [elf.vendored for elf in found.elves] == [True, False]


def test_a_library_is_searched_only_where_all_its_users_look(tmp_path, make_wheel, make_elf):
    path = make_wheel(
        tmp_path,
        {
            "demo_gpu/a.so": make_elf(needed=("libx.so.1",), runpath="$ORIGIN/../p:$ORIGIN/../q"),
            "demo_gpu/sub/b.so": make_elf(needed=("libx.so.1",), runpath="$ORIGIN/../../q"),
        },
    )
    assert inspect_wheel(path).external[0].searched == ("q",)


@pytest.mark.parametrize(
    ("run_path", "folder"),
    [
        ("$ORIGIN/../nvidia/cublas/lib", "nvidia/cublas/lib"),
        ("${ORIGIN}/../x.libs/", "x.libs"),
        ("$ORIGIN", "demo_gpu"),
        ("$ORIGIN/..", "."),
        ("$ORIGIN/../../lib", None),
        ("$ORIGINAL/x", None),
        ("/usr/local/cuda/lib64", None),
        ("lib", None),
    ],
)
def test_run_paths_as_folders(tmp_path, make_wheel, make_elf, run_path, folder):
    path = make_wheel(tmp_path, {"demo_gpu/a.so": make_elf(runpath=run_path)})
    assert run_folder(inspect_wheel(path).elves[0], run_path) == folder


def test_paths_of_this_machine_are_found_in_every_file(tmp_path, make_wheel, make_elf):
    path = make_wheel(
        tmp_path,
        {
            "demo_gpu/a.so": make_elf(extra=b"\0/work/cache/x.c\0/work/cache/y.c\0"),
            "demo_gpu/config.py": b"PATH = '/home/me/src'\n",
        },
    )
    found = {
        (leak.needle, leak.path, leak.count)
        for leak in inspect_wheel(path, needles=["/work/cache"]).leaks
    }
    assert found == {("/work/cache", "demo_gpu/a.so", 2), ("/home/", "demo_gpu/config.py", 1)}
    assert {leak.needle for leak in inspect_wheel(path).leaks} == {"/home/"}


def test_a_damaged_file_inside_is_a_clear_error(tmp_path, make_wheel):
    with pytest.raises(CheckError, match=r"demo_gpu/a\.so: a damaged ELF file"):
        inspect_wheel(make_wheel(tmp_path, {"demo_gpu/a.so": b"\x7fELF and nothing more"}))


def test_the_record(good_wheel, make_spec):
    spec = make_spec()
    record = make_record(good_wheel, spec, built={"engine": "hermetic"})
    assert (record.name, record.version, record.build_tag) == ("demo-gpu", "1.2+cu118", "1")
    assert record.tags == ("py3-none-manylinux_2_28_x86_64",)
    assert (record.build_key, record.profile, record.cuda) == (spec.key, "smoke", "cu118")
    assert "Name: demo-gpu" in record.metadata
    written = write_record(record, good_wheel)
    assert read_record(written) == record
    recorded = inspect_wheel(good_wheel).recorded
    assert recorded.matches
    assert (recorded.build_key, recorded.architectures) == (spec.key, ("7.5", "8.0"))


def test_a_record_of_another_file_is_noticed(good_wheel, make_spec):
    record = make_record(good_wheel, make_spec(), built={})
    write_record(record.model_copy(update={"sha256": "0" * 64}), good_wheel)
    assert not inspect_wheel(good_wheel).recorded.matches


@pytest.fixture
def run(tmp_path):
    settings = Settings(cache=Cache(root=tmp_path / "cache"), reporter=Silent(), recipes=tmp_path)
    return lambda *arguments: CliRunner().invoke(command, [str(a) for a in arguments], obj=settings)


def test_the_verb_shows_it_all(run, good_wheel):
    result = run(good_wheel)
    assert result.exit_code == 0
    for text in (good_wheel.name, "GLIBC 2.27", "machine code 7.5", "PTX 8.0", "libcudart.so.11.0"):
        assert text in result.output


@pytest.mark.parametrize("kind", ["RPATH", "RUNPATH"])
def test_the_verb_shows_which_run_path_a_file_has(run, tmp_path, make_wheel, make_elf, kind):
    library = make_elf(**{kind.lower(): "$ORIGIN/lib"})
    wheel = make_wheel(tmp_path, {"demo_gpu/a.so": library, "demo_gpu/b.so": make_elf()})
    lines = {line.split()[0]: line.split() for line in run(wheel).output.splitlines() if line}
    assert (kind in lines["demo_gpu/a.so"], kind in lines["demo_gpu/b.so"]) == (True, False)
    violations = json.loads(run("--json", "--check", wheel).output)["wheels"][0]["violations"]
    assert ("run-path-kind" in {one["code"] for one in violations}) == (kind == "RUNPATH")


def test_the_verb_as_json(run, good_wheel):
    result = run("--json", "--check", good_wheel)
    data = json.loads(result.output)
    assert data["schema_version"] == 1
    assert data["wheels"][0]["newest"] == {"GLIBC": "2.27"}
    assert data["wheels"][0]["elves"][0]["cuda"]["modules"] == 2
    assert data["wheels"][0]["violations"] == []


def test_the_verb_checks_against_the_recorded_spec(run, good_wheel, make_spec):
    write_record(make_record(good_wheel, make_spec(), built={}), good_wheel)
    assert run("--check", good_wheel).exception is None
    write_record(make_record(good_wheel, make_spec(architectures=("9.0",)), built={}), good_wheel)
    result = run("--check", good_wheel)
    assert isinstance(result.exception, CheckError)
    assert "no machine code for 9.0" in str(result.exception)
    assert run(good_wheel).exception is None


def test_the_verb_refuses_a_record_that_is_not_the_wheels(run, good_wheel, make_spec):
    record = make_record(good_wheel, make_spec(), built={})
    write_record(record.model_copy(update={"sha256": "0" * 64}), good_wheel)
    assert "of another file" in str(run("--check", good_wheel).exception)
    good_wheel.with_name(good_wheel.name + ".json").write_text("{}")
    assert "cannot be read" in str(run("--check", good_wheel).exception)


def test_the_verb_names_every_broken_wheel(run, tmp_path, make_wheel):
    one = make_wheel(tmp_path / "1", {"a.py": b"/mnt/wheelhouse/x"})
    two = make_wheel(tmp_path / "2", filename="demo_gpu-2-py3-none-linux_x86_64.whl")
    error = str(run("--check", one, two).exception)
    assert "2 wheels break promises" in error
    assert "a path of this machine" in error
    assert "linux_x86_64" in error
