"""Development tasks: `nox` lints, checks types and runs every test but the slow ones."""

from __future__ import annotations

import os

import nox

nox.needs_version = ">=2026.1"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True


def _install(session: nox.Session) -> None:
    session.install("--require-hashes", "-r", "requirements/dev.txt")
    session.install("--no-deps", "--no-build-isolation", "-e", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, import rules, workflows."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run(
        "check-jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        ".github/workflows/ci.yml",
    )
    session.run("zizmor", "--offline", "--quiet", ".github/workflows")


@nox.session
def tests(session: nox.Session) -> None:
    """Unit and integration tests; `nox -s tests -- --slow` adds the long builds."""
    _install(session)
    # In CI a browser test that cannot run is a failure, not a line at the end.
    in_ci = ["--require-browser"] if os.environ.get("CI") else []
    session.run("pytest", *in_ci, *session.posargs)


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """Only the tests that need no network, compiler or GPU."""
    _install(session)
    session.run("pytest", "-m", "not integration and not slow", "-n", "2", *session.posargs)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write requirements/dev.txt again with today's versions."""
    session.install("uv")
    session.run(
        "uv", "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes",
        "--no-emit-index-url", "--no-annotate", "--custom-compile-command", "nox -s lock",
        "--output-file", "requirements/dev.txt", "pyproject.toml", "requirements/dev.in",
    )  # fmt: skip
