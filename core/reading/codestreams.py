"""What a compressed frame itself says about its size and its end, without decoding it."""

from typing import Final

_J2K_START: Final = b"\xff\x4f\xff\x51"
_JPEG_START: Final = b"\xff\xd8"
_JPEG_FRAME_HEADERS: Final = frozenset(
    {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
)
"""SOF markers of JPEG (ISO/IEC 10918-1, B.1.1.3) and JPEG-LS (ISO/IEC 14495-1, C.1.1)."""


_END: Final = b"\xff\xd9"
"""End of image (ISO/IEC 10918-1, B.2.1) and end of codestream (ISO/IEC 15444-1, A.4.4)."""

_END_SEARCH_BYTES: Final = 16
"""The end marker may be followed by padding."""


def lacks_end(frame: bytes) -> bool:
    """Return whether a JPEG, JPEG-LS or JPEG 2000 frame is cut off; decoders fill what is missing without a word."""
    return frame.startswith((_JPEG_START, _J2K_START)) and _END not in frame[-_END_SEARCH_BYTES:]


def states_other_size(frame: bytes, rows_columns: tuple[int, int]) -> bool:
    """Return whether a JPEG, JPEG-LS or JPEG 2000 frame states another size than (rows, columns)."""
    stated = _jpeg_2000_size(frame) if frame.startswith(_J2K_START) else _jpeg_size(frame)
    return stated is not None and stated != rows_columns


def _jpeg_2000_size(frame: bytes) -> tuple[int, int]:
    """Return (rows, columns) of the SIZ segment (ISO/IEC 15444-1, A.5.1)."""
    width, height, left, top = (int.from_bytes(frame[start : start + 4], "big") for start in (8, 12, 16, 20))
    return height - top, width - left


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """Return (rows, columns) of the first frame header; None if there is none."""
    if not frame.startswith(_JPEG_START):
        return None
    position = 2
    while position + 9 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker in _JPEG_FRAME_HEADERS:
            height, width = (int.from_bytes(frame[position + start : position + start + 2], "big") for start in (5, 7))
            return height, width
        position += 2 + max(2, int.from_bytes(frame[position + 2 : position + 4], "big"))
    return None
