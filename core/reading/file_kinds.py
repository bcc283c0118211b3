"""What a file that is no DICOM is by its content: no slice (a PDF, a text, a picture), or instances in a package."""

import gzip
import re
import zipfile
import zlib
from io import BytesIO
from typing import Final

_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"BM", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "picture"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"),
    (b"\x00\x00\x00\x01Bud1", "desktop file"),
    (b"\x00\x05\x16\x07", "desktop file"),
)
_STARTS_LATER: Final = (
    (8, b"WEBP", "picture"),
    (4, b"ftyphei", "picture"),
    (4, b"ftypavif", "picture"),
    (4, b"ftyp", "video"),
)
"""Offset and bytes there -> kind."""

_PDF: Final = b"%PDF-"
_PDF_SEARCH_BYTES: Final = 1024
"""Readers take a PDF that begins within this many bytes."""

_HEAD_BYTES: Final = 4096
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MOST_ACCENTS: Final = 1 / 3
"""Share of the bytes of a text in Latin-1 or the like that are no ASCII."""

_PREAMBLE_BYTES: Final = 128
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_MEMBERS_LOOKED_AT: Final = 64
_PACKAGE_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)
"""What is raised of damaged, encrypted or exotically packed packages."""


def kind_of_content(content: bytes) -> str | None:
    """Return what a file is, in a word that can be counted; None for what is empty or not known."""
    head = content[:_HEAD_BYTES]
    if _PDF in head[:_PDF_SEARCH_BYTES]:
        return "PDF"
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    for offset, start, kind in _STARTS_LATER:
        if head[offset:].startswith(start):
            return kind
    return "text" if head and _is_text(head) else None


def is_blank(content: bytes) -> bool:
    """Return whether a file begins with as many zeros as a DICOM preamble, as one whose content has not come yet."""
    return bool(content) and not any(content[:_PREAMBLE_BYTES])


def holds_packed_instance(content: bytes) -> bool:
    """Return whether a file is a gzip or zip package whose first members hold a DICOM file (PS3.10, 7.1)."""
    try:
        if content.startswith(_GZIP):
            with gzip.open(BytesIO(content)) as packed:
                return _is_instance(packed.read(_PREAMBLE_BYTES + 4))
        if content.startswith(_ZIP):
            with zipfile.ZipFile(BytesIO(content)) as archive:
                return any(_is_instance(_head(archive, each)) for each in archive.infolist()[:_MEMBERS_LOOKED_AT])
    except _PACKAGE_ERRORS:
        return False
    return False


def _head(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        return stream.read(_PREAMBLE_BYTES + 4)


def _is_instance(head: bytes) -> bool:
    return head[_PREAMBLE_BYTES:] == b"DICM"


def _is_text(head: bytes) -> bool:
    """Return whether the start of a file is text in UTF-8, in UTF-16 with its mark, or in Latin-1 with few accents."""
    if head.startswith(_UTF_16_MARKS):
        text = head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    else:
        text = head.decode("utf-8", errors="replace")
    # The last character may be cut by the end of the head.
    if _NO_TEXT.search(text):
        return False
    accents = sum(byte > 0x7F for byte in head)
    return text[:-1].count("\ufffd") <= len(text) // 20 or accents <= _MOST_ACCENTS * len(head)
