"""The entries of cuBLAS and cuFFT in opencv-cuda: loaded at the first call, all arguments kept."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

LAZY = Path(__file__).parents[3] / "recipes/opencv-cuda/src/lazy"
LIBRARY = r"""
#include <stdio.h>
typedef void *p;
static int calls;
int cublasCreate_v2(p *handle) { *handle = (p)0x1234; return 0; }
/* As in cuBLAS: eight arguments more than there are registers. */
int cublasSgemm_v2(p h, int ta, int tb, int m, int n, int k, const float *alpha, const float *a,
                   int lda, const float *b, int ldb, const float *beta, float *c, int ldc) {
  c[0] = *alpha * a[0] + *beta * b[0];
  printf("%d: %p %d %d %d %d %d %d %d %d\n", ++calls, h, ta, tb, m, n, k, lda, ldb, ldc);
  return 7;
}
"""
FFT = "int cufftSetStream(int plan, void *stream) { return plan + (int)(long)stream; }"
PROGRAM = r"""
#include <stdio.h>
typedef void *p;
int cublasCreate_v2(p *);
int cublasDestroy_v2(p);
int cufftSetStream(int, p);
int cublasSgemm_v2(p, int, int, int, int, int, const float *, const float *, int, const float *,
                   int, const float *, float *, int);
static int loaded(void) {
  char line[4096];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps))
    for (char *at = line; *at; at++) found |= !__builtin_strncmp(at, "libcublas.so", 12);
  fclose(maps);
  return found;
}
int main(void) {
  p handle = 0;
  float alpha = 2, a = 3, beta = 4, b = 5, c = 0;
  printf("before %d\n", loaded());
  int created = cublasCreate_v2(&handle);
  printf("create %d %p\n", created, handle);
  printf("after %d\n", loaded());
  for (int round = 0; round < 2; round++) {
    int status = cublasSgemm_v2(handle, 1, 2, 3, 4, 5, &alpha, &a, 6, &b, 7, &beta, &c, 8);
    printf("sgemm %d %g\n", status, c);
  }
  printf("destroy %d\n", cublasDestroy_v2(handle)); /* the library has none */
  printf("fft %d\n", cufftSetStream(2, (p)40));
  return 0;
}
"""


# cublasLt by the names of two files, and cuBLAS, which needs it and has a run path of its own.
LT = "int cublasLtWhich(void) { return %d; }"
NEEDS_LT = r"""
int cublasLtWhich(void);
int cublasCreate_v2(void **handle) { *handle = (void *)0; return 10 + cublasLtWhich(); }
"""


def build(folder: Path, name: str, text: str, *arguments: str | Path) -> Path:
    """Compile a text of C."""
    compiler = shutil.which("cc")
    if compiler is None or platform.machine() != "x86_64":
        pytest.skip("not run (no C compiler for x86-64 on this machine)")
    source, made = folder / f"{name}.c", folder / name
    source.write_text(text)
    subprocess.run([compiler, "-O1", "-fPIC", source, *arguments, "-o", made], check=True)
    return made


def run(folder: Path, **variables: str) -> list[str]:
    sonames = {
        "CUBLAS": "libcublas.so.99",
        "CUBLASLT": "libcublasLt.so.99",
        "CUFFT": "libcufft.so.98",
    }
    names = [f'-D{name}_SONAME="{soname}"' for name, soname in sonames.items()]
    # As repaired wheels have it: a run path that comes before LD_LIBRARY_PATH.
    where = ("-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN", "-ldl")
    program = build(folder, "program", PROGRAM, *sorted(LAZY.glob("*.c")), *names, *where)
    environment = {**os.environ, **variables}
    done = subprocess.run([program], check=True, text=True, capture_output=True, env=environment)
    return done.stdout.splitlines()


def test_loaded_at_the_first_call_with_every_argument(tmp_path: Path) -> None:
    build(tmp_path, "libcublas.so.99", LIBRARY, "-shared")
    build(tmp_path, "libcufft.so.98", FFT, "-shared")
    told = "0x1234 1 2 3 4 5 6 7 8"
    assert run(tmp_path) == [
        "before 0",
        "create 0 0x1234",
        "after 1",
        f"1: {told}",
        "sgemm 7 26",
        f"2: {told}",
        "sgemm 7 26",
        "destroy 1",
        "fft 42",
    ]


def test_what_cublas_needs_comes_from_beside_it(tmp_path: Path) -> None:
    """As NVIDIA links it: by its own DT_RUNPATH, after which LD_LIBRARY_PATH would be asked."""
    stray = tmp_path / "stray"
    stray.mkdir()
    soname = "-Wl,-soname,libcublasLt.so.99"
    build(stray, "libcublasLt.so.99", LT % 66, "-shared", soname)
    beside = build(tmp_path, "libcublasLt.so.99", LT % 7, "-shared", soname)
    own = ("-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN")
    build(tmp_path, "libcublas.so.99", NEEDS_LT, "-shared", beside, *own)
    for variables in ({}, {"LD_LIBRARY_PATH": str(stray)}):
        assert run(tmp_path, **variables)[1].startswith("create 17 ")


def test_a_missing_library_is_a_status_and_no_crash(tmp_path: Path) -> None:
    said = run(tmp_path)
    assert said[1].startswith("create 1 ")
    assert said[3:] == ["sgemm 1 0", "sgemm 1 0", "destroy 1", "fft 7"]
