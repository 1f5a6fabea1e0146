"""A remote compile cache's credentials stay out of logs and errors."""

from pathlib import Path

import pytest

from builder.build.secrets import Secrets


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("AWS_SECRET_ACCESS_KEY", "s3cret", "s3cret"),
        ("AWS_SESSION_TOKEN", "s3cret", "s3cret"),
        ("SCCACHE_REDIS_PASSWORD", "s3cret", "s3cret"),
        ("SCCACHE_REDIS", "redis://user:s3cret@host:1/0", "s3cret"),
        ("SCCACHE_REDIS_ENDPOINT", "redis://:p%40ss@host", "p@ss"),
        ("HTTPS_PROXY", "http://user:s3cret@proxy:3128", "s3cret"),
        ("SCCACHE_AZURE_CONNECTION_STRING", "AccountKey=abc", "AccountKey=abc"),
    ],
)
def test_secrets_are_blotted_out(name: str, value: str, secret: str, tmp_path: Path) -> None:
    secrets = Secrets({name: value})
    assert secrets.hide(f"cannot reach {value}: {secret}!").count(secret) == 0
    with secrets.open(tmp_path / "logs/x.log") as log:
        log.write(f"one {secret}\n")
    assert (tmp_path / "logs/x.log").read_text() == "one ***\n"
    assert secret not in repr(secrets)


def test_what_is_no_secret_stays() -> None:
    settings = {"SCCACHE_BUCKET": "wheels", "AWS_REGION": "eu-1", "SSL_CERT_FILE": "/etc/certs"}
    text = "wheels in eu-1 with /etc/certs"
    assert Secrets(settings).hide(text) == text
    assert Secrets(None).hide(text) == text
