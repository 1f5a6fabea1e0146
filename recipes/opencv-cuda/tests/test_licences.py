"""Everything in the wheel is under a licence that it names, whose text it holds (PEP 639)."""

import importlib.metadata
from pathlib import Path

import opencv_cuda
from opencv_cuda import _build, _payload
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement

HERE = importlib.metadata.distribution("opencv-cuda")
EXPRESSION = HERE.metadata["License-Expression"]
TERMS = set(EXPRESSION.split(" AND "))
NAMED = HERE.metadata.get_all("License-File")
TEXTS = {
    str(file).partition("/licenses/")[2]: file.locate().read_text("utf-8", "replace")
    for file in HERE.files
    if ".dist-info/licenses/" in str(file)
}
SITE = Path(opencv_cuda.__file__).resolve().parent.parent
CODE = _payload.EXTENSION.read_bytes()


def text_of(part):
    """The licence texts whose path has ``part``."""
    return "\n".join(text for path, text in TEXTS.items() if part in path)


def test_the_expression_is_spdx_and_every_file_it_names_is_there():
    assert canonicalize_license_expression(EXPRESSION) == EXPRESSION
    assert set(NAMED) == set(TEXTS)
    assert all(len(text) > 150 for text in TEXTS.values())
    # What upstream's own metadata said before there was PEP 639 would contradict it.
    assert not [one for one in HERE.metadata.get_all("Classifier") if one.startswith("License")]


def test_opencv_and_what_it_brings_along():
    assert {"Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "MIT", "IJG", "Zlib"} <= TERMS
    assert {"libpng-2.0", "libtiff"} <= TERMS
    assert "Apache License" in text_of("opencv/LICENSE")
    for library in ("libjpeg-turbo", "libpng", "libtiff", "libwebp", "openexr", "openjpeg", "zlib"):
        assert text_of(f"opencv/3rdparty/{library}/"), library
    assert "MIT License" in TEXTS["LICENSE"]  # of cv2.py, of the doctor


def test_libraries_built_for_this_wheel():
    vendored = [path.name for path in SITE.glob("opencv_cuda.libs/*.so*")]
    ffmpeg = any(name.startswith("libavcodec") for name in vendored)
    assert ffmpeg is ("LGPL-2.1-or-later" in TERMS) is bool(text_of("native/ffmpeg/"))
    notices = TEXTS.get("native/NOTICES.txt", "")
    if ffmpeg:
        assert "GNU LESSER GENERAL PUBLIC LICENSE" in text_of("native/ffmpeg/")
        for library in ("aom", "dav1d", "ffmpeg", "libavif"):
            assert f"\n{library} " in notices
            assert text_of(f"native/{library}/")
    assert ("gapi" in _build.MODULES) is bool(text_of("native/ade/")) is ("\nade " in notices)


def test_code_of_cuda_s_own_headers():
    """Thrust, CUB and libcu++ are compiled into it: so say the names of their functions."""
    inside = {name for name in (b"N6thrust", b"N3cub", b"N4cuda3std") if name in CODE}
    if "cudaimgproc" in _build.MODULES:  # its Hough transform sorts and its histograms count
        assert inside
    text = text_of("LICENSE-CCCL")
    for part in ("Thrust is under the Apache Licence", "LLVM Exceptions", "CUB's source code"):
        assert part in text
    assert "Apache-2.0 WITH LLVM-exception" in TERMS


def test_npp_s_own_terms_where_it_is_inside():
    """Where no package of NVIDIA's brings NPP and there is a function that calls it."""
    required = {Requirement(line).name for line in HERE.requires}
    inside = not [name for name in required if name.startswith("nvidia-npp")]
    assert inside is ("LicenseRef-NVIDIA-CUDA-EULA" in TERMS) is bool(text_of("sources/npp/"))
    if inside:
        assert "NVIDIA" in text_of("sources/npp/")
