"""What a wheel says of itself: its bill of materials (CycloneDX) and its build spec."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib import metadata

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from builder.build import python_env
from builder.errors import MachineError
from builder.plan.spec import BuildSpec, NativeSpec, SourceSpec
from builder.toolchain.model import Toolchain
from builder.toolchain.pins import load_pins
from builder.wheel import check, inspect_wheel, repair
from builder.wheel.archive import Wheel
from builder.wheel.materials import materials, origin_of
from builder.wheel.sbom import NOT_OURS, SBOM, SPEC, grafted_library, sbom
from builder.wheel.write import rewrite

UPSTREAM = SourceSpec(
    name="darknet",
    source="debian:pool/main/d/darknet/darknet_0.0+git2018.orig.tar.xz",
    filename="darknet_0.0+git2018.orig.tar.xz",
    sha256="a" * 64,
    into="sources/darknet",
    patches=(("patches/0002-b.patch", "b" * 64), ("patches/0001-a.patch", "c" * 64)),
)


@pytest.fixture
def spec(make_spec) -> BuildSpec:
    return make_spec(sources=(UPSTREAM,))


def document(spec: BuildSpec, *more) -> dict:
    return json.loads(sbom(spec, (*materials(spec), *more), licence="MIT"))


def facts(component: dict) -> dict[str, str]:
    return {one["name"]: one["value"] for one in component["properties"]}


def test_it_is_what_cyclonedx_asks_for(spec):
    data = sbom(spec, (*materials(spec), grafted_library("a.libs/libb.so", b"x")), licence="MIT")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None


def test_the_headers_of_the_one_python_it_is_for(make_spec):
    headers = f"3.13.0 {'d' * 64}"
    one = make_spec(py_api="each", python="3.13", python_headers=headers)
    (found,) = (part for part in document(one)["components"] if part["name"] == "cpython")
    assert found["version"] == "3.13.0"
    assert found["purl"] == "pkg:generic/cpython@3.13.0"
    assert facts(found) == {
        "gpu-wheelhouse:role": "python headers",
        "gpu-wheelhouse:headers-sha256": "d" * 64,
    }
    assert found["bom-ref"] in document(one)["dependencies"][-1]["dependsOn"]
    assert "cpython" not in {part["name"] for part in document(make_spec())["components"]}


def test_it_names_source_patches_toolchain_and_what_was_grafted(spec):
    found = document(spec, grafted_library("demo.libs/libb-12ab.so.1", b"library"))
    by_role: dict[str, list[dict]] = {}
    for component in found["components"]:
        by_role.setdefault(facts(component)["gpu-wheelhouse:role"], []).append(component)
    (source,) = by_role["source"]
    assert (source["name"], source["version"]) == ("darknet", "0.0+git2018")
    assert source["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert source["purl"].startswith("pkg:generic/darknet@0.0%2Bgit2018?checksum=sha256:aaa")
    assert facts(source)["gpu-wheelhouse:patch-001"] == f"{'b' * 64} patches/0002-b.patch"
    assert facts(source)["gpu-wheelhouse:patch-002"] == f"{'c' * 64} patches/0001-a.patch"
    assert {one["diff"]["url"] for one in source["pedigree"]["patches"]} == {
        "patches/0001-a.patch",
        "patches/0002-b.patch",
    }
    for label in ("host", "cu118"):
        pinned = {package.sha256 for package in load_pins(label).package}
        named = {one["hashes"][0]["content"] for one in by_role[f"toolchain {label}"]}
        assert named == pinned
    assert "auditwheel" in {one["name"] for one in by_role["build environment"]}
    (library,) = by_role["grafted"]
    assert library["hashes"][0]["content"] == hashlib.sha256(b"library").hexdigest()
    (inside,) = (one["dependsOn"] for one in found["dependencies"] if one["ref"] == "wheel")
    assert source["bom-ref"] in inside
    assert library["bom-ref"] in inside
    assert not any(ref.startswith("build environment") for ref in inside)


def test_components_of_nvidias_archive_are_named_with_their_manifest(make_spec):
    found = document(make_spec(cuda="cu128", cuda_version="12.8"))
    names = {one["name"]: facts(one) for one in found["components"]}
    assert len(names["cuda_nvcc"]["gpu-wheelhouse:manifest-sha256"]) == 64


def test_the_same_bytes_whatever_the_clock_and_the_place(spec, make_spec):
    first = sbom(spec, materials(spec), licence=None)
    elsewhere = UPSTREAM.model_copy(
        update={"source": "https://example.org/x.tar.xz", "size": 7, "mirrors": ("https://a/b",)}
    )
    moved = make_spec(sources=(elsewhere,))
    assert moved.key == spec.key
    assert sbom(moved, materials(moved), licence=None) == first
    assert b"timestamp" not in first
    other = make_spec(revision=2)
    serials = {json.loads(sbom(one, (), licence=None))["serialNumber"] for one in (spec, other)}
    assert len(serials) == 2


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        (
            "nvidia_cuda_nvcc_cu11-11.8.89-py3-none-any.whl",
            ("pypi", "nvidia-cuda-nvcc-cu11", "11.8.89"),
        ),
        ("libc6_2.31-13+deb11u11_amd64.deb", ("deb", "libc6", "2.31-13+deb11u11")),
        ("opencv_contrib_python-4.14.tar.gz", ("generic", "opencv-contrib-python", "4.14")),
        ("ffmpeg_5.1.9.orig.tar.xz", ("generic", "ffmpeg", "5.1.9")),
        ("what-ever.bin", ("generic", "what-ever.bin", None)),
    ],
)  # fmt: skip
def test_what_a_file_name_says(filename, expected):
    origin = origin_of(filename)
    assert (origin.kind, origin.name, origin.version) == expected


@pytest.fixture
def repaired(tmp_path, make_wheel, make_elf, make_spec, spec):
    """A wheel that the real auditwheel made; the toolchain is only a patchelf that says hello."""
    host = tmp_path / "host"
    (host / "bin").mkdir(parents=True)
    patchelf = host / "bin/patchelf"
    patchelf.write_text("#!/bin/sh\necho patchelf 0.18.0\n")
    patchelf.chmod(0o755)
    library = make_elf(
        needed=("libcudart.so.11.0", "libc.so.6"),
        versions={"libc.so.6": ["GLIBC_2.27"]},
        runpath="$ORIGIN/../nvidia/cuda_runtime/lib",
    )
    name = "demo_gpu-1.2+cu118-1-py3-none-linux_x86_64.whl"
    raw = make_wheel(tmp_path / "raw", {"demo_gpu/a.so": library}, filename=name)
    tools = Toolchain(label="cu118", digest="0" * 64, host=host, cuda=tmp_path / "cuda")
    return repair(raw, spec=spec, toolchain=tools, into=tmp_path / "out", log=None)


def test_a_repaired_wheel_carries_both(repaired, spec):
    with Wheel(repaired) as wheel:
        assert json.loads(wheel.read(f"{wheel.info}/{SPEC}"))["key"] == spec.key
        found = json.loads(wheel.read(f"{wheel.info}/{SBOM}"))
    assert found["metadata"]["component"]["version"] == spec.public_version
    assert facts(found["metadata"]["component"])["gpu-wheelhouse:build-key"] == spec.key
    inspected = inspect_wheel(repaired)
    assert inspected.problems == ()
    assert not any("sbom" in one.code for one in check(inspected, spec, needles=(), max_size=None))


def test_auditwheels_own_document_does_not_stand_beside_it(tmp_path, make_wheel):
    info = "demo_gpu-1.2+cu118.dist-info"
    raw = make_wheel(tmp_path / "raw", {f"{info}/{NOT_OURS}": b"{}", "demo_gpu/a.py": b""})
    made = rewrite(raw, tmp_path / "out", without=(NOT_OURS,), add=lambda w: {f"{w.info}/x": b"x"})
    with Wheel(made) as wheel:
        assert [name.removeprefix(f"{info}/") for name in wheel] == [
            "METADATA", "RECORD", "WHEEL", "x", "demo_gpu/a.py",
        ]  # fmt: skip
    assert inspect_wheel(made).problems == ()


def test_another_version_of_what_writes_it_is_refused(monkeypatch):
    python_env.require_pinned_tools()
    monkeypatch.setattr(metadata, "version", lambda name: "0.1")
    with pytest.raises(MachineError, match=r"auditwheel 0\.1 is installed, but build keys promise"):
        python_env.require_pinned_tools()

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(MachineError, match="auditwheel is not installed"):
        python_env.require_pinned_tools()


def test_nothing_but_repair_loads_its_library():
    import subprocess

    code = "import sys, builder.wheel, builder.build.stages; print('cyclonedx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_sources_of_native_libraries_have_their_own_licences(make_spec):
    library = UPSTREAM.model_copy(update={"name": "ffmpeg", "filename": "ffmpeg_5.1.9.orig.tar.xz"})
    program = library.model_copy(
        update={"name": "make", "filename": "make_4.3.deb", "into": "tools/make"}
    )
    native = NativeSpec(
        name="ffmpeg",
        version="5.1.9",
        licenses=("LGPL-2.1-or-later", "MIT OR ISC"),
        sources=(library, program),
        project=(),
    )
    found = document(make_spec(natives=(native,)))
    names = {one["name"]: one for one in found["components"]}
    assert names["ffmpeg"]["licenses"] == [{"expression": "LGPL-2.1-or-later AND (MIT OR ISC)"}]
    assert facts(names["ffmpeg"])["gpu-wheelhouse:role"] == "native library ffmpeg"
    assert "licenses" not in names["make"]
    assert names["make"]["scope"] == "excluded"
