"""Whether enough of every station was seen to call it free of nodes.

A station that ends within the images must be about as large as the smallest of training. One that reaches the lowest or
the highest slice may go on beyond it: nobody can see where it ends, so that it must be as long as nearly all of
training are. The external iliac station is open by its nature, at both ends and where the inguinal region leaves the
field of view, and counts by its size alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.errors import RefusalCode
from core.findings import Gate, PointLpsMm, StationAssessment
from core.judging.station_reference import DEFAULT_STATION_REFERENCE, StationReference, StationSize
from core.labels import REGIONAL_STATIONS, STATION_LABELS, Station
from core.measuring.midline import MIN_DISTANCE_MM, Midline
from core.measuring.stations import fill_stations
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume

_ENOUGH_SHARE: Final = 0.8
"""Share of the training cases' low quantile that is enough: patients differ more than training cases do."""

_CUT_SHARE: Final = 0.5
"""A regional station whose section on the lowest slice has this share of its largest section is cut off there: both
end within the pelvis, the obturator station at the obturator canal."""

_TRIFLE_SHARE: Final = 0.1
"""A section of less than this share of the largest one is not counted, neither as extent nor as reaching a slice."""

_SIDE_MARGIN_MM: Final = 2.0
"""A station this close to the side of the field of view reaches it: at the edge a model marks a little less."""

