from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockettools.protocols.access import Credentials
from sockettools.protocols.credentials import CredentialsSource, NetrcError, NoPassword
from sockettools.service_url import parse_service_url

if TYPE_CHECKING:
    from pathlib import Path

NETRC = """\
machine h login zoe password "from file"
machine [::1] login six password 6
machine nopassword login zoe
machine noname password x
"""


@pytest.fixture
def netrc(tmp_path: Path) -> Path:
    file = tmp_path / "netrc"
    file.write_text(NETRC)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("url", "found", "question"),
    [
        pytest.param("ftp://a:b@h/", Credentials("a", "b"), "", id="URL"),
        pytest.param("ftp://zoe:b@h/", Credentials("zoe", "b"), "", id="URL before file"),
        pytest.param("ftp://a:@h/", Credentials("a", ""), "", id="empty password"),
        pytest.param("ftp://h/", Credentials("zoe", "from file"), "", id="file"),
        pytest.param("ftp://H:2121/", Credentials("zoe", "from file"), "", id="any port"),
        pytest.param("ftp://zoe@h/", Credentials("zoe", "from file"), "", id="user, then file"),
        pytest.param(
            "ftp://a@h/", Credentials("a", "typed"), "Password for a at h: ", id="another user"
        ),
        pytest.param(
            "ftp://a@other/", Credentials("a", "typed"), "Password for a at other: ", id="no entry"
        ),
        pytest.param(
            "ftp://nopassword/",
            Credentials("zoe", "typed"),
            "Password for zoe at nopassword: ",
            id="an entry without a password",
        ),
        pytest.param("ftp://other/", None, "", id="nobody"),
        pytest.param("ftp://noname/", None, "", id="entry without a name"),
    ],
)
def test_where_credentials_are_found(
    url: str, found: Credentials | None, question: str, netrc: Path
) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "typed"

    assert CredentialsSource(netrc, ask)(parse_service_url(url)) == found
    assert asked == ([question] if question else [])


@pytest.mark.parametrize("source", ["nothing", "no file", "file", "person"])
def test_no_password(source: str, netrc: Path, tmp_path: Path) -> None:
    file = {"nothing": None, "no file": tmp_path / "none"}.get(source, netrc)
    ask = (lambda _question: None) if source == "person" else None
    with pytest.raises(NoPassword, match=r"ftp://h/: there is no password for a: "):
        CredentialsSource(file, ask)(parse_service_url("ftp://a@h/"))


def test_nobody_is_known_without_any_source() -> None:
    assert CredentialsSource()(parse_service_url("ftp://h/")) is None


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        pytest.param(b"machine h\nlogn zoe\n", r"netrc, line [12]: ", id="malformed"),
        pytest.param(b"machine h login zoe sesame\n", r"netrc, line [12]: ", id="a word too many"),
        pytest.param(b"machine h login \xff\xfe password \xff\n", "no text", id="no text"),
    ],
)
def test_files_that_cannot_be_used(octets: bytes, problem: str, netrc: Path) -> None:
    netrc.write_bytes(octets)
    with pytest.raises(NetrcError, match=problem) as caught:
        CredentialsSource(netrc)(parse_service_url("ftp://h/"))
    assert str(caught.value).isprintable()
    assert "sesame" not in str(caught.value)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NetrcError, match="directory"):
        CredentialsSource(tmp_path)(parse_service_url("ftp://h/"))


def test_passwords_are_not_shown() -> None:
    assert "secret" not in repr(Credentials("zoe", "secret"))
