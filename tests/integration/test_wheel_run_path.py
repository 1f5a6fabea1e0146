"""A stray library on LD_LIBRARY_PATH is not loaded before the packages beside a wheel of ours.

Everything is real: compiled by the toolchain, repaired, unpacked as an installer does it, loaded by
the machine's own loader. What was compiled is loaded before repair, too: there the stray one wins.
"""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from builder.paths import Cache
from builder.process import run
from builder.toolchain import install
from builder.ui import Silent
from builder.wheel import check, inspect_wheel, repair

from .repair_kit import pack, spec

pytestmark = pytest.mark.integration

ASKED = {
    "excluded_libs": ("libbeside.so.*",),
    "run_paths": ("nvidia/beside/lib",),
    "allowed_libs": ("libgraft.so.*",),
}
ENTRY = 'extern "C" int entry() { return beside(); }\n'
DECLARED = 'extern "C" int beside();\nextern "C" int graft();\n'
MAIN = DECLARED + "int main() { return beside(); }\n"
LOAD = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).entry())"


@pytest.fixture(scope="module")
def toolchain():
    return install("cu118", cache=Cache.default(), reporter=Silent())


@pytest.fixture(scope="module")
def link(toolchain, tmp_path_factory):
    """Compile and link one C++ file; returns where the result is."""

    def build(source, name, *libraries, run_paths="", program=False):
        folder = tmp_path_factory.mktemp("link")
        (folder / "code.cpp").write_text(source)
        command = [toolchain.host / "bin/x86_64-linux-gnu-g++", "-fPIC", "code.cpp", "-o", name]
        command += [] if program else ["-shared", f"-Wl,-soname,{name}"]
        command += ["-Wl,--no-as-needed", *libraries]
        # The libraries' own needs are the loader's business, at run time.
        command += ["-Wl,--allow-shlib-undefined", "-Wl,--enable-new-dtags"]
        command += [f"-Wl,-rpath,{run_paths}"] if run_paths else []
        run(command, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)}, cwd=folder)
        return folder / name

    return build


@pytest.fixture(scope="module")
def parts(link):
    """The compiled files: the package beside, its stray twin, what is grafted, what is ours."""
    beside = link('extern "C" int beside() { return 7; }', "libbeside.so.1")
    stray = link('extern "C" int beside() { return 66; }', "libbeside.so.1")
    inner = link('extern "C" int inner() { return 5; }', "libgraft.so.2")
    calls = 'extern "C" int inner();\nextern "C" int graft() { return inner(); }'
    graft = link(calls, "libgraft.so.1", inner)
    path = "$ORIGIN/../nvidia/beside/lib"
    return {
        "beside": beside,
        "stray": stray,
        "grafted": (graft, inner),
        "plain": link(DECLARED + ENTRY, "libplain.so", beside, run_paths=path),
        "user": link(
            DECLARED + 'extern "C" int entry() { return 100 * graft() + beside(); }',
            "libuser.so",
            beside,
            graft,
            run_paths=path,
        ),
        "program": link(
            MAIN, "demo", beside, run_paths="$ORIGIN/..:$ORIGIN/../" + path[8:], program=True
        ),
    }


@pytest.fixture(scope="module")
def natives(parts, tmp_path_factory):
    """What auditwheel may take into the wheel."""
    folder = tmp_path_factory.mktemp("natives")
    for library in parts["grafted"]:
        (folder / library.name).write_bytes(library.read_bytes())
    return folder


def raw_wheel(folder, parts, *, graft):
    files = {
        "demo_gpu/libplain.so": parts["plain"].read_bytes(),
        "demo_gpu/bin/demo": parts["program"].read_bytes(),
    }
    if graft:
        files["demo_gpu/libuser.so"] = parts["user"].read_bytes()
    return pack(folder, files)


def installed(wheel, site, parts):
    """Unpacked into a folder as site-packages, with NVIDIA's package (our stand-in) beside it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "demo_gpu/bin/demo").chmod(0o755)
    package = site / "nvidia/beside/lib"
    package.mkdir(parents=True)
    (package / "libbeside.so.1").write_bytes(parts["beside"].read_bytes())
    return site


def loaded(library: Path, stray: Path | None) -> int:
    """What a library's entry answers in a fresh Python."""
    done = run([sys.executable, "-c", LOAD, library], env=environment(stray))
    return int(done.output)


def environment(stray: Path | None) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    return plain if stray is None else {**plain, "LD_LIBRARY_PATH": str(stray.parent)}


@pytest.fixture(params=[False, True], ids=["nothing grafted", "grafted"])
def graft(request):
    return request.param


def test_the_package_beside_is_loaded_and_not_the_stray_one(
    toolchain, parts, natives, tmp_path, graft
):
    raw = raw_wheel(tmp_path / "raw", parts, graft=graft)
    made = repair(
        raw, spec=spec(**ASKED), toolchain=toolchain, into=tmp_path, log=None, natives=natives
    )
    before = installed(raw, tmp_path / "before", parts)
    after = installed(made, tmp_path / "after", parts)
    stray = parts["stray"]
    plain, program = Path("demo_gpu/libplain.so"), Path("demo_gpu/bin/demo")
    assert loaded(before / plain, stray) == 66, "the linker's own run path is outranked"
    assert run([before / program], env=environment(stray), check=False).status == 66
    for variable in (None, stray):
        assert loaded(after / plain, variable) == 7
        assert run([after / program], env=environment(variable), check=False).status == 7
        if graft:
            assert loaded(after / "demo_gpu/libuser.so", variable) == 507


def test_every_file_has_it_and_the_check_sees_so(toolchain, parts, natives, tmp_path, graft):
    raw = raw_wheel(tmp_path / "raw", parts, graft=graft)
    made = repair(
        raw, spec=spec(**ASKED), toolchain=toolchain, into=tmp_path, log=None, natives=natives
    )
    found = inspect_wheel(made)
    kinds = {elf.path: elf.legacy_run_path for elf in found.elves if elf.run_paths}
    assert all(kinds.values())
    assert {"demo_gpu/libplain.so", "demo_gpu/bin/demo"} <= set(kinds)
    assert len(found.vendored) == (2 if graft else 0)
    broken = {one.code for one in check(found, spec(**ASKED), needles=(), max_size=None)}
    assert broken == {"code-none"}  # no line of CUDA in it, which is not what is tried here
    unrepaired = check(inspect_wheel(raw), spec(**ASKED), needles=(), max_size=None)
    assert "run-path-kind" in {one.code for one in unrepaired}


def test_a_package_of_another_folder_is_still_found_by_the_variable(
    toolchain, parts, natives, tmp_path
):
    """Where nothing lies beside, LD_LIBRARY_PATH counts: what a program of a wheel is given."""
    raw = raw_wheel(tmp_path / "raw", parts, graft=False)
    made = repair(
        raw, spec=spec(**ASKED), toolchain=toolchain, into=tmp_path, log=None, natives=natives
    )
    site = installed(made, tmp_path / "site", parts)
    (site / "nvidia/beside/lib/libbeside.so.1").unlink()
    program = site / "demo_gpu/bin/demo"
    assert run([program], env=environment(None), check=False).status == 127
    assert run([program], env=environment(parts["beside"]), check=False).status == 7
