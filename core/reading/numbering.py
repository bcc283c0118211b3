"""What the numbers of a series say of slices that did not come from either of its ends.

A slice missing in the middle shows by its place; one missing at an end shows by nothing else.
"""

from collections.abc import Sequence

from core.counting import counted
from core.reading.frames import Frame
from core.reading.notes import Notes


def check_numbers(frames: Sequence[Frame], notes: Notes) -> None:
    """Warn where classic images, each once, are fewer than their acquisition had, or are numbered from late on.

    Never a reason to refuse: scanners number the echoes of one acquisition through, and a site may send a part on
    purpose. Numbers that begin beyond twice the count of the images follow a scheme of their own and say nothing.
    """
    if any(frame.value("NumberOfFrames") for frame in frames):
        return
    came = len(frames)
    stated = int(max((number for frame in frames if (number := frame.number("ImagesInAcquisition"))), default=0))
    if came < stated:
        notes.warn(
            f"{counted(came, 'image')} came, and Images in Acquisition (0020,1002) is {stated}: slices at an end of "
            "the series may be missing"
        )
    numbers = [number for frame in frames if (number := frame.instance_number) is not None]
    first = min(numbers, default=1)
    if len(set(numbers)) == came and 1 < first <= came + 1:
        notes.warn(
            f"the images are numbered from {first} on: slices at an end of the series may be missing (Instance Number "
            "(0020,0013))"
        )
