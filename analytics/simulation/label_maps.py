"""Label maps of some simulated cases: ellipsoids where reference and model have nodes; no image is behind them."""

import gzip
from collections.abc import Iterator
from typing import Final

import nibabel.nifti1
import numpy as np
import numpy.typing as npt

from analytics.simulation.cohort import Cohort
from analytics.simulation.findings import LONG_OVER_SHORT
from analytics.simulation.nodes import BoolArray, FloatArray, IntArray
from analytics.simulation.tables import external_rows

NEGATIVE: Final = 4
POSITIVE: Final = 5
"""Values of the paper's labels of nodes (Qiao et al. 2025: blue and yellow)."""

CASES: Final = 12
"""Half of them positive by the reference; those before the others in the table of cases."""

SPACING_MM: Final = (1.0, 1.0, 3.0)
"""x, y, z."""

_LOW_MM: Final = (-80.0, -60.0, -36.0)
_HIGH_MM: Final = (80.0, 60.0, 54.0)
"""What the maps cover in LPS, with room for three standard deviations about every region's middle."""

_HEIGHT_OVER_SHORT: Final = 1.2

LabelArray = npt.NDArray[np.uint8]


def mapped_rows(cohort: Cohort) -> IntArray:
    """Return the rows of the patients whose nodes are drawn, in their order."""
    rows = external_rows(cohort)
    positive = cohort.reference.positive[rows]
    return np.sort(np.concatenate([rows[positive][: CASES // 2], rows[~positive][: CASES // 2]]))


def label_maps(cohort: Cohort) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield row, reference map and model's map, both as gzipped NIfTI, of each patient of `mapped_rows`."""
    nodes, named, places = cohort.nodes, cohort.model_nodes, cohort.places
    found_mm = places.reported_mm[cohort.design.model.name]
    for row in mapped_rows(cohort):
        true, found = nodes.patient == row, named.patient == row
        yield (
            int(row),
            nifti_bytes(drawn(places.true_mm[true], nodes.short_axis_mm[true], nodes.positive[true])),
            nifti_bytes(drawn(found_mm[found], named.short_axis_mm[found], named.positive[found])),
        )


def drawn(centres_mm: FloatArray, short_axis_mm: FloatArray, positive: BoolArray) -> LabelArray:
    """Return labels (x, y, z) of ellipsoids about centres (nodes, 3) in LPS, the shortest axis along x.

    Where two overlap the later one covers the earlier. What lies outside the map is cut off.
    """
    axes = [np.arange(low, high, step) for low, high, step in zip(_LOW_MM, _HIGH_MM, SPACING_MM, strict=True)]
    labels = np.zeros([len(axis) for axis in axes], dtype=np.uint8)
    for centre, short, status in zip(centres_mm, short_axis_mm, positive, strict=True):
        half_mm = np.array([1.0, LONG_OVER_SHORT, _HEIGHT_OVER_SHORT]) * short / 2
        squares = [((axis - at) / half) ** 2 for axis, at, half in zip(axes, centre, half_mm, strict=True)]
        inside = squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :] <= 1.0
        labels[inside] = POSITIVE if status else NEGATIVE
    return labels


def nifti_bytes(labels: LabelArray) -> bytes:
    """Return labels (x, y, z) in LPS as a gzipped NIfTI file, which says that it is simulated and has no date."""
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    # NIfTI's world is RAS: x and y of LPS change their sign.
    affine[:3, 3] = (-_LOW_MM[0], -_LOW_MM[1], _LOW_MM[2])
    image = nibabel.nifti1.Nifti1Image(labels, affine)  # type: ignore[no-untyped-call]
    image.header["descrip"] = b"simulated ellipsoids, no image"
    return gzip.compress(image.to_bytes(), mtime=0)
