"""Every line that `builder index build --layout drive` prints, pasted into a shell as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cli.main import cli
from tests.integration.client_kit import CLIENTS, Client, make_client, tiny_wheel, write_site

pytestmark = pytest.mark.integration

WHEEL = "tiny_gpu-1.0+cu118-py3-none-any.whl"
COLAB = "file:///content/drive/MyDrive/"


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machine") / "My Drive"


@pytest.fixture(scope="module")
def printed(drive: Path) -> dict[str, list[str]]:
    """The lines by who they are for: ``colab`` and ``here``."""
    dist = drive.parent / "dist"
    tiny_wheel(dist, WHEEL)
    site = drive / "gpu wheels & more"
    words = ["--cache-dir", drive.parent / "cache", "index", "build", "--layout", "drive"]
    words += ["--dist", dist, "--site", site]
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: dict[str, list[str]] = {}
    for line in result.stdout.splitlines():
        if line.startswith("tiny-gpu"):
            found["colab" if "Colab" in line else "here"] = lines = []
        elif line.startswith("  "):
            lines.append(line[2:])
    return found


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Client:
    place = tmp_path_factory.mktemp("client")
    write_site({"index.html": b"<!DOCTYPE html><html><body></body></html>"}, place / "nothing")
    empty = (place / "nothing").as_uri()
    made = make_client(request.param, place)
    return made.told(PIP_INDEX_URL=empty, UV_DEFAULT_INDEX=empty)


def try_lines(client: Client, lines: list[str], tmp_path: Path) -> int:
    """Paste the lines that are for this client; how many there were."""
    commands = [line for line in lines if "install" in line and client.is_uv == ("uv " in line)]
    file = [line[2:] for line in lines if line.startswith("  ")]
    (tmp_path / "requirements.txt").write_text("\n".join([*file, ""]))
    commands.append(f"{'uv ' * client.is_uv}pip install -r requirements.txt")
    for command in commands:
        done = client.shell(command, cwd=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        imported = client.shell("python -c 'import tiny_gpu; print(tiny_gpu.WHOSE)'", cwd=tmp_path)
        assert imported.stdout == "1.0+cu118\n", command
        yes = "" if client.is_uv else " -y"
        gone = client.shell(f"{'uv ' * client.is_uv}pip uninstall{yes} tiny-gpu", cwd=tmp_path)
        assert gone.returncode == 0, gone.stdout
    return len(commands)


def test_the_lines_for_this_machine(
    client: Client, printed: dict[str, list[str]], tmp_path: Path
) -> None:
    assert try_lines(client, printed["here"], tmp_path) == (2 if client.is_uv else 3)


def test_the_lines_for_colab(
    client: Client, printed: dict[str, list[str]], drive: Path, tmp_path: Path
) -> None:
    """Colab's folder is not on this machine: only where the Drive begins is put in its place."""
    assert all(COLAB in line for line in printed["colab"] if "://" in line)
    here = drive.as_uri() + "/"
    lines = [line.replace(COLAB, here) for line in printed["colab"]]
    assert try_lines(client, lines, tmp_path) == (2 if client.is_uv else 3)
