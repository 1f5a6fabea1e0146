"""The workflows: what they may do, and the whole of them acted out on a recipe of one kernel.

From an upstream release to `pip install` from the published site: real builds, a server that does
with releases and issues what GitHub documents, a folder served as Pages would.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pip._internal.models.index import PyPI

from builder.cli.main import cli
from builder.fetch.pipconfig import read_pip_settings
from builder.paths import Cache
from builder.plan.gather import Request, gather
from builder.sandbox import probe
from builder.targets import load_targets, python_tag
from builder.verify import find_python
from builder.wheel.record import make_record
from builder.wheel.sbom import about
from builder.wheel.write import rewrite, write_wheel
from index.records import write_record
from index.site.disk import read_state
from tests.github_kit import OWNER, REPO, TOKEN, GitHub, github
from tests.workflow_expressions import Contexts
from tests.workflow_kit import FOLDER, Fails, Stage, read_workflow

HERE = Path(__file__).parent
WORKFLOWS = sorted(path.name for path in FOLDER.glob("*.yml"))
ACTIONS = sorted((FOLDER.parent / "actions").glob("*/action.yml"))
OURS = "$/.github/"
KEPT = "# Kept, whatever a machine writes into this file."
NO_IDENTITY = "sign"  # GitHub alone can say who a job is
NO_SYSCTL = "Let builds have namespaces of their own"  # the kernel of this machine stays as it is
BUILD = "Build"
NEWS = "What is new upstream"


def jobs(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from read_workflow(name)["jobs"].items()


def steps(name: str) -> Iterator[dict[str, Any]]:
    for _, job in jobs(name):
        yield from job.get("steps", ())


# -- what they may do ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*(FOLDER / one for one in WORKFLOWS), *ACTIONS])
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    assert used
    for one in used:
        assert one.startswith(OURS) or re.fullmatch(
            r"actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one
        ), one
    versions = {one.split("@")[0]: one for one in used}
    assert set(used) <= set(versions.values()), "one version of each action"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_job_has_the_least(name: str) -> None:
    workflow = read_workflow(name)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert "pull_request_target" not in workflow["on"]
    assert "secrets." not in (FOLDER / name).read_text()
    for label, job in jobs(name):
        assert "permissions" in job, label
        assert "uses" in job or job["timeout-minutes"] <= 360, label
        writes = {right for right, how in job["permissions"].items() if how == "write"}
        commands = " ".join(step.get("run", "") for step in job.get("steps", ()))
        if writes:
            assert not re.search(r"builder (build|verify|render)", commands), "no build in it"
            started = set(workflow["on"]) - {"schedule", "workflow_dispatch"}
            assert not started, "what a push or a pull request may start writes nothing"
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
            token = "github.token" in json.dumps(step.get("env", {}))
            assert not token or writes, "only who may write gets the token"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_jobs_at_once_hand_on_under_names_of_their_own(name: str) -> None:
    """Artifacts and caches of a matrix: where two jobs wrote one, either would win."""
    for label, job in jobs(name):
        matrix = job.get("strategy", {}).get("matrix")
        if matrix is None:
            continue
        own = "matrix.key" if isinstance(matrix, str) else f"matrix.{next(iter(matrix))}"
        handed = [
            step["with"].get("name") or step["with"]["key"]
            for step in job["steps"]
            if step.get("uses", "").startswith(("actions/upload-artifact", "actions/cache/save"))
        ]
        assert handed, label
        assert all(f"${{{{ {own} }}}}" in one for one in handed), (label, handed)


def verbs() -> list[tuple[str, list[str]]]:
    found = []
    for name in WORKFLOWS:
        for step in steps(name):
            for line in step.get("run", "").replace("\\\n", " ").splitlines():
                words = shlex.split(line)
                if words[:1] == ["builder"]:
                    found.append((f"{name}: {step.get('name')}", words[1:]))
    return found


NO_VERB = {
    "Let builds have namespaces of their own",  # a setting of the runner's kernel
    "Attest each wheel for the index (PEP 740)",  # another program signs, in its own environment
    # CI's: what a contributor types.
    "The README's test command",
    "Make the pages",
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_step_is_one_verb_and_no_expression_stands_in_it(name: str) -> None:
    """Thin: it runs the same on a laptop. What an expression brings comes by the environment."""
    for step in steps(name):
        run = step.get("run", "")
        assert "${{" not in run, step
        lines = run.replace("\\\n", " ").splitlines()
        if run and step["name"] not in NO_VERB:
            assert len(lines) == 1, step["name"]
            assert lines[0].startswith("builder "), step["name"]
            assert not re.search(r"[|;&`]|\$\(", lines[0]), step["name"]


def test_every_step_is_a_verb_with_options_that_exist() -> None:
    assert len(verbs()) >= 12
    for where, words in verbs():
        command: click.Command = cli
        context = click.Context(cli)
        while isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None, where
            command = found
        known = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, where


# -- acted out ----------------------------------------------------------------------------------


class Pages(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(Pages, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def release(index: Path, version: str) -> bytes:
    """Upstream's own: a source archive on a package index."""
    stem = f"hello_upstream-{version}"
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        text = f'version = "{version}"\n'.encode()
        info = tarfile.TarInfo(f"{stem}/upstream.py")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    page = index / "hello-upstream/index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    (page.parent / f"{stem}.tar.gz").write_bytes(data.getvalue())
    digest = hashlib.sha256(data.getvalue()).hexdigest()
    before = page.read_text() if page.exists() else "<!DOCTYPE html>\n"
    page.write_text(f'{before}<a href="{stem}.tar.gz#sha256={digest}">{stem}.tar.gz</a>\n')
    return data.getvalue()