_MOST_AT_MIDLINE: Final = 0.05
"""Share of a station within `MIN_DISTANCE_MM` of the midline above which the plane cuts it and is no midline."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class StationProfile:
    """What was seen of one station on one side."""

    side: Literal["left", "right"]
    station: Station
    slices_mm3: FloatArray
    """Volume in each slice (z), from the feet."""

    slice_mm: float
    """Distance of the slices."""

    at_side: bool
    """Whether it reaches the side of the field of view."""

    at_midline: bool
    """Whether the plane that parts the sides runs through it."""

    centroid_lps_mm: PointLpsMm | None
    """None when nothing was seen."""

    @property
    def size(self) -> StationSize:
        """Volume, and extent without trifles."""
        shown = np.flatnonzero(self._shown)
        slices = int(shown[-1] - shown[0]) + 1 if shown.size else 0
        return StationSize(float(self.slices_mm3.sum()), slices * self.slice_mm)

    @property
    def ends_reached(self) -> tuple[str, ...]:
        """Return which of the `lowest` and the `highest` slice it reaches with more than a trifle."""
        shown = self._shown
        return tuple(name for name, reached in (("lowest", shown[0]), ("highest", shown[-1])) if reached)

    @property
    def cut_below(self) -> bool:
        """Whether the lowest slice cuts through it."""
        return bool(self.slices_mm3.any() and self.slices_mm3[0] >= _CUT_SHARE * self.slices_mm3.max())

    @property
    def whole(self) -> bool:
        """Whether it ends within the images on all sides."""
        return bool(self.slices_mm3.any()) and not (self.ends_reached or self.at_side)

    @property
    def _shown(self) -> BoolArray:
        return np.asarray((self.slices_mm3 > 0) & (self.slices_mm3 >= _TRIFLE_SHARE * self.slices_mm3.max()))


def assess_stations(
    segmentation: Segmentation,
    midline: Midline,
    rules: ScoringRules,
    reference: StationReference | None = None,
) -> tuple[StationAssessment, ...]:
    """Return for each side and station whether enough of it was seen to call it free of nodes.

    `reference` says what is enough, None takes the default. Without a trusted midline the sides cannot be told apart
    and nothing counts as assessed.
    """
    profiles = profile_stations(segmentation.labels, midline)
    return tuple(assess_profile(each, rules, reference, midline_trusted=midline.trusted) for each in profiles)


def within_field_of_view(
    assessed: tuple[StationAssessment, ...], gates: Iterable[Gate]
) -> tuple[StationAssessment, ...]:
    """Return the assessments, none of which counts when the gate of the field of view did not pass."""
    if all(gate.outcome == "pass" for gate in gates if gate.code == RefusalCode.FIELD_OF_VIEW.value):
        return assessed
    reason = "the field of view is too small to be sure that all of it was seen"
    return tuple(replace(each, assessed=False, reason=reason) if each.assessed else each for each in assessed)


def profile_stations(labels: Volume, midline: Midline) -> tuple[StationProfile, ...]:
    """Return what was seen of each station, left before right, nodes counting to the station around them."""
    filled = labels.with_voxels(fill_stations(labels.voxels, labels.spacing_mm))
    profiles = []
    for value, station in STATION_LABELS.items():
        index = np.argwhere(filled.voxels == value)
        distance_mm = midline.distance_mm(filled.index_to_lps_mm(index))
        profiles.append(_profile(filled, "left", station, index[distance_mm > 0], midline))
        profiles.append(_profile(filled, "right", station, index[distance_mm <= 0], midline))
    return tuple(sorted(profiles, key=lambda profile: profile.side))


def assess_profile(
    profile: StationProfile, rules: ScoringRules, reference: StationReference | None = None, *, midline_trusted: bool
) -> StationAssessment:
    """Return whether what was seen of one station is enough; `reference` says what is, None takes the default."""
    reason = _reason(profile, rules, reference or DEFAULT_STATION_REFERENCE)
    if not midline_trusted:
        reason = "the midline could not be trusted, so the sides cannot be told apart"
    centroid = profile.centroid_lps_mm if midline_trusted else None
    return StationAssessment(profile.side, profile.station, reason is None, profile.size.volume_mm3, reason, centroid)


def _reason(profile: StationProfile, rules: ScoringRules, reference: StationReference) -> str | None:
    """Return why what was seen is not enough; None when it is."""
    station, size = profile.station, profile.size
    least_mm3 = max(rules.min_station_volume_mm3, _ENOUGH_SHARE * reference.volume_mm3[station])
    least_mm = _ENOUGH_SHARE * reference.extent_mm[station]
    open_mm = reference.open_extent_mm[station]
    if size.volume_mm3 < least_mm3:
        return f"only {size.volume_mm3:.0f} mm3 were seen; at least {least_mm3:.0f} mm3 are needed"
    if profile.at_midline:
        return "the midline runs through it, so the sides cannot be told apart"
    if size.extent_mm < least_mm:
        return f"only {size.extent_mm:.0f} mm along the body were seen; at least {least_mm:.0f} mm are needed"
    if station not in REGIONAL_STATIONS:
        return None
    if profile.at_side:
        return "the side of the field of view cuts through it; it should lie within the images"
    if profile.cut_below:
        return "the lowest slice cuts through it; it should end within the images"
    if profile.ends_reached and size.extent_mm < open_mm:
        ends = " and the ".join(profile.ends_reached)
        return (
            f"it reaches the {ends} slice, and only {size.extent_mm:.0f} mm along the body were seen; at least "
            f"{open_mm:.0f} mm are needed of a station that may go on"
        )
    return None


def _profile(
    filled: Volume,
    side: Literal["left", "right"],
    station: Station,
    index: npt.NDArray[np.intp],
    midline: Midline,
) -> StationProfile:
    """Return the profile of the station that has the voxels `index` (n, 3)."""
    slices_mm3 = np.multiply(np.bincount(index[:, 0], minlength=filled.shape[0]), filled.voxel_volume_mm3)
    if len(index) == 0:
        return StationProfile(side, station, slices_mm3, filled.spacing_mm[0], False, False, None)
    positions = filled.index_to_lps_mm(index)
    x, y, z = (float(value) for value in positions.mean(axis=0))
    near = np.abs(midline.distance_mm(positions)) < MIN_DISTANCE_MM
    return StationProfile(
        side=side,
        station=station,
        slices_mm3=slices_mm3,
        slice_mm=filled.spacing_mm[0],
        at_side=_at_side(index, filled),
        at_midline=float(near.mean()) > _MOST_AT_MIDLINE,
        centroid_lps_mm=(x, y, z),
    )


def _at_side(index: npt.NDArray[np.intp], volume: Volume) -> bool:
    """Return whether voxels (n, 3) come as close to the side of the field of view as `_SIDE_MARGIN_MM`."""
    for axis in (1, 2):
        margin = int(_SIDE_MARGIN_MM / volume.spacing_mm[axis])
        along = index[:, axis]
        if along.min() <= margin or along.max() >= volume.shape[axis] - 1 - margin:
            return True
    return False
