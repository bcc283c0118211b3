"""Decode lossless JPEG in a process of its own: the decoder (GDCM) ends its process on some damaged frames."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_PROGRAM: Final = Path(__file__).with_name("lossless_jpeg_child.py")
_TIMEOUT_S: Final = 120.0
"""A frame of 512 x 512 takes about 5 ms; the largest allowed series a few seconds."""


@dataclass(frozen=True)
class JpegFrame:
    """One greyscale frame in lossless JPEG (PS3.5, A.4.1)."""

    content: bytes
    transfer_syntax: str
    rows: int
    columns: int
    bits_allocated: int
    """8 or 16."""

    bits_stored: int
    is_signed: bool


def decode_frames(frames: Sequence[JpegFrame]) -> list[npt.NDArray[Any] | None]:
    """Return the stored values (rows, columns) of each frame; None for a frame that cannot be decoded.

    When a frame ends the decoder, those after it are None, too.
    """
    images = [{**asdict(frame), "content": None, "length": len(frame.content)} for frame in frames]
    task = json.dumps({"images": images}).encode() + b"\n"
    command = [sys.executable, "-I", str(_PROGRAM)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            answer, _ = child.communicate(task + b"".join(frame.content for frame in frames), timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            answer = b""
    return _parse(answer, frames)


def _parse(answer: bytes, frames: Sequence[JpegFrame]) -> list[npt.NDArray[Any] | None]:
    arrays: list[npt.NDArray[Any] | None] = []
    position = 0
    for frame in frames:
        kind = "i" if frame.is_signed else "u"
        dtype = np.dtype(f"{kind}{frame.bits_allocated // 8}")
        end = position + 1 + frame.rows * frame.columns * dtype.itemsize
        if answer[position : position + 1] == b"\x01" and end <= len(answer):
            arrays.append(np.frombuffer(answer[position + 1 : end], dtype).reshape(frame.rows, frame.columns))
            position = end
        else:
            arrays.append(None)
            position += 1
    return arrays