def repository(root: Path, archive: bytes) -> Path:
    """A fork with one recipe, whose source is pinned from the index."""
    folder = root / "recipes/hello-cuda"
    shutil.copytree(HERE.parent / "recipes/hello-cuda", folder)
    recipe = folder / "recipe.toml"
    text = recipe.read_text().replace(
        "[profile.full]\n", '[profile.full]\narchitectures = ["7.5+PTX"]\n'
    )
    recipe.write_text(
        f"{text}\n{KEPT}\n"
        '[[source]]\nname = "hello-upstream"\nsource = "pypi:hello-upstream==1.0"\n'
        'filename = "hello_upstream-1.0.tar.gz"\n'
        f'sha256 = "{hashlib.sha256(archive).hexdigest()}"\n'
        f'size = {len(archive)}\ninto = "sources/hello"\n'
    )
    project = folder / "CMakeLists.txt"
    project.write_text(
        f"{project.read_text()}\ninstall(FILES sources/hello/upstream.py DESTINATION hello_cuda)\n"
    )
    return root


def attest(workspace: Path, contexts: Contexts) -> None:
    """What `pypi-attestations sign` leaves, but for a signature that anybody would believe."""
    for wheel in (workspace / "dist").glob("*.whl"):
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": wheel.name, "digest": {"sha256": digest}}],
            "predicateType": f"https://docs.{PyPI.netloc}/attestations/publish/v1",
            "predicate": None,
        }
        told = base64.b64encode(json.dumps(statement).encode()).decode()
        envelope = {"statement": told, "signature": base64.b64encode(b"nobody").decode()}
        material = {"certificate": "bm9uZQ==", "transparency_entries": []}
        attestation = {"version": 1, "verification_material": material, "envelope": envelope}
        Path(f"{wheel}.publish.attestation").write_text(json.dumps(attestation))


def oldest_python() -> str:
    return next(one for one in load_targets().pythons if find_python(one).interpreter)


def interpreter(minor: str) -> Path:
    found = find_python(minor).interpreter
    assert found is not None, f"no Python {minor} here"
    return found.path


def on_path(folder: Path) -> str:
    """A PATH whose `builder` keeps what it makes in the workspace; toolchains are the machine's."""
    folder.mkdir()
    script = folder / "builder"
    script.write_text(
        '#!/bin/sh\nPRIVATE_CACHE="$PWD/$BUILDER_CACHE_DIR"\nexport PRIVATE_CACHE\n'
        f"BUILDER_CACHE_DIR={shlex.quote(str(Cache.default().root))} exec "
        f'{shlex.quote(sys.executable)} {shlex.quote(str(HERE / "private_builder.py"))} "$@"\n'
    )
    script.chmod(0o755)
    return f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as running:
        yield running


