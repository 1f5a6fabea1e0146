from __future__ import annotations

import json
from importlib.resources import files

import pytest

from builder.wheel.model import VersionNeed
from builder.wheel.policy import (
    POLICIES,
    PROMISED,
    claimed,
    newest_by_prefix,
    oldest,
    split_version,
    tag,
)


def needs(*versions):
    return [VersionNeed(library="libany.so.1", versions=versions)]


def auditwheel_policies():
    text = (files("auditwheel.policy") / "manylinux-policy.json").read_text()
    rows = [row for row in json.loads(text) if row["name"] != "linux"]
    return {tuple(map(int, row["name"].split("_")[1:])): row for row in rows}


def test_our_table_is_auditwheels():
    """Each symbol version auditwheel knows belongs to the same oldest policy with us."""
    theirs = auditwheel_policies()
    assert set(theirs) == set(POLICIES)
    checked = 0
    for prefix in ("GLIBC", "GLIBCXX", "CXXABI", "GCC", "ZLIB", "LIBATOMIC"):
        for version in theirs[max(theirs)]["symbol_versions"]["x86_64"][prefix]:
            first = min(
                policy
                for policy, row in theirs.items()
                if version in row["symbol_versions"]["x86_64"][prefix]
            )
            assert oldest(needs(f"{prefix}_{version}"))[0] == first, f"{prefix}_{version}"
            checked += 1
    assert checked > 100


def test_the_promised_libraries_are_auditwheels():
    theirs = auditwheel_policies()[2, 31]["lib_whitelist"]
    assert set(theirs) == PROMISED - {"ld-linux-x86-64.so.2"}


def test_the_newest_need_decides():
    assert oldest(needs("GLIBC_2.2.5", "GLIBC_2.29", "GLIBCXX_3.4.21")) == (
        (2, 31),
        ("GLIBC_2.29",),
    )
    assert oldest(needs("GLIBC_2.17", "CXXABI_TM_1")) == ((2, 17), ("CXXABI_TM_1", "GLIBC_2.17"))
    assert oldest([]) == ((2, 5), ())
    assert oldest(needs("OPENSSL_3.0.0", "libcudart.so.11.0")) == ((2, 5), ())
    assert oldest(needs("GLIBC_PRIVATE", "GLIBC_2.4")) == (None, ("GLIBC_PRIVATE",))
    assert oldest(needs("GLIBC_2.99"))[0] is None


def test_the_loaders_own_versions_do_not_count():
    loader = VersionNeed(library="ld-linux-x86-64.so.2", versions=("GLIBC_2.35",))
    assert oldest([loader]) == ((2, 5), ())


def test_versions_are_compared_as_numbers():
    found = newest_by_prefix(
        needs("GLIBC_2.9", "GLIBC_2.29", "GLIBC_2.3.4", "GCC_3.0", "GLIBC_PRIVATE")
    )
    assert found == (("GCC", "3.0"), ("GLIBC", "2.29"))
    assert split_version("GLIBC_2.2.5") == ("GLIBC", (2, 2, 5))
    assert split_version("CXXABI_TM_1") == ("CXXABI", None)


@pytest.mark.parametrize(
    ("platform", "policy"),
    [
        ("manylinux_2_31_x86_64", (2, 31)),
        ("manylinux2014_x86_64", (2, 17)),
        ("manylinux1_x86_64", (2, 5)),
        ("linux_x86_64", None),
        ("manylinux_2_31_aarch64", None),
        ("musllinux_1_2_x86_64", None),
        ("any", None),
    ],
)
def test_what_a_tag_claims(platform, policy):
    assert claimed(platform) == policy
    if policy:
        assert claimed(tag(policy)) == policy
