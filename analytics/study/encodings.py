"""Bytes of a text file into text: which encoding it has, or why that is not known."""

import codecs
import re
from pathlib import Path
from typing import Final

from analytics.errors import FileInvalid, InputUnreadable

ENCODINGS: Final = ("utf-8", "utf-16", "gb18030", "windows-1252")
"""What a study file may call a table's encoding."""

_PAIRS: Final = re.compile(rb"[\x80-\xff]+")
_GB2312: Final = re.compile(rb"(?:[\xa1-\xf7][\xa1-\xfe])+")
"""Chinese text stands in pairs of such bytes."""


def decoded(path: Path, encoding: str | None) -> str:
    """Return the text of a file without a byte-order mark.

    Without an `encoding` it is told by its byte-order mark, else UTF-8, else GB18030 where what is not ASCII comes in
    pairs as Chinese does, and Windows-1252 where it does not. Raises `FileInvalid` where both readings are possible,
    with the key to write, and `InputUnreadable` for bytes that the encoding does not have.
    """
    content = path.read_bytes()
    name = encoding or _recognised(path, content)
    try:
        return content.decode(_codec(content, name))
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        allowed = f"a table saved as CSV UTF-8, or the key encoding: {' | '.join(ENCODINGS)}"
        raise InputUnreadable(
            path.name, f"row {row} holds characters that are not {name}; allowed: {allowed}"
        ) from None


def encoding_of(path: Path) -> str:
    """Return the encoding of a file as `decoded` recognises it."""
    return _recognised(path, path.read_bytes())


def _codec(content: bytes, name: str) -> str:
    if name == "utf-8":
        return "utf-8-sig"
    if name == "utf-16" and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16-le"
    return name


def _recognised(path: Path, content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or content[1:2] == b"\0":
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    runs = _PAIRS.findall(content)
    if any(_GB2312.fullmatch(run) is None for run in runs):
        # Pairs that GB18030 adds end in ASCII letters: only where nothing speaks for single letters.
        return "windows-1252" if any(len(run) == 1 for run in runs) else "gb18030"
    if max(map(len, runs)) > _LONGEST_WESTERN:
        return "gb18030"
    row = content.split(runs[0])[0].count(b"\n") + 1
    got = "not UTF-8, and may be GB18030 or Windows-1252"
    allowed = "the key encoding: gb18030 or encoding: windows-1252 beside the table"
    raise FileInvalid(path.name, row, "", got, allowed)


_LONGEST_WESTERN: Final = 3
"""Letters beyond ASCII that Western words have beside each other at most."""