@pytest.fixture
def stage(tmp_path: Path, hub: GitHub) -> Iterator[Stage]:
    if not probe().no_network:
        # The step is `builder build --sandbox require`: elsewhere it ends with an error, rightly.
        pytest.skip(f"the workflow requires the whole sandbox: {probe().reason}")
    archive = release(tmp_path / "upstream", "1.0")
    (tmp_path / "jobs").mkdir()
    known = read_pip_settings(dict(os.environ)).indexes[1:]
    with served(tmp_path / "live") as site, served(tmp_path / "upstream") as upstream:
        yield Stage(
            root=tmp_path / "jobs",
            repository=repository(tmp_path / "repository", archive),
            github={
                "repository": f"{OWNER}/{REPO}",
                "repository_owner": OWNER,
                "api_url": f"{hub.url}/api",
                "server_url": hub.url,
                "ref": "refs/heads/main",
            },
            variables={
                "SITE_URL": site,
                "SELECTORS": f"cu118-{python_tag(oldest_python())}",
            },
            env={
                **{name: one for name, one in os.environ.items() if not name.startswith("GITHUB_")},
                "PATH": on_path(tmp_path / "bin"),
                "PIP_EXTRA_INDEX_URL": " ".join([*known, upstream]),
            },
            live=tmp_path / "live",
            stand_ins={NO_IDENTITY: attest, NO_SYSCTL: lambda workspace, contexts: None},
            python=interpreter,
            token=TOKEN,
        )


def results(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["result"] for name, one in found.items()}


def install(stage: Stage, version: str, into: Path) -> Path:
    """`pip install` from the published site, as a user would; the package's folder."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(into)),
            *("--index-url", f"{stage.variables['SITE_URL']}/cu118/"),
            f"hello-cuda=={version}+cu118",
        ],
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return into / "hello_cuda"


EVERYTHING = dict.fromkeys(
    ("look", "news", "build", "choose", "attest", "publish", "deploy", "check", "report"), "success"
)
NOTHING_NEW = {**EVERYTHING, **dict.fromkeys(("attest", "publish", "deploy"), "skipped")}


@pytest.mark.integration
def test_from_an_upstream_release_to_a_pip_install(
    stage: Stage, hub: GitHub, tmp_path: Path
) -> None:
    # A fork, its first run: everything is built, tried, attested, published and looked at.
    assert results(stage.run("weekly.yml")) == EVERYTHING, stage.output[-8000:]
    wheel = next(name for name in hub.names("hello-cuda-1.0+cu118") if name.endswith(".whl"))
    assert {f"{wheel}.metadata", f"{wheel}.provenance"} <= hub.names("hello-cuda-1.0+cu118")
    assert "| hello-cuda 1.0+cu118 | full | 7.5 +PTX |" in stage.summary
    assert f"| {wheel} |" in stage.summary
    package = install(stage, "1.0", tmp_path / "one")
    assert (package / "upstream.py").read_text() == 'version = "1.0"\n'
    about = next((tmp_path / "one").glob("hello_cuda-*.dist-info"))
    assert (about / "sboms/gpu-wheelhouse.cdx.json").is_file()
    assert stage.left_out == {NO_IDENTITY, NO_SYSCTL}, "everything else was really done"
    assert not hub.issues
    # Nothing is new, but the live index is damaged: nothing is built, and an issue is opened.
    page = stage.live / "cu118/hello-cuda/index.html"
    page.write_text(page.read_text().replace(".whl", ".while"))
    assert results(stage.run("weekly.yml")) == {**NOTHING_NEW, "check": "failure"}, stage.output
    (issue,) = hub.issues
    assert issue.state == "open"
    assert "Failed: check." in issue.body
    assert "/actions/runs/2" in issue.body
    # Upstream's next release: a person renews the pins and commits; only that is built.
    release(tmp_path / "upstream", "1.1")
    recipe = stage.repository / "recipes/hello-cuda/recipe.toml"
    renew(stage)
    text = recipe.read_text()
    assert 'version = "1.1"' in text
    assert KEPT in text
    assert results(stage.run("weekly.yml")) == EVERYTHING, stage.output[-8000:]
    assert len(hub.releases) == 2
    assert (install(stage, "1.1", tmp_path / "two") / "upstream.py").read_text() == (
        'version = "1.1"\n'
    )
    install(stage, "1.0", tmp_path / "old")
    assert issue.state == "closed"
    assert "Mended" in issue.comments[-1]


def renew(stage: Stage) -> None:
    """`builder outdated --write`, typed in a clone."""
    done = subprocess.run(
        ["builder", "outdated", "--recipe", "hello-cuda", "--write"],
        cwd=stage.repository,
        env={**stage.env, "BUILDER_CACHE_DIR": "../own-cache"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "hello-upstream: renewed to 1.1" in done.stdout


PLAIN = """\
schema = 1
name = "{name}"
version = "1.0"
revision = 1
summary = "One module"
licenses = ["MIT"]

