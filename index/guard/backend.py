"""The build backend inside a guard: it looks at the machine it runs on, and stops.

It runs under whatever Python the user has, so it is written for all of them, back to 2.7.
"""

from __future__ import annotations

_SOURCE = """\
import os
import platform
import struct
import sys
import sysconfig

WHAT = {what}
MESSAGE = {message}


def python():
    text = platform.python_implementation() + " " + platform.python_version()
    if struct.calcsize("P") != 8:
        text += ", {{0}}-bit".format(8 * struct.calcsize("P"))
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        text += ", free-threaded (no free-threaded Python is served)"
    return text


def system():
    text = sysconfig.get_platform()
    if sys.platform.startswith("linux"):
        try:
            text += ", " + (os.confstr("CS_GNU_LIBC_VERSION") or "no glibc")
        except (AttributeError, ValueError, OSError):
            text += ", no glibc"
    return text


def stop(*arguments, **options):
    raise SystemExit(
        "\\n" + WHAT + ": there is no wheel for this machine.\\n"
        "\\nThis machine: " + python() + "\\n              " + system() + "\\n\\n" + MESSAGE + "\\n"
    )


get_requires_for_build_wheel = stop
get_requires_for_build_sdist = stop
get_requires_for_build_editable = stop
prepare_metadata_for_build_wheel = stop
prepare_metadata_for_build_editable = stop
build_wheel = stop
build_sdist = stop
build_editable = stop
"""


def backend_source(what: str, message: str) -> str:
    """The backend's source, plain ASCII.

    Args:
        what: The package and its version.
        message: What it says after the description of the machine.
    """
    return _SOURCE.format(what=ascii(what), message=ascii(message))
