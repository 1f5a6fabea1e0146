"""The environment variables of verification: an allow-list, and what each installer needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from builder.fetch.pipconfig import PipSettings

PASSED_ON = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_DRIVER_CAPABILITIES",
)
"""Variables that say how this machine reaches the network and its GPU; all others are dropped."""
LOOPBACK = "127.0.0.1,localhost"
DRIVER = "libcuda.so.1"


def base_variables(
    env: Mapping[str, str], *, home: Path, bin_folder: Path | None
) -> dict[str, str]:
    """What every program in verification gets.

    Args:
        env: The builder's own environment.
        home: An empty folder that stands in for the user's home and for ``/tmp``.
        bin_folder: The environment's ``bin``, first on ``PATH``.
    """
    kept = {name: env[name] for name in PASSED_ON if env.get(name)}
    path = ["/usr/local/bin", "/usr/bin", "/bin"]
    if bin_folder is not None:
        path.insert(0, str(bin_folder))
    for name in ("no_proxy", "NO_PROXY"):
        kept[name] = f"{env[name]},{LOOPBACK}" if env.get(name) else LOOPBACK
    kept |= {
        "PATH": ":".join(path),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }
    driver = driver_folders(env.get("LD_LIBRARY_PATH", ""))
    if driver:
        kept["LD_LIBRARY_PATH"] = driver
    return kept


def driver_folders(library_path: str) -> str:
    """Of an ``LD_LIBRARY_PATH``, the folders with NVIDIA's driver and no CUDA runtime.

    Colab's driver is found that way alone; a toolkit's folder would hide that the wheel does not
    find its own libraries.
    """
    folders = [Path(part) for part in library_path.split(":") if part]
    return ":".join(
        str(folder)
        for folder in folders
        if (folder / DRIVER).exists() and not any(folder.glob("libcudart.so*"))
    )


def uv_variables(pip: PipSettings, *, cache: Path) -> dict[str, str]:
    """Pip's settings in uv's words; uv reads no pip configuration, and none of its own here.

    Of "no index" uv can only be told on its command line.

    Args:
        pip: What pip on this machine is configured for.
        cache: uv's cache, on the environments' file system so that it can hard-link.
    """
    told = {
        "UV_CACHE_DIR": str(cache),
        "UV_LINK_MODE": "hardlink",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "UV_HTTP_TIMEOUT": "180",
        # As pip does: the best version from any index; one that lacks a project does no harm.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    if pip.indexes:
        told["UV_DEFAULT_INDEX"] = pip.indexes[0]
        if len(pip.indexes) > 1:
            told["UV_INDEX"] = " ".join(index.replace(" ", "%20") for index in pip.indexes[1:])
    if pip.find_links:
        told["UV_FIND_LINKS"] = ",".join(pip.find_links)
    if pip.cert:
        told["SSL_CERT_FILE"] = pip.cert
    if pip.client_cert:
        told["SSL_CLIENT_CERT"] = pip.client_cert
    if pip.trusted_hosts:
        told["UV_INSECURE_HOST"] = " ".join(pip.trusted_hosts)
    if pip.proxy:
        told |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), pip.proxy)
    return told


def pip_variables(pip: PipSettings) -> dict[str, str]:
    """What the pip under test is told: this machine's default index, and no other setting.

    Extra indexes and folders are left out, so that the wheel under test can come from nowhere but
    the index on its command line.
    """
    told = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "1",
        "PIP_DEFAULT_TIMEOUT": "60",
        "PIP_PROGRESS_BAR": "off",
    }
    if pip.indexes:
        told["PIP_INDEX_URL"] = pip.indexes[0]
    told |= {
        "PIP_CERT": pip.cert or "",
        "PIP_CLIENT_CERT": pip.client_cert or "",
        "PIP_TRUSTED_HOST": " ".join(pip.trusted_hosts),
        "PIP_PROXY": pip.proxy or "",
    }
    return {name: value for name, value in told.items() if value}
