"""Instances that came more than once: each is taken once, and what is no repeat is refused.

A repeat is the same instance again, or the same pixels, place and identity under another UID, as archives send a series
that was stored twice.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from core.counting import counted
from core.errors import RefusalCode
from core.reading.elements import element_value
from core.reading.frames import Frame, frames_of
from core.reading.identity import differing_identity
from core.reading.notes import Notes
from core.reading.pixels import decode_instance
from core.volume import FloatArray

_PLACES: Final = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_MEANING: Final = ("FrameOfReferenceUID", "PhotometricInterpretation")
_NUMBERS: Final = {
    "RescaleSlope": 1.0,
    "RescaleIntercept": 0.0,
    "EchoTime": None,
    "EffectiveEchoTime": None,
    "RepetitionTime": None,
}
"""What a slice's values mean, and where: by these, place, pixels and identity two instances are the same. Numbers,
with what stands for an absent one: archives write `1` as `1.000000`, and leave out what changes nothing."""

_STAMPS: Final = (
    "InstanceCreationDate",
    "InstanceCreationTime",
    "InstanceCreatorUID",
    "SourceApplicationEntityTitle",
    "ImplementationClassUID",
    "ImplementationVersionName",
    "TransferSyntaxUID",
)
"""What instances that were sent together may share, and those of another sending not."""

_DECIMALS: Final = 4
_NEAR: Final = 1e-3
"""Difference of coordinates (mm) and cosines that the rounding of an archive explains."""


def without_repeats(images: Sequence[Dataset], notes: Notes) -> list[Dataset]:
    """Return each image once, in the order given, and warn of what came again.

    Of several UIDs at one place the one is taken that belongs to a complete set, so that one such set remains whatever
    the order of the files. One UID with two contents is a reason to refuse; so are different pixels at one
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
    by_place = _by_place(images)
    if all(len(alike) == 1 for alike in by_place):
        return images
    places = {id(image): place for place, alike in enumerate(by_place) for image in alike}
    whole = {id(image) for image in _one_set(images, places)}
    places_of = Counter(_family(image) for image in images)
    dropped: set[int] = set()
    for alike in by_place:
        if len(alike) > 1 and all(_are_same(alike[0], other) for other in alike[1:]):
            _, *others = sorted(alike, key=lambda image: (id(image) not in whole, *_rank(image, places_of)))
            dropped.update(id(other) for other in others)
    return [image for image in images if id(image) not in dropped]


def _one_set(images: Sequence[Dataset], places: Mapping[int, object]) -> Sequence[Dataset]:
    """Return instances that were sent together and lie once at every place; none where nothing tells them.

    What instances that were sent together share comes first: what their UIDs begin with, or a stamp of their sender;
    then that their UIDs were given one after another, and last that their files lie together. Of several such sets the
    one with the least UID is taken, whatever the order of the files.
    """
    shared = [
        [_family(image) for image in images],
        *([_stamp(keyword, image) for image in images] for keyword in _STAMPS),
    ]
    for stamps in shared:
        by_stamp: dict[str, list[Dataset]] = defaultdict(list)
        for stamp, image in zip(stamps, images, strict=True):
            by_stamp[stamp].append(image)
        found = [alike for alike in by_stamp.values() if _is_whole(alike, places)]
        if found:
            return min(found, key=_uids)
    count = len(set(places.values()))
    for order in (sorted(images, key=_uid_numbers), list(images)):
        found = [part for part in (order[:count], order[-count:]) if _is_whole(part, places)]
        if found and len(order) >= 2 * count:
            return min(found, key=_uids)
        if found:  # the set and the part that came again overlap: the join of the two shows
            return min(found, key=lambda part: (_turns(part), _uids(part)))
    return ()


def _is_whole(part: Sequence[Dataset], places: Mapping[int, object]) -> bool:
    """Return whether instances lie once at every place."""
    here = {places[id(image)] for image in part}
    return len(here) == len(part) == len(set(places.values()))


