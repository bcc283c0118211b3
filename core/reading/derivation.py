"""Images that call themselves DERIVED: originals that were compressed with loss or filtered, and computed ones.

An original is taken for one only where nothing says that it was reformatted, projected or computed: no word of the
image type, no code or description of the derivation, and not the geometry.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from core.errors import RefusalCode
from core.reading.elements import element_value, items_of
from core.reading.frames import Frame
from core.reading.kinds import COMPUTED, computed_within, image_type, is_computed, shown_word
from core.reading.limits import ReadingLimits
from core.reading.notes import Notes

FILTERED_WARNING: Final = "the image type is DERIVED; taken since the site lets filtered images pass (filtered_images)"

_FILTER_CODES: Final = frozenset({"113040", "113086", "113087", "113088", "113089"})
"""Derivations of DCM that keep every pixel at its place: lossy compression, edge enhancement, smoothing, Gaussian blur,
unsharp mask (PS3.16, CID 7203). Every other one says that the image is no original."""

_WORD: Final = re.compile(r"[A-Z0-9]+")
_COMPUTED_WORDS: Final = COMPUTED.words | frozenset(
    {
        "3D", "ADDITION", "AVERAGE", "CBF", "CBV", "COMBINED", "CPR", "CURVED", "DERIVED", "DISTORTED", "DIVISION",
        "EDITOR", "FMRI", "MAP", "MAX", "MAXIMUM", "MEAN", "MIN", "MINIMUM", "MTT", "MULTIPLICATION", "PERFUSION",
        "PROJECTION", "RATIO", "RENDER", "RENDERED", "RENDERING", "RESAMPLED", "SAMPLED", "SAVE", "SCREEN", "SUM",
        "SUBTRACTED", "SURFACE", "SYNTHETIC", "TENSOR", "THICK", "TTP", "VOLUME", "VRT",
    }
)  # fmt: skip
"""Words of the third and later values of the image type that no filtered original has, whole or as a part of one."""

_COMPUTED_TEXT: Final = re.compile(
    r"\b(REFORMAT|MULTI.?PLANAR|CURVED|RESAMPL|RESLIC|MPR|CPR|MIP|MINIP|MAX\w* INT|MIN\w* INT|PROJECT|SUBTRACT|SUB\b|"
    r"MAP|ADC|EADC|DIFFUSION|DIVI|MULTIPLIC|ADDITION|AVERAG|MEAN|SUM|RENDER|SYNTHE|DEFORM|REGISTER|SEGMENT|STITCH|"
    r"COMPOS|CALCULAT|COMPUTED)"
)
"""Starts of words of a derivation description that speak of more than a filter."""

_LEAST_STEP: Final = 0.9
"""Slices acquired in 2D hardly overlap: a smaller step, in slice thicknesses, is that of a reformat."""

_SQUARE: Final = 0.05
"""Share by which the two spacings of a pixel may differ in an image as acquired."""


def check_derivation(frames: Sequence[Frame], limits: ReadingLimits, notes: Notes) -> None:
    """Note computed images, and derived ones: a reason to refuse, or a warning where the site lets filtered ones pass.

    What was compressed with loss alone passes; the pixels tell.
    """
    said = sorted({word for frame in frames for word in image_type(frame) if is_computed(word)})
    derived = [frame for frame in frames if "DERIVED" in image_type(frame)]
    others = [frame for frame in frames if "DERIVED" not in image_type(frame)]
    said += sorted({part for frame in others for word in image_type(frame)[2:] for part in computed_within(word)})
    otherwise = [frame for frame in derived if not is_derived_by_compression(frame)]
    signs = list(dict.fromkeys(sign for frame in derived for sign in _signs(frame)))
    if otherwise:
        may_be_filtered = not signs and not said and all("PRIMARY" in image_type(frame) for frame in otherwise)
        signs += _signs_of_geometry(otherwise) if may_be_filtered else []
        _note_derived(notes, is_filtered=may_be_filtered and not signs, limits=limits)
    for word in said:
        notes.refuse(RefusalCode.DERIVED_IMAGE, f"the image type says {word}; allowed: {COMPUTED.allowed}")
    for sign in signs:
        notes.refuse(RefusalCode.DERIVED_IMAGE, f"the image is derived and {sign}; allowed: {COMPUTED.allowed}")


def _note_derived(notes: Notes, *, is_filtered: bool, limits: ReadingLimits) -> None:
    if is_filtered and limits.filtered_images == "warn":
        notes.warn(FILTERED_WARNING)
        return
    message = "the image type is DERIVED; allowed: ORIGINAL images"
    if is_filtered:
        message += ", or images that are filtered and no more where the setting filtered_images is warn"
    notes.refuse(RefusalCode.DERIVED_IMAGE, message)


def is_derived_by_compression(frame: Frame) -> bool:
    """Return whether an image may be called DERIVED for its lossy compression alone (PS3.3, C.7.6.1.1.5)."""
    return frame.text("LossyImageCompression") == "01" and "PRIMARY" in image_type(frame)


def _signs(frame: Frame) -> Iterator[str]:
    """Yield what a derived frame says of more than compression and a filter; nothing of it is free text."""
    for value in image_type(frame)[2:]:
        for word in _WORD.findall(value):
            if word in _COMPUTED_WORDS and not is_computed(value):
                yield f"its type says {word}"
    for word in frame.words("VolumetricProperties"):
        if word not in ("", "VOLUME"):
            yield f"its volumetric properties are {shown_word(word)}"
    for word in frame.words("VolumeBasedCalculationTechnique"):
        if word not in ("", "NONE"):
            yield f"its calculation technique is {shown_word(word)}"
    for place in _derivations(frame):
        yield from _signs_of_derivation(place)


def _derivations(frame: Frame) -> Iterator[Dataset]:
    """Yield where a derivation is described: the instance, and in its functional groups (PS3.3, C.7.6.16.2.6)."""
    yield frame.dataset
    groups = [
        *items_of(frame.dataset, "SharedFunctionalGroupsSequence")[:1],
        *items_of(frame.dataset, "PerFrameFunctionalGroupsSequence")[frame.frame_index or 0 :][:1],
    ]
    for group in groups:
        yield from items_of(group, "DerivationImageSequence")


def _signs_of_derivation(place: Dataset) -> Iterator[str]:
    for code in items_of(place, "DerivationCodeSequence"):
        value, scheme = (str(element_value(code, name) or "") for name in ("CodeValue", "CodingSchemeDesignator"))
        if scheme != "DCM" or value not in _FILTER_CODES:
            yield f"its derivation code is {value if value.isdecimal() and len(value) == 6 else 'not a known one'}"
    found = _COMPUTED_TEXT.search(str(element_value(place, "DerivationDescription") or "").upper().replace("_", " "))
    if found:
        yield f"its derivation description speaks of {found.group(1)}"


def _signs_of_geometry(frames: Sequence[Frame]) -> list[str]:
    """Return what in the geometry of filtered images speaks of a reformat."""
    signs = []
    if any("3D" in frame.words("MRAcquisitionType") for frame in frames):
        signs.append("was acquired in 3D, as the source of a reformat")
    spacings = (frame.numbers("PixelSpacing") for frame in frames)
    if any(len(pair) == 2 and abs(pair[0] - pair[1]) > _SQUARE * max(pair) for pair in spacings):
        signs.append("has pixels that are not square, as a reformat")
    step_mm, thickness_mm = _step_mm(frames), frames[0].number("SliceThickness")
    if step_mm is not None and thickness_mm is not None and step_mm < _LEAST_STEP * thickness_mm:
        signs.append(f"has slices of {thickness_mm:g} mm every {step_mm:.3g} mm, which overlap as in a reformat")
    return signs


def _step_mm(frames: Iterable[Frame]) -> float | None:
    """Return the usual distance of neighbouring slices; None where the places are not stated."""
    places = [frame.numbers("ImagePositionPatient") for frame in frames]
    cosines = next(iter(frames)).numbers("ImageOrientationPatient")
    if len(cosines) != 6 or any(len(place) != 3 for place in places):
        return None
    depths = sorted(np.array(places) @ np.cross(cosines[:3], cosines[3:]))
    steps = [float(after - before) for before, after in pairwise(depths) if after - before > 0]
    return float(np.median(steps)) if steps else None
