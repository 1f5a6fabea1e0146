"""What a verification's programs see of this machine: its network and its GPU, nothing else."""

from __future__ import annotations

from pathlib import Path

from builder.fetch.pipconfig import PipSettings
from builder.verify.clean import base_variables, driver_folders, pip_variables, uv_variables

STRAY = {
    "PYTHONPATH": "/stray",
    "PIP_EXTRA_INDEX_URL": "https://stray/",
    "UV_INDEX": "https://stray/",
    "VIRTUAL_ENV": "/stray",
    "LD_PRELOAD": "/stray.so",
    "PYTEST_ADDOPTS": "--stray",
    "HOME": "/home/stray",
    "PATH": "/stray/bin",
}
PIP = PipSettings(
    indexes=("https://index/simple", "file:///a b/simple", "https://more/"),
    find_links=("/opt/wheels",),
    cert="/etc/ca.pem",
    trusted_hosts=("one", "two:8080"),
    proxy="http://proxy:3128",
)


def test_stray_variables_change_nothing(tmp_path: Path) -> None:
    clean = base_variables({}, home=tmp_path, bin_folder=tmp_path / "env/bin")
    assert base_variables(STRAY, home=tmp_path, bin_folder=tmp_path / "env/bin") == clean
    assert clean["PATH"].split(":")[0] == str(tmp_path / "env/bin")
    assert clean["HOME"] == clean["TMPDIR"] == str(tmp_path)


def test_proxies_and_certificates_pass_and_loopback_needs_no_proxy(tmp_path: Path) -> None:
    env = {"https_proxy": "http://p", "SSL_CERT_FILE": "/ca", "no_proxy": "intranet"}
    kept = base_variables(env, home=tmp_path, bin_folder=None)
    assert (kept["https_proxy"], kept["SSL_CERT_FILE"]) == ("http://p", "/ca")
    assert kept["no_proxy"] == "intranet,127.0.0.1,localhost"
    assert kept["NO_PROXY"] == "127.0.0.1,localhost"


def test_only_the_drivers_folder_stays_on_the_library_path(tmp_path: Path) -> None:
    driver, toolkit, both = (tmp_path / name for name in ("driver", "toolkit", "both"))
    for folder, names in (
        (driver, ["libcuda.so.1"]),
        (toolkit, ["libcudart.so.12"]),
        (both, ["libcuda.so.1", "libcudart.so.12"]),
    ):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    found = driver_folders(f"{toolkit}:{driver}::{both}:/nonexistent")
    assert found == str(driver)
    env = {"LD_LIBRARY_PATH": str(toolkit)}
    assert "LD_LIBRARY_PATH" not in base_variables(env, home=tmp_path, bin_folder=None)


def test_uv_is_told_what_pip_knows(tmp_path: Path) -> None:
    told = uv_variables(PIP, cache=tmp_path)
    assert told["UV_DEFAULT_INDEX"] == "https://index/simple"
    assert told["UV_INDEX"] == "file:///a%20b/simple https://more/"
    assert told["UV_FIND_LINKS"] == "/opt/wheels"
    assert told["SSL_CERT_FILE"] == "/etc/ca.pem"
    assert told["UV_INSECURE_HOST"] == "one two:8080"
    assert told["HTTPS_PROXY"] == "http://proxy:3128"
    assert told["UV_NO_CONFIG"] == "1"
    assert told["UV_LINK_MODE"] == "hardlink"
    offline = uv_variables(PipSettings(), cache=tmp_path)
    assert "UV_DEFAULT_INDEX" not in offline


def test_the_pip_under_test_has_one_index_and_no_configuration() -> None:
    told = pip_variables(PIP)
    assert told["PIP_CONFIG_FILE"] == "/dev/null"
    assert told["PIP_INDEX_URL"] == "https://index/simple"
    assert told["PIP_CERT"] == "/etc/ca.pem"
    assert told["PIP_TRUSTED_HOST"] == "one two:8080"
    assert not {"PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"} & set(told)
    assert "PIP_CERT" not in pip_variables(PipSettings())
