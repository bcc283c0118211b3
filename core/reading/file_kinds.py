"""What a file that is no DICOM is by its content, as far as it can be no slice: a PDF, a text, a picture."""

import re
from typing import Final

_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"BM", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"\x00\x00\x00\x01Bud1", "desktop file"),
    (b"\x00\x05\x16\x07", "desktop file"),
)
_PDF: Final = b"%PDF-"
_PDF_SEARCH_BYTES: Final = 1024
"""Readers take a PDF that begins within this many bytes."""

_HEAD_BYTES: Final = 4096
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def kind_of_content(content: bytes) -> str | None:
    """Return what a file is, in a word that can be counted; None for what is empty or not known."""
    head = content[:_HEAD_BYTES]
    if _PDF in head[:_PDF_SEARCH_BYTES]:
        return "PDF"
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    return "text" if head and _is_text(head) else None


def _is_text(head: bytes) -> bool:
    """Return whether the start of a file is text in UTF-8, in UTF-16 with its mark, or in Latin-1 with few accents."""
    if head.startswith(_UTF_16_MARKS):
        text = head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    else:
        text = head.decode("utf-8", errors="replace")
    # The last character may be cut by the end of the head.
    faults = len(_NO_TEXT.findall(text)) * len(text) + text[:-1].count("\ufffd")
    return faults <= len(text) // 20