[wheel]
py-api = "py3"
requires-python = ">=3.9"
imports = ["{module}"]
max-size = "1 MB"

[profile.full]
[profile.smoke]
"""


BROKEN = "plain-broken"
"""Its build fails."""


def plain_recipe(root: Path, name: str, code: str) -> None:
    """A recipe of one module, and what is in it."""
    folder, module = root / "recipes" / name, name.replace("-", "_")
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(PLAIN.format(name=name, module=module))
    (folder / "pyproject.toml").write_text(f"# {code}\n")


def compile_nothing(workspace: Path, contexts: Contexts) -> None:
    """What `builder build` leaves of a recipe of one module, with no compiler asked."""
    job = contexts["matrix"]
    request = Request(selectors=tuple(job["selector"].split()), recipes=(job["recipe"],))
    folders = sorted((workspace / "recipes").iterdir())
    (row,) = gather(request, recipe_folders=folders, cache=Cache.default(), probe=False).rows
    spec = row.spec
    assert spec is not None
    assert spec.key == job["key"]
    if job["recipe"] == BROKEN:
        raise Fails("a compiler error")
    module = job["recipe"].replace("-", "_")
    info = f"{module}-{spec.public_version}.dist-info"
    tag = "py3-none-manylinux_2_31_x86_64"
    code = (row.folder / "pyproject.toml").read_text().removeprefix("# ")
    raw = write_wheel(
        workspace / f"raw/{module}-{spec.public_version}-1-{tag}.whl",
        info,
        {
            f"{module}.py": code.encode(),
            f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {module}\nVersion: "
            f"{spec.public_version}\nRequires-Python: {spec.requires_python}\n".encode(),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\n"
            f"Tag: {tag}\nBuild: 1\n".encode(),
        },
    )
    wheel = rewrite(raw, workspace / "dist", add=lambda found: about(found, spec))
    write_record(make_record(wheel, spec, built={}), wheel)


def two_pythons() -> tuple[str, str]:
    """The newest of the targets' Pythons here and one before it, the older one first."""
    found = [one for one in load_targets().pythons if find_python(one).interpreter]
    if len(found) < 2:
        # Nothing is tried under a Python that is not here, and no test brings one.
        pytest.skip(f"a Python comes later only where there are two; here is {found}")
    return found[-2], found[-1]


def advertised(stage: Stage) -> tuple[str, ...]:
    return read_state(stage.live).settings.pythons


