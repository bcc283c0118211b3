"""Instances that came more than once: each is taken once, and what is no repeat is refused.

A repeat is the same instance again, or the same pixels, place and identity under another UID, as archives send a series
that was stored twice.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from runtime.core.counting import counted
from runtime.core.errors import RefusalCode
from runtime.core.reading.elements import element_value
from runtime.core.reading.frames import frames_of
from runtime.core.reading.identity import differing_identity
from runtime.core.reading.notes import Notes
from runtime.core.reading.pixels import decode_instance

_PLACES: Final = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_MEANING: Final = (
    "FrameOfReferenceUID",
    "RescaleSlope",
    "RescaleIntercept",
    "PhotometricInterpretation",
    "EchoTime",
    "EffectiveEchoTime",
    "RepetitionTime",
)
"""What a slice's values mean, and where: by these, place, pixels and identity two instances are the same."""

_DECIMALS: Final = 4


def without_repeats(images: Sequence[Dataset], notes: Notes) -> list[Dataset]:
    """Return each image once, in the order given, and warn of what came again.

    Of several UIDs at one place the one is taken whose like are at most places, so that one complete set remains
    whatever the order of the files. One UID with two contents is a reason to refuse; so are different pixels at one
    place, which the geometry tells.
    """
    once = _without_same_uids(images, notes)
    kept = _without_same_contents(once)
    repeated = len(images) - len(kept)
    if repeated:
        notes.warn(f"sent twice: {counted(repeated, 'instance')} came again with the same content; each is taken once")
    return kept


def _without_same_uids(images: Sequence[Dataset], notes: Notes) -> list[Dataset]:
    by_uid: dict[str, list[Dataset]] = defaultdict(list)
    for image in images:
        by_uid[str(element_value(image, "SOPInstanceUID") or id(image))].append(image)
    differing = 0
    dropped: set[int] = set()
    for first, *others in by_uid.values():
        if others and not all(_are_same(first, other) for other in others):
            differing += 1
        else:
            dropped.update(id(other) for other in others)
    if differing:
        notes.refuse(
            RefusalCode.DUPLICATE_SLICE,
            f"{counted(differing, 'SOP instance UID')} with several contents; allowed: one content for each UID",
        )
    return [image for image in images if id(image) not in dropped]


def _without_same_contents(images: list[Dataset]) -> list[Dataset]:
    by_place: dict[object, list[Dataset]] = defaultdict(list)
    for image in images:
        by_place[_place(image)].append(image)
    if all(len(alike) == 1 for alike in by_place.values()):
        return images
    places_of = Counter(_family(image) for image in images)
    dropped: set[int] = set()
    for alike in by_place.values():
        if len(alike) > 1 and all(_are_same(alike[0], other) for other in alike[1:]):
            _, *others = sorted(alike, key=lambda image: (-places_of[_family(image)], _family(image), _uid(image)))
            dropped.update(id(other) for other in others)
    return [image for image in images if id(image) not in dropped]


def _family(image: Dataset) -> str:
    """Return what the UIDs of instances that were made together share: all but the last component."""
    return _uid(image).rpartition(".")[0]


def _uid(image: Dataset) -> str:
    return str(element_value(image, "SOPInstanceUID") or "")


def _place(image: Dataset) -> object:
    """Return where the frames of an image lie, to compare; an image that does not say is like no other."""
    places = tuple(
        tuple(round(number, _DECIMALS) for keyword in _PLACES for number in frame.numbers(keyword))
        for frame in frames_of(image)
    )
    return (str(element_value(image, "SeriesInstanceUID")), places) if all(places) else id(image)


def _are_same(one: Dataset, other: Dataset) -> bool:
    """Return whether two images have the same place, meaning, identity and pixels."""
    if _place(one) != _place(other) or differing_identity([one, other]):
        return False
    return _meaning(one) == _meaning(other) and _pixels(one) == _pixels(other)


def _meaning(image: Dataset) -> object:
    return [tuple(frame.text(keyword) for keyword in _MEANING) for frame in frames_of(image)]


def _pixels(image: Dataset) -> object:
    """Return a digest of the stored values; images whose pixels cannot be decoded are like no other."""
    stored = decode_instance(image)
    return id(image) if stored is None else hashlib.sha256(np.ascontiguousarray(stored, "<i8").tobytes()).hexdigest()
