"""Stand-ins for what this machine has not: a driver with GPUs, and libraries that do not fit.

They are shared libraries, compiled by the machine's own C compiler: the doctor and the loader meet
them as they would meet the real ones, through ``dlopen`` and ``LD_LIBRARY_PATH``.
"""

import shutil
import subprocess

import pytest

# What each answers is in the environment, so that one compilation serves every test.
DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
static int told(const char *name, int otherwise) {
  const char *value = getenv(name);
  return value ? atoi(value) : otherwise;
}
int cuDriverGetVersion(int *version) { *version = told("FAKE_CUDA", 12040); return 0; }
int cuInit(unsigned flags) { return told("FAKE_INIT", 0); }
int cuDeviceGetCount(int *count) { *count = told("FAKE_GPUS", 1); return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
  snprintf(name, size, "Fake GPU %d", device);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  int arch = told("FAKE_ARCH", 75);
  *value = attribute == 75 ? arch / 10 : attribute == 76 ? arch % 10 : 0;
  return 0;
}
int cuGetErrorString(int status, const char **text) {
  *text = status == 803 ? "system has unsupported display driver / cuda driver combination"
                        : "some error";
  return 0;
}
"""
MANAGEMENT = r"""
#include <stdio.h>
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) {
  snprintf(text, size, "550.54.15");
  return 0;
}
"""


def compile_library(path, source):
    """A shared library of the soname that its file has; skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("not run (no C compiler on this machine)")
    text = path.with_suffix(".c")
    text.write_text(source)
    command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{path.name}", "-o", path, text]
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()
    return path


def fake_driver(folder):
    """``libcuda.so.1`` and ``libnvidia-ml.so.1`` in a folder."""
    compile_library(folder / "libcuda.so.1", DRIVER)
    compile_library(folder / "libnvidia-ml.so.1", MANAGEMENT)
    return folder