def _turns(part: Sequence[Dataset]) -> int:
    """Return how often instances in a row go back along the body: one set after another does where they join."""
    heights = [frames_of(image)[0].numbers("ImagePositionPatient")[-1:] for image in part]
    ups = [after > before for before, after in pairwise(heights)]
    return sum(one != other for one, other in pairwise(ups))


def _rank(image: Dataset, places_of: Counter[str]) -> tuple[object, ...]:
    return -places_of[_family(image)], _family(image), _uid_numbers(image)


def _uids(part: Sequence[Dataset]) -> list[tuple[tuple[int, str], ...]]:
    return sorted(_uid_numbers(image) for image in part)


def _uid_numbers(image: Dataset) -> tuple[tuple[int, str], ...]:
    """Return a UID to be compared by its numbers: 9 comes before 10."""
    return tuple((len(number), number) for number in _uid(image).split("."))


def _stamp(keyword: str, image: Dataset) -> str:
    return str(element_value(image, keyword) or element_value(image.file_meta, keyword) or "")


def _family(image: Dataset) -> str:
    """Return what the UIDs of instances that were made together share: all but the last component."""
    return _uid(image).rpartition(".")[0]


def _uid(image: Dataset) -> str:
    return str(element_value(image, "SOPInstanceUID") or "")


def _by_place(images: Sequence[Dataset]) -> list[list[Dataset]]:
    """Return the images that lie at one place together; the first of each place says where it is."""
    groups: list[list[Dataset]] = []
    known: dict[object, list[tuple[FloatArray, list[Dataset]]]] = defaultdict(list)
    for image in images:
        kind, numbers = _place(image)
        places = known[kind]
        near = np.flatnonzero([_are_near(numbers, other) for other, _ in places])
        if near.size:
            places[int(near[0])][1].append(image)
        else:
            groups.append([image])
            places.append((numbers, groups[-1]))
    return groups


def _place(image: Dataset) -> tuple[object, FloatArray]:
    """Return what must be equal, and the numbers that must be near, for images to lie at one place.

    An image that does not say where it lies is like no other.
    """
    places = [[number for keyword in _PLACES for number in frame.numbers(keyword)] for frame in frames_of(image)]
    series = str(element_value(image, "SeriesInstanceUID"))
    kind = (series, tuple(map(len, places))) if all(places) else id(image)
    return kind, np.array([number for place in places for number in place])


def _are_near(one: FloatArray, other: FloatArray) -> bool:
    return bool(np.abs(one - other).max(initial=0.0) <= _NEAR)


def _are_same(one: Dataset, other: Dataset) -> bool:
    """Return whether two images have the same place, meaning, identity and pixels."""
    (kind, numbers), (other_kind, other_numbers) = _place(one), _place(other)
    if kind != other_kind or not _are_near(numbers, other_numbers) or differing_identity([one, other]):
        return False
    return _meaning(one) == _meaning(other) and _pixels(one) == _pixels(other)


def _meaning(image: Dataset) -> object:
    return [
        (
            *(frame.text(keyword) for keyword in _MEANING),
            *(_number(frame, keyword, absent) for keyword, absent in _NUMBERS.items()),
        )
        for frame in frames_of(image)
    ]


def _number(frame: Frame, keyword: str, absent: float | None) -> object:
    """Return a number to compare; what is none stays the text that it is."""
    if not frame.text(keyword):
        return absent
    number = frame.number(keyword)
    return frame.text(keyword) if number is None else round(number, _DECIMALS)


def _pixels(image: Dataset) -> object:
    """Return a digest of the stored values; images whose pixels cannot be decoded are like no other."""
    stored = decode_instance(image)
    return id(image) if stored is None else hashlib.sha256(np.ascontiguousarray(stored, "<i8").tobytes()).hexdigest()
