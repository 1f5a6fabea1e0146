"""Trying a finished wheel the way its user will: a clean environment, pip, a real index."""

from builder.paths import report_path
from builder.verify.environment import PIP_VERSION
from builder.verify.gpu import gpu_reason
from builder.verify.means import Means, Trial
from builder.verify.pythons import (
    Found,
    Interpreter,
    Places,
    find_python,
    interpreter_at,
)
from builder.verify.report import (
    Check,
    VerifyReport,
    dump_report,
    raise_if_failed,
    read_report,
    write_report,
)
from builder.verify.run import verify, verify_all, verify_wheels

__all__ = [
    "PIP_VERSION",
    "Check",
    "Found",
    "Interpreter",
    "Means",
    "Places",
    "Trial",
    "VerifyReport",
    "dump_report",
    "find_python",
    "gpu_reason",
    "interpreter_at",
    "raise_if_failed",
    "read_report",
    "report_path",
    "verify",
    "verify_all",
    "verify_wheels",
    "write_report",
]
