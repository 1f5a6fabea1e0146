"""The records of the wheels that are verified, and of the companions that lie beside them."""

from __future__ import annotations

from pathlib import Path

from packaging.metadata import parse_email
from pydantic import ValidationError

from builder.errors import VerifyError
from index.errors import SiteError
from index.records import RECORD_SUFFIX, Record, read_record, record_path
from index.wheels import check_wheel, record_of_wheel


def checked_record(wheel: Path) -> Record:
    """A wheel's record, which must be of these very bytes; made anew where there is none.

    Raises:
        VerifyError: there is no such wheel, or its record is of another.
    """
    path = record_path(wheel)
    try:
        if not wheel.is_file():
            raise VerifyError(f"there is no wheel at '{wheel}'")
        if not path.is_file():
            return record_of_wheel(wheel)
        record = read_record(path)
        check_wheel(record, wheel)
    except SiteError as error:
        raise VerifyError(error.message, remedy=error.remedy) from error
    except ValidationError as error:
        raise VerifyError(f"'{path}' is not a record of this builder's: {error}") from error
    return record


def companions_beside(wheel: Path, record: Record) -> tuple[Path, ...]:
    """The companions that a wheel requires, of those in its folder, sorted.

    Raises:
        VerifyError: the record of one is of another file.
    """
    required = set(parse_email(record.metadata)[0].get("requires_dist", ()))
    found = []
    # No other empty wheel's record is read: there may be many wheels in the folder.
    for path in sorted(wheel.parent.glob(f"*-none-any.whl{RECORD_SUFFIX}")):
        other = path.with_name(path.name.removesuffix(RECORD_SUFFIX))
        its = checked_record(other)
        if its.companion_of == record.name and f"{its.name}=={its.version}" in required:
            found.append(other)
    return tuple(found)
