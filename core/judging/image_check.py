"""Whether an image is one, slice by slice: what of it cannot be believed, and the gates that say so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from core.counting import counted, named
from core.errors import RefusalCode
from core.findings import Gate
from core.judging.dim_areas import find_dim_areas
from core.judging.flat_areas import DeadZones, find_dead_zones
from core.judging.image_reference import ImageReference
from core.judging.odd_slices import Fault, OddSlices, find_odd_slices
from core.judging.whole_image import WholeImage, examine_whole
from core.volume import Volume

_WITHOUT_IMAGE: Final = frozenset[Fault]({"empty", "dark", "saturated", "few grey levels"})
"""Faults of slices in which areas without signal are no news."""

_TOLD: Final[Mapping[Fault, str]] = {
    "empty": "without any image",
    "dark": "almost without signal",
    "saturated": "saturated",
    "noise": "of noise",
    "few grey levels": "of few grey levels",
    "stripes": "with the stripes of a spike",
    "copy": "that are copies of another slice, or copied",
    "unlike its neighbours": "unlike their neighbours",
    "out of order": "out of their order",
}
"""Fault -> what the slices are, after "slices 3, 4"."""

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ImageCheck:
    """What of a canonical image is no image."""

    odd: OddSlices
    zones: DeadZones
    """Where there is no signal, in slices that are an image otherwise."""

    dim: BoolArray
    """Where (z, y, x) there is next to no signal far around, which in the air and in gas is as it should be: a station
    that reaches there was not seen."""

    whole: WholeImage
    limits: ImageReference

    @property
    def dead(self) -> BoolArray:
        """Where (z, y, x) there is no signal inside the body."""
        return self.zones.inside

    @cached_property
    def unseen(self) -> BoolArray | None:
        """Where (z, y, x) nothing could be seen: dead zones and all of the odd slices; None without any."""
        unseen = self.zones.inside | self.zones.beyond
        if not self.odd.faults and not unseen.any():
            return None
        unseen[list(self.odd.faults)] = True
        return unseen

    @property
    def has_few_levels(self) -> bool:
        """Whether the image as a whole has too few grey levels."""
        return self.odd.grey_levels < self.limits.min_grey_levels

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates of grey levels, slices, areas and the whole; none of them refuses."""
        return (self._levels_gate(), self._slices_gate(), self._zones_gate(), self._whole_gate())

    def _levels_gate(self) -> Gate:
        return Gate(
            code=RefusalCode.GREY_LEVELS.value,
            outcome="warn" if self.has_few_levels else "pass",
            message=(
                f"half of the slices have at most {self.odd.grey_levels:.0f} different grey levels; a verdict needs at "
                f"least {self.limits.min_grey_levels:.0f}, whatever they are multiplied by"
            ),
            score=self.odd.grey_levels,
            threshold=self.limits.min_grey_levels,
        )

    def _slices_gate(self) -> Gate:
        groups = [
            f"{numbered(z for z, own in self.odd.faults.items() if own == fault)} {words}"
            for fault, words in _TOLD.items()
            if fault in self.odd.faults.values()
        ]
        total = len(self.dead)
        return Gate(
            code=RefusalCode.ODD_SLICES.value,
            outcome="warn" if groups else "pass",
            message=(
                f"no image of their place: {'; '.join(groups)} (of {counted(total, 'slice')}, numbered from the feet)"
                if groups
                else f"each of {counted(total, 'slice')} is an image that fits its neighbours"
            ),
            score=float(len(self.odd.faults)),
            threshold=0.0,
        )

    def _zones_gate(self) -> Gate:
        dead = self.zones.inside | self.zones.beyond
        slices = [int(z) for z in np.flatnonzero(dead.any(axis=(1, 2)))]
        share = float(dead.sum(axis=(1, 2)).max(initial=0)) / max(1, dead[0].size)
        return Gate(
            code=RefusalCode.DEAD_ZONES.value,
            outcome="warn" if slices else "pass",
            message=(
                f"there is an area of one value where tissue should be, in {numbered(slices)} of {len(dead)} "
                f"(numbered from the feet), of up to {share:.1%} of a slice"
                if slices
                else "no area without signal lies inside the body"
            ),
            score=share,
            threshold=0.0,
        )

    def _whole_gate(self) -> Gate:
        faults = self.whole.faults
        return Gate(
            code=RefusalCode.IMAGE_ARTEFACTS.value,
            outcome="warn" if faults else "pass",
            message=(
                f"a fault runs through the whole image: {'; '.join(faults)}"
                if faults
                else "neither turned contrast, nor a body wrapped about the border, nor strong copies of it"
            ),
            score=float(len(faults)),
            threshold=0.0,
        )


def examine_image(volume: Volume, limits: ImageReference) -> ImageCheck:
    """Look for slices and areas of a canonical image that are none, and for faults that run through it."""
    odd = find_odd_slices(volume, limits)
    without = [z for z, fault in odd.faults.items() if fault in _WITHOUT_IMAGE]
    if odd.grey_levels < limits.min_grey_levels:  # then areas of one value are everywhere
        without = list(range(volume.shape[0]))
    return ImageCheck(
        odd,
        find_dead_zones(volume, limits.void_signal, without),
        find_dim_areas(volume, limits.dim_signal),
        examine_whole(volume, limits),
        limits,
    )


def numbered(slices: Iterable[int]) -> str:
    """Return indices as people count slices, 1 at the feet, with ranges: `slices 3-7, 9`."""
    numbers = sorted(index + 1 for index in slices)
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    said = [str(a) if a == b else f"{a}-{b}" for a, b in ranges]
    return named("slice", said) if len(numbers) == 1 else f"slices {', '.join(said)}"
