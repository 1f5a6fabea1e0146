"""Each promise broken alone: a good wheel with one thing changed gives that violation only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.errors import CheckError
from builder.wheel import check, inspect_wheel, machine_needles, require
from builder.wheel.model import CudaCode, Leak, VersionNeed, Violation


@pytest.fixture
def good(good_wheel):
    return inspect_wheel(good_wheel)


@pytest.fixture
def codes(make_spec):
    def run(inspection, *, needles=(), max_size=None, **changes):
        found = check(inspection, make_spec(**changes), needles=needles, max_size=max_size)
        assert all(item.message and item.remedy for item in found)
        return [item.code for item in found]

    return run


def with_elf(inspection, **changes):
    """The inspection with its first ELF file changed."""
    return replace(
        inspection, elves=(replace(inspection.elves[0], **changes), *inspection.elves[1:])
    )


def test_a_good_wheel_breaks_nothing(good, codes):
    assert codes(good, needles=["/mnt/wheelhouse"], max_size=10**6) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"recipe": "other"}, "wrong-name"),
        ({"version": "1.3"}, "wrong-version"),
        ({"cuda": "cu124"}, "wrong-version"),
        ({"revision": 2}, "wrong-build-tag"),
        ({"py_api": "cp39"}, "wrong-py-api"),
        ({"requires_python": ">=3.10"}, "wrong-requires-python"),
        ({"dependencies": ()}, "wrong-dependencies"),
        ({"dependencies": ("nvidia-cuda-runtime-cu11", "numpy>=2")}, "wrong-dependencies"),
        ({"architectures": ("7.5",)}, "code-unasked"),
        ({"architectures": ("7.5", "8.0", "9.0")}, "code-missing"),
        ({"ptx": None}, "code-unasked"),
        ({"excluded_libs": ()}, "library-missing"),
        ({"excluded_libs": ("libcudart.so",)}, "library-missing"),  # a pattern is the whole soname
    ],
)
def test_what_the_spec_asks_for(good, codes, change, code):
    assert codes(good, **change) == [code]


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("cp313-cp313", []),
        ("cp311-cp311", ["wrong-py-api"]),
        ("cp313-abi3", ["wrong-py-api"]),
        ("py3-none", ["wrong-py-api"]),
    ],
)
def test_a_wheel_for_one_python(good, codes, tag, found):
    tagged = replace(good, tags=(f"{tag}-manylinux_2_28_x86_64",))
    asked = {"py_api": "each", "python": "3.13", "python_headers": "0" * 64}
    assert codes(tagged, **asked) == found


def test_ptx_of_another_architecture_is_both(good, codes):
    assert codes(good, ptx="7.5") == ["code-missing", "code-unasked"]


def test_requirements_are_compared_by_meaning(good, codes):
    same = replace(good, dependencies=("NVIDIA_cuda.runtime-cu11", "x; extra == 'dev'"))
    assert codes(same) == []
    assert codes(replace(good, requires_python=">= 3.9")) == []


def test_the_tag_of_an_unrepaired_wheel(good, codes):
    assert codes(replace(good, tags=("py3-none-linux_x86_64",))) == ["platform-tag"]


def test_a_tag_newer_than_the_sysroot(good, codes):
    assert codes(replace(good, tags=("py3-none-manylinux_2_34_x86_64",))) == ["platform-too-new"]
    both = ("py3-none-manylinux_2_28_x86_64", "py3-none-manylinux_2_34_x86_64")
    assert codes(replace(good, tags=both)) == []  # the oldest is what installers go by


def test_the_sysroots_own_tag_is_as_new_as_may_be(good, codes):
    newest = replace(good, tags=("py3-none-manylinux_2_31_x86_64",), policy="manylinux_2_31_x86_64")
    assert codes(newest) == []


def test_symbols_newer_than_the_tag(good, codes):
    assert codes(replace(good, policy="manylinux_2_31_x86_64")) == ["symbols-too-new"]
    assert codes(replace(good, policy=None, policy_reasons=("GLIBC_PRIVATE",))) == [
        "symbols-too-new"
    ]


def test_a_damaged_archive(good, codes):
    assert codes(replace(good, problems=("RECORD lies", "WHEEL too"))) == ["archive", "archive"]


def test_compiled_files_in_a_pure_wheel(good, codes):
    assert codes(replace(good, pure=True)) == ["pure"]


def test_grafted_libraries_need_leave(good, codes):
    grafted = replace(good, vendored=("libgomp-e985bcbb.so.1.0.0",))
    assert codes(grafted) == ["library-grafted"]
    assert codes(grafted, allowed_libs=("libgomp.so.*",)) == []
    assert codes(grafted, allowed_libs=("libgomp-*.so.*",)) == []
    assert codes(grafted, allowed_libs=("libgomp",)) == ["library-grafted"]


def test_versions_of_a_library_that_is_not_needed(good, codes):
    odd = VersionNeed(library="libcublas.so.11", versions=("libcublas.so.11",))
    assert codes(with_elf(good, version_needs=(odd,))) == ["version-need"]


@pytest.mark.parametrize("run_path", ["/usr/local/cuda/lib64", "$ORIGIN/../../lib", "lib"])
def test_run_paths_that_leave_site_packages(good, codes, run_path):
    paths = (*good.elves[0].run_paths, run_path)
    assert codes(with_elf(good, run_paths=paths)) == ["run-path"]


def test_a_run_path_that_the_environment_outranks(good, codes):
    assert codes(with_elf(good, legacy_run_path=False)) == ["run-path-kind"]
    driver = replace(good.external[0], soname="libcuda.so.1")
    none = with_elf(good, legacy_run_path=False, needed=("libcuda.so.1",), version_needs=())
    assert codes(with_elf(replace(none, external=(driver,)), run_paths=())) == []


@pytest.mark.parametrize(
    ("needed", "found"),
    [
        (("libcublas.so.12",), ["library-family"]),
        (("libcublas.so.12", "libcublasLt.so.12"), []),
        (("libcublasLt.so.12",), []),
        (("libnppial.so.12", "libnppig.so.12"), ["library-family"]),
        (("libnppial.so.12", "libnppc.so.12"), []),
        (("libcublas.so.12", "libnppig.so.12"), ["library-family", "library-family"]),
    ],
)
def test_what_a_library_of_nvidias_needs_in_turn(good, codes, needed, found):
    assert codes(with_elf(good, needed=(*good.elves[0].needed, *needed))) == found


def test_an_excluded_library_out_of_reach(good, codes):
    assert codes(with_elf(good, run_paths=())) == ["library-unreachable"]
    elsewhere = with_elf(good, run_paths=("$ORIGIN/../nvidia/cublas/lib",))
    assert codes(elsewhere, run_paths=("nvidia/cublas/lib",)) == ["library-unreachable"]
    thirteen = with_elf(good, run_paths=("$ORIGIN/../nvidia/cu13/lib",))
    assert codes(thirteen) == ["library-unreachable"]
    assert codes(thirteen, cuda_version="13.0") == []


def test_the_drivers_libraries_need_no_run_path(good, codes):
    driver = replace(good.external[0], soname="libcuda.so.1")
    alone = with_elf(good, needed=("libcuda.so.1",), version_needs=(), run_paths=())
    assert codes(replace(alone, external=(driver,))) == []


def test_an_unknown_excluded_library_needs_one_of_the_specs_run_paths(good, codes):
    elf = good.elves[0]
    other = replace(good.external[0], soname="libodd.so.1")
    both = replace(
        with_elf(good, needed=(*elf.needed, "libodd.so.1")), external=(*good.external, other)
    )
    excluded = ("libcudart.so.*", "libodd.so.*")
    assert codes(both, excluded_libs=excluded) == []
    assert codes(both, excluded_libs=excluded, run_paths=("odd/lib",)) == ["library-unreachable"]


def test_a_library_of_the_wheel_must_be_where_its_user_looks(good, codes):
    first = good.elves[0]
    helper = replace(
        first,
        path="demo_gpu/lib/libhelp.so",
        installed="demo_gpu/lib/libhelp.so",
        needed=(),
        version_needs=(),
    )
    elves = (replace(first, needed=(*first.needed, "libhelp.so")), helper)
    assert codes(replace(good, elves=elves)) == ["library-unreachable"]
    reached = replace(elves[0], run_paths=(*first.run_paths, "$ORIGIN/lib"))
    assert codes(replace(good, elves=(reached, helper))) == []


def test_no_gpu_code_at_all(good, codes):
    assert codes(with_elf(good, cuda=None)) == ["code-none"]
    assert codes(with_elf(good, cuda=None), architectures=(), ptx=None) == []


def test_each_file_with_gpu_code_must_have_all_of_it(good, codes):
    first = good.elves[0]
    fewer = CudaCode(modules=2, codes=tuple(c for c in first.cuda.codes if c.architecture != "7.5"))
    second = replace(first, path="demo_gpu/b.so", installed="demo_gpu/b.so", cuda=fewer)
    assert codes(replace(good, elves=(first, second))) == ["code-missing"]
    plain = replace(second, cuda=None)
    assert codes(replace(good, elves=(first, plain))) == []
    vendored = replace(second, path="demo_gpu.libs/b.so")
    assert codes(replace(good, elves=(first, vendored))) == []


def test_one_source_file_compiled_for_less(good, codes):
    cuda = good.elves[0].cuda
    partial = tuple(
        replace(code, modules=1) if (code.kind, code.architecture) == ("elf", "8.0") else code
        for code in cuda.codes
    )
    lacking = with_elf(good, cuda=replace(cuda, codes=partial))
    assert codes(lacking) == ["code-partial"]
    assert codes(lacking, architectures=("7.5",)) == ["code-unasked"]


def test_ptx_need_not_be_in_every_module(good, codes):
    """A device link makes a module of machine code alone."""
    cuda = good.elves[0].cuda
    fewer = tuple(replace(code, modules=1) if code.kind == "ptx" else code for code in cuda.codes)
    assert codes(with_elf(good, cuda=replace(cuda, codes=fewer))) == []


def test_another_machine(good, codes):
    assert codes(with_elf(good, machine="EM_AARCH64")) == ["machine"]


def test_paths_of_this_machine(good, codes):
    leak = Leak(needle="/work/cache", path="demo_gpu/x", text="-I/work/cache/y", count=1)
    other = Leak(needle="/tmp/", path="demo_gpu/x", text="/tmp/z", count=1)
    leaky = replace(good, leaks=(leak, other))
    assert codes(leaky, needles=["/work/cache"]) == ["path-leak"]
    assert codes(leaky) == []


def test_the_size_limit(good, codes):
    assert codes(good, max_size=good.size) == []
    assert codes(good, max_size=good.size - 1) == ["too-large"]


def test_a_wheel_of_unknown_making_is_checked_for_what_always_holds(good):
    odd = with_elf(replace(good, name="whatever"), run_paths=("/opt/lib",))
    found = check(odd, None, needles=(), max_size=None)
    assert [item.code for item in found] == ["run-path"]


def test_needles_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    found = machine_needles(tmp_path, type(tmp_path)("/tmp"), type(tmp_path)("/"))
    assert "/mnt/wheelhouse" in found
    assert "/home/someone/" in found
    assert str(tmp_path) in found
    assert not {"/", "/tmp", "//"} & set(found)


def test_require_lists_everything():
    require((), label="x.whl")
    two = [Violation(code=f"c{n}", message=f"message {n}", remedy=f"remedy {n}") for n in (1, 2)]
    with pytest.raises(CheckError) as caught:
        require(two, label="x.whl")
    text = str(caught.value)
    assert "x.whl: 2 promises broken" in text
    for n in (1, 2):
        assert f"message {n} [c{n}]" in text
        assert f"remedy {n}" in text
    assert caught.value.exit_code == 8
