"""Names that servers give, and what becomes of them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.pipelines.names import MAX_NAME, clean_name, safe_name

DEVICES = ["CON", "nul", "Com1", "LPT9", "aux", "PRN", "COM¹", "CONIN$"]

# What hostile names are made of.
hostile = st.lists(
    st.one_of(
        st.sampled_from(
            [*"/\\:.-_ \0\r\n\t\"'%;=*?<>|~$", "..", "../", "%2e%2f", "\u202e", "\u200d", "e\u0301"]
        ),
        st.sampled_from(DEVICES),
        st.sampled_from([".pdf", ".tar.gz", ".TXT", ".partial", "C:"]),
        st.text(max_size=300),
        st.characters(),
    ),
    max_size=20,
).map("".join)


def is_safe(name: str) -> bool:
    return (
        0 < len(name.encode()) <= MAX_NAME
        and not set(name) & set('/\\:*?"<>|')
        and all(unicodedata.category(char)[0] not in "C" for char in name)
        and not name.startswith((".", "-", " "))
        and not name.endswith((".", " "))
        and name.partition(".")[0].rstrip().upper() not in {word.upper() for word in DEVICES}
        and unicodedata.is_normalized("NFC", name)
    )


@given(
    st.one_of(st.none(), hostile, hostile.map(lambda name: f'attachment; filename="{name}"')),
    st.one_of(hostile, hostile.map(lambda name: f"http://h/{name}")),
    st.one_of(hostile, st.sampled_from(["application/pdf", "image/png; x=y", "text/html", ""])),
)
def test_every_name_is_safe(disposition: str | None, url: str, media_type: str) -> None:
    assert is_safe(safe_name(disposition, url, media_type))


@given(hostile)
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    clean = clean_name(name)

    assert clean_name(clean) == clean


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        # RFC 6266 section 5
        pytest.param("Attachment; filename=example.html", "example.html", id="token"),
        pytest.param('INLINE; FILENAME= "an example.html"', "an example.html", id="quoted"),
        pytest.param("attachment; filename*= UTF-8''%e2%82%ac%20rates", "€ rates", id="extended"),
        pytest.param(
            "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
            "€ rates",
            id="both, the extended one counts",
        ),
        # RFC 8187 section 3.2.3
        pytest.param("x; filename*=iso-8859-1'en'%A3%20rates", "£ rates", id="latin-1"),
        pytest.param('x; filename="f\\oo \\"b\\".txt"', "foo _b_.txt", id="quoted pairs"),
        pytest.param('x; filename="a;filename=b.exe"', "a;filename=b.exe", id="within quotes"),
        pytest.param('x; name="filename=b"; filename=a', "a", id="within another's quotes"),
        pytest.param("x; filename=a; filename=b", "a", id="the first of two"),
        pytest.param("filename=a.txt", "a.txt", id="no type"),
        pytest.param("x; filename=a b.txt ;y=z", "a b.txt", id="blanks without quotes"),
        pytest.param('x; filename="a.txt', "a.txt", id="a quote that is never closed"),
        pytest.param("x; filename*=UTF-8''%ff; filename=a.txt", "a.txt", id="not in its charset"),
        pytest.param("x; filename*=koi8-r''%ff; filename=a.txt", "a.txt", id="unknown charset"),
        pytest.param("x; filename*=a.txt; filename=b.txt", "b.txt", id="no charset"),
        pytest.param('x; filename="na\xc3\xafve.txt"', "naïve.txt", id="raw UTF-8"),
        pytest.param('x; filename="na\xefve.txt"', "naïve.txt", id="raw latin-1"),
        # The URL's is taken then.
        pytest.param("attachment", "url.bin", id="no name"),
        pytest.param('x; filename=""', "url.bin", id="empty"),
        pytest.param('x; filename="../.."', "url.bin", id="nothing but dots"),
        pytest.param('x; filename="a/"', "url.bin", id="a folder"),
    ],
)
def test_content_disposition(disposition: str, name: str) -> None:
    assert safe_name(disposition, "http://h/url.bin?x=y", "") == name


@pytest.mark.parametrize(
    ("path", "media_type", "name"),
    [
        ("/a/report.pdf", "", "report.pdf"),
        ("/a/r%C3%A9sum%C3%A9.pdf", "", "résumé.pdf"),
        ("/a/caf%E9.pdf", "", "café.pdf"),
        ("/a/..%2F..%2Fetc%2Fpasswd", "", "passwd"),
        ("/a/..%5C..%5Cboot.ini", "", "boot.ini"),
        ("/a/%00.pdf", "", "_.pdf"),
        ("/..", "", "file"),
        ("/", "text/html; charset=utf-8", "index.html"),
        ("/", "Image/PNG", "image.png"),
        ("/", "application/pdf", "file.pdf"),
        ("/", "", "file"),
        ("/report", "application/pdf", "report.pdf"),
        ("/v1.2", "application/zip", "v1.2.zip"),
        ("/README", "text/plain", "README"),
        ("/download.php?id=1", "application/pdf", "download.pdf"),
        ("/download.php", "application/octet-stream", "download.php"),
        ("/data.tar.gz", "application/x-tar", "data.tar.gz"),
    ],
)
def test_names_of_urls(path: str, media_type: str, name: str) -> None:
    assert safe_name(None, f"http://h{path}", media_type) == name


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("/etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ("C:evil.txt", "C_evil.txt"),
        ("file.txt:stream", "file.txt_stream"),
        ("a\0b\r\nc.txt", "a_b__c.txt"),
        ("...hidden", "hidden"),
        ("-rf", "_rf"),
        ("a.txt. . ", "a.txt"),
        ("CON", "_CON"),
        ("con.tar.gz", "_con.tar.gz"),
        ("nul .txt", "_nul .txt"),
        ("LPT¹", "_LPT¹"),
        ("COM10", "COM10"),
        ("console.log", "console.log"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("e\u0301.txt", "é.txt"),
        ("e\u200d\u0301.txt", "é.txt"),
        ("a\u2028b\xa0c", "a b c"),
        ("\ud800.txt", "_.txt"),
        (" . / . ", ""),
    ],
)
def test_clean_names(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@pytest.mark.parametrize("extension", [".pdf", ".tar.gz", ".Überlänge", ""])
@pytest.mark.parametrize("letter", ["a", "é", "漢", "😀"])
def test_long_names_keep_their_extension(letter: str, extension: str) -> None:
    name = clean_name(letter * 300 + extension)

    assert name.endswith(letter + extension)
    assert MAX_NAME - 4 < len(name.encode()) <= MAX_NAME


def test_what_only_looks_like_an_extension_is_cut() -> None:
    assert clean_name("a." + "b" * 300) == "a." + "b" * (MAX_NAME - 2)
