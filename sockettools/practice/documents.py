"""Small files that programs open: the same octets on every machine."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def pdf(*pages: str) -> bytes:
    """Return a PDF with a line of text on each page (ISO 32000-1)."""
    numbers = [4 + 2 * number for number in range(len(pages))]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, text in zip(numbers, pages, strict=True):
        content = f"BT /F1 14 Tf 40 140 Td ({_pdf_string(text)}) Tj ET"
        objects += (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 180] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {number + 1} 0 R >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        )
    return _pdf_file(objects)


def _pdf_string(text: str) -> str:
    shown = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    return shown.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _pdf_file(objects: list[str]) -> bytes:
    # The second line has octets beyond ASCII, so that nobody takes the file for text.
    data = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    table = "0000000000 65535 f \n"
    for number, content in enumerate(objects, 1):
        table += f"{len(data):010} 00000 n \n"
        data += f"{number} 0 obj\n{content}\nendobj\n".encode("ascii")
    size = len(objects) + 1
    start = len(data)
    data += (
        f"xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
        f"startxref\n{start}\n%%EOF\n"
    ).encode("ascii")
    return bytes(data)


def archive(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of these files by name, not compressed, with the time of no clock."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (2013, 11, 2, 2, 1, 26))
            info.create_system = 3  # of the machine that it is made on, otherwise
            info.external_attr = 0o100644 << 16
            packed.writestr(info, data)
    return file.getvalue()
