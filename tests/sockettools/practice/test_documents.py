from __future__ import annotations

import io
import re
import zipfile

import pytest

from sockettools.practice.documents import archive, pdf


@pytest.mark.parametrize(
    "pages", [("one",), ("one", "two"), (r"(\) and beyond: é",)], ids=["one", "two", "odd"]
)
def test_a_pdf_has_its_objects_where_it_says(pages: tuple[str, ...]) -> None:
    data = pdf(*pages)

    assert data.startswith(b"%PDF-1.4\n")
    assert data.endswith(b"%%EOF\n")
    (start,) = re.findall(rb"startxref\n(\d+)\n", data)
    table = data[int(start) :]
    count = 3 + 2 * len(pages)
    assert table.startswith(b"xref\n0 %d\n0000000000 65535 f \n" % (count + 1))
    offsets = re.findall(rb"^(\d{10}) 00000 n $", table, re.MULTILINE)
    assert len(offsets) == count
    for number, offset in enumerate(offsets, 1):
        assert data[int(offset) :].startswith(b"%d 0 obj\n" % number)
    assert data.count(b"/Type /Page /Parent") == len(pages)


def test_the_streams_of_a_pdf_are_as_long_as_they_say() -> None:
    found = re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", pdf("a", "(b)"), re.DOTALL)

    assert [int(size) for size, _ in found] == [len(stream) for _, stream in found]
    assert b"(\\(b\\)) Tj" in found[1][1]


def test_a_zip_has_no_time_and_no_machine() -> None:
    data = archive({"a.txt": b"a", "b/c.txt": b"c"})

    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["a.txt", "b/c.txt"]
        assert packed.read("b/c.txt") == b"c"
        assert {(info.date_time[0], info.create_system) for info in packed.infolist()} == {
            (2013, 3)
        }
