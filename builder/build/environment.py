"""The whole environment of a build: nothing of the caller's comes through unless listed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.build.constants import SOURCE_DATE_EPOCH

PYTHON_HEADERS = "python/include/python3.9"

REMOTE_CACHES = {
    "s3": "SCCACHE_BUCKET",
    "gcs": "SCCACHE_GCS_BUCKET",
    "azure": "SCCACHE_AZURE_CONNECTION_STRING",
    "redis": "SCCACHE_REDIS_ENDPOINT",
    "redis-cluster": "SCCACHE_REDIS_CLUSTER_ENDPOINTS",
    "redis-url": "SCCACHE_REDIS",
    "memcached": "SCCACHE_MEMCACHED_ENDPOINT",
    "memcached-url": "SCCACHE_MEMCACHED",
    "webdav": "SCCACHE_WEBDAV_ENDPOINT",
    "oss": "SCCACHE_OSS_BUCKET",
    "cos": "SCCACHE_COS_BUCKET",
    "github": "SCCACHE_GHA_ENABLED",
    "config": "SCCACHE_CONF",
}
"""sccache's remote stores, and the variable whose presence switches each on.

The last is a file of sccache's own settings, which is how `sccache-dist` is told of.
"""

CACHE_PREFIXES = tuple(
    f"SCCACHE_{name}"
    for name in (
        "BUCKET",
        "REGION",
        "ENDPOINT",
        "S3_",
        "GCS_",
        "GHA_",
        "AZURE_",
        "REDIS",
        "MEMCACHED",
        "WEBDAV_",
        "OSS_",
        "COS_",
        "MULTILEVEL_",
        "CONF",
    )
)
CACHE_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ACTIONS_CACHE_URL",
    "ACTIONS_CACHE_SERVICE_V2",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
)


CACHE_FILES = (
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "SCCACHE_CONF",
    "SCCACHE_GCS_KEY_PATH",
    "SSL_CERT_FILE",
)
"""Those of them that name a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders of a build as the compilers see them."""

    host: Path
    cuda: Path
    env: Path
    project: Path
    build: Path
    home: Path
    tmp: Path
    out: Path
    compile: Path

    @property
    def toolchain_file(self) -> Path:
        """The generated CMake toolchain file."""
        return self.home / "toolchain.cmake"

    @property
    def python_headers(self) -> Path:
        """The headers of the one Python that a wheel is for."""
        return self.home / "python"

    @property
    def tools(self) -> Path:
        """Links to the machine's basic programs."""
        return self.home / "tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileCache:
    """What the compile cache is told.

    It takes a compiler's program for the compiler: the toolchain writes its digest into the wrapper
    scripts for that reason, so that C and C++ objects are shared by every CUDA and by no other
    host compiler.

    Attributes:
        size: Largest size of the local folder, as sccache writes it (``20G``).
        remote: Settings of a remote store; empty for a local folder.
    """

    size: str = "20G"
    remote: Mapping[str, str] | None = None


def remote_cache(environ: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    """Which remote store the caller's environment asks for, with its settings, or None."""
    kind = next((kind for kind, name in REMOTE_CACHES.items() if environ.get(name)), None)
    if kind is None:
        return None
    settings = {
        name: value
        for name, value in environ.items()
        if name.startswith(CACHE_PREFIXES) or name in CACHE_CREDENTIALS
    }
    return kind.split("-")[0], settings


def build_environment(
    places: Places,
    *,
    jobs: int,
    cache: CompileCache,
    socket_name: str,
    one_python: bool = False,
) -> dict[str, str]:
    """Every variable the build sees; made from these arguments alone.

    Args:
        places: Folders as the compilers see them.
        jobs: Compilations at once.
        cache: Settings of the compile cache.
        socket_name: Abstract socket of its server; a path could be too long for a socket.
        one_python: Whether the wheel is for one Python, whose headers then take the place of the
            toolchain's.
    """
    headers = places.python_headers if one_python else places.host / PYTHON_HEADERS
    search = (places.env / "bin", places.host / "bin", places.cuda / "bin", places.tools)
    environment = {
        "PATH": ":".join(str(folder) for folder in search),
        "HOME": str(places.home),
        "TMPDIR": str(places.tmp),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH),
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CMAKE_TOOLCHAIN_FILE": str(places.toolchain_file),
        "CMAKE_GENERATOR": "Ninja",
        "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs),
        "CUDA_CACHE_DISABLE": "1",
        "WHEELHOUSE_PYTHON_INCLUDE": str(headers),
        "SCCACHE_SERVER_UDS": f"\\x00{socket_name}",
        "SCCACHE_IDLE_TIMEOUT": "0",
        "SCCACHE_CACHE_SIZE": cache.size,
        "SCCACHE_CONF": str(places.home / "no-sccache-config"),
        "SCCACHE_CACHED_CONF": str(places.home / "sccache-state"),
        "SCCACHE_ERROR_LOG": str(places.tmp / "sccache-errors.log"),
    }
    if cache.remote:
        environment.update(cache.remote)
    else:
        environment["SCCACHE_DIR"] = str(places.compile)
    return environment
