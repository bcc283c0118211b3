"""The contact sheets of all cases on one picture."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

_MARGIN_PX = 12
_BACKGROUND = (24, 24, 24)


def stack_pictures(pictures: Sequence[Path], target: Path) -> None:
    """Write the pictures below each other; raises `ValueError` without any."""
    if not pictures:
        raise ValueError("no picture to put on the contact sheet; needs at least one")
    images = [Image.open(path).convert("RGB") for path in pictures]
    width = max(image.width for image in images) + 2 * _MARGIN_PX
    height = sum(image.height + _MARGIN_PX for image in images) + _MARGIN_PX
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    top = _MARGIN_PX
    for image in images:
        sheet.paste(image, (_MARGIN_PX, top))
        top += image.height + _MARGIN_PX
    sheet.save(target)
