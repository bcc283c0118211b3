"""Program that decodes lossless JPEG frames with GDCM: a task on standard input, pixels on standard output.

Run by `lossless_jpeg` as a process of its own, because GDCM ends its whole process on some damaged frames. It imports
nothing but GDCM, so that it starts in a few hundredths of a second.
"""

import json
import sys
from typing import Any

import gdcm

DECODED = b"\x01"
FAILED = b"\x00"


def main() -> None:
    """Answer every frame of the task with one status byte and, if it could be decoded, its pixels in native order."""
    task = json.loads(sys.stdin.buffer.readline())
    for image in task["images"]:
        frame = sys.stdin.buffer.read(image["length"])
        pixels = decode(frame, image)
        sys.stdout.buffer.write(FAILED if pixels is None else DECODED + pixels)
        sys.stdout.buffer.flush()


def decode(frame: bytes, image: dict[str, Any]) -> bytes | None:
    """Return the stored values of one greyscale frame as bytes, or None where GDCM gives none or another amount."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    picture = gdcm.Image()
    picture.SetNumberOfDimensions(2)
    picture.SetDimensions((image["columns"], image["rows"], 1))
    picture.SetDataElement(element)
    picture.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    picture.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(image["transfer_syntax"])))
    allocated, stored = image["bits_allocated"], image["bits_stored"]
    picture.SetPixelFormat(gdcm.PixelFormat(1, allocated, stored, stored - 1, image["is_signed"]))
    buffer: str | None = picture.GetBuffer()
    if buffer is None:
        return None
    pixels = buffer.encode("utf-8", "surrogateescape")  # GDCM's binding gives bytes as text with escapes
    return pixels if len(pixels) == image["rows"] * image["columns"] * allocated // 8 else None


if __name__ == "__main__":
    main()