@pytest.mark.integration
def test_one_wheel_fails_and_a_python_comes_later(
    stage: Stage, hub: GitHub, tmp_path: Path
) -> None:
    """Three jobs at once: one fails, one's wheel fails when it is tried; then a new Python."""
    shutil.rmtree(stage.repository / "recipes")
    plain_recipe(stage.repository, "plain-good", "ANSWER = 42")
    plain_recipe(stage.repository, "plain-bad", "raise RuntimeError('no kernel image')")
    plain_recipe(stage.repository, BROKEN, "ANSWER = 44")
    # The test above compiles, and asks upstream; this one is about what comes after.
    stage.stand_ins = {**stage.stand_ins, BUILD: compile_nothing, NEWS: lambda *told: None}
    older, newer = two_pythons()
    stage.variables["SELECTORS"] = f"cu118-{python_tag(older)}"
    # The good one is published, attested and advertised; the others keep back only themselves.
    assert results(stage.run("weekly.yml")) == {**EVERYTHING, "build": "failure"}, stage.output
    assert [one.tag for one in hub.releases] == ["plain-good-1.0+cu118"]
    assert advertised(stage) == (older,)
    (issue,) = hub.issues
    assert "Failed: build." in issue.body
    assert "plain_bad-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl is kept back" in issue.body
    assert f"failed under Python {older}: import plain_bad (RuntimeError: no" in issue.body
    assert f"{BROKEN} 1.0+cu118: it was not built; the log of its job says why" in issue.body
    assert f"| {BROKEN} 1.0+cu118 | it was not built; " in stage.summary
    assert "plain_bad" not in (stage.live / "ledger.jsonl").read_text()
    assert list(stage.live.glob("files/plain_good-*.tar.gz")), "its guard: it serves every target"
    # The others are given up, and a Python is new: nothing is built, what is published is tried.
    shutil.rmtree(stage.repository / "recipes/plain-bad")
    shutil.rmtree(stage.repository / "recipes" / BROKEN)
    stage.variables["SELECTORS"] += f" cu118-{python_tag(newer)}"
    wheels = hub.names("plain-good-1.0+cu118")
    first = len((stage.live / "ledger.jsonl").read_bytes().splitlines())
    found = results(stage.run("weekly.yml"))
    assert found == {**EVERYTHING, "attest": "skipped"}, stage.output
    assert "== build: Build" not in stage.output
    assert stage.output.count("== verify: Verify") == 1, "under the new Python alone"
    assert "fetched plain_good-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl" in stage.output
    assert advertised(stage) == (older, newer)
    assert hub.names("plain-good-1.0+cu118") == wheels
    assert issue.state == "closed"
    # The maintainer takes that back: tried first, then live, and nothing but the ledger grew.
    before = (stage.live / "ledger.jsonl").read_bytes()
    given = {"what": "roll back", "to": str(first), "reason": "too early", "really": True}
    changed = dict.fromkeys(("change", "deploy", "check"), "success")
    assert results(stage.run("withdraw.yml", given)) == changed, stage.output
    assert "would configure" in stage.output
    assert advertised(stage) == (older,)
    assert (stage.live / "ledger.jsonl").read_bytes().startswith(before)
    assert hub.names("plain-good-1.0+cu118") == wheels
    # A yank that is only tried, which is what the form does unless it is told otherwise.
    wheel = next(name for name in wheels if name.endswith(".whl"))
    given = {"what": "yank", "files": wheel, "reason": "crashes"}
    found = results(stage.run("withdraw.yml", given))
    assert found == {"change": "success", "deploy": "skipped", "check": "skipped"}, stage.output
    assert f"would be yanked: {wheel}" in stage.output
    # Another build under a name that is published: it is refused, and the run says so.
    (stage.repository / "recipes/plain-good/pyproject.toml").write_text("# ANSWER = 43\n")
    asked = {
        "selectors": f"cu118-{python_tag(older)}",
        "profile": "full",
        "published": stage.variables["SITE_URL"],
    }
    told = {"plan": "success", "refused": "failure", "build": "skipped", "verify": "skipped"}
    assert results(stage.run("build.yml", asked)) == told, stage.output
    assert "raise the recipe's revision" in stage.output


def test_a_workflow_that_goes_wrong_is_a_job_that_failed(tmp_path: Path) -> None:
    """The stand-in itself: what follows a failed step is not run, and the job says so."""
    from tests.workflow_expressions import condition, work_out

    contexts = {"needs": {"a": {"result": "failure", "outputs": {"x": "[1, 2]"}}}}
    functions = {"success": lambda: False, "cancelled": lambda: False}
    assert work_out("fromJSON(needs.a.outputs.x)", contexts, {}) == [1, 2]
    assert not condition("needs.a.result == 'failure'", contexts, functions)
    assert condition("${{ !cancelled() && needs.a.result == 'failure' }}", contexts, functions)
    assert work_out("needs.b.outputs.y || 'other'", contexts, {}) == "other"
    with pytest.raises(AssertionError, match="no context 'secrets'"):
        work_out("secrets.TOKEN", contexts, {})


def test_where_an_index_is() -> None:
    ask = functools.partial(CliRunner().invoke, cli)
    said = ask(["publish", "address", "--repo", "Some/wheels"])
    assert said.output == "https://some.github.io/wheels\n"
    said = ask(["publish", "address", "--repo", "Some/some.github.io", "--github"])
    assert said.output == "url=https://some.github.io\n"
    said = ask(["publish", "address", "--repo", "a/b", "--base-url", "https://w.example/"])
    assert said.output == "https://w.example\n"
    assert ask(["publish", "address", "--repo", "nothing"]).exit_code == 2
