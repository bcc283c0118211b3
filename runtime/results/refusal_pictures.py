"""A picture of every reason for which a series was refused while it was read: headers are all there is to draw."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from core.errors import Reason
from core.reading.geometry import DUPLICATE_MM
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.reading.notes import without_library_warnings
from runtime.results.gate_card import CARD_PX, GatePicture, gate_card
from runtime.results.gate_input_views import voxel_panel
from runtime.results.refusal_diagrams import planes_panel
from runtime.results.refusal_facts import SliceFacts, orientations, positions_mm, read_slices
from runtime.results.refusal_positions import positions_panel
from runtime.results.refusal_tables import acquisition_panel, series_panel

Drawing = Callable[[Sequence[SliceFacts]], Image.Image | None]


def refusal_pictures(
    reasons: Iterable[Reason], headers: Sequence[Dataset], limits: ReadingLimits = DEFAULT_LIMITS
) -> tuple[GatePicture, ...]:
    """Return a picture per code of the reasons, in their order; the same arguments give the same pictures.

    `headers` are the refused instances without pixels, empty where none could be read; any of them may be damaged.
    `limits` are those that refused them. Where nothing can be drawn, the picture is a card with the reason in words.
    """
    by_code: dict[str, list[Reason]] = {}
    for reason in reasons:
        by_code.setdefault(str(reason.code), []).append(reason)
    with without_library_warnings():
        slices = read_slices(headers)
        drawings = _DRAWINGS | dict.fromkeys(_OF_ACQUISITION, (partial(acquisition_panel, limits=limits), _ACQUISITION))
        return tuple(
            _draw(code, of_code, slices, *drawings.get(code, (_nothing, ""))) for code, of_code in by_code.items()
        )


def _draw(
    code: str, reasons: Sequence[Reason], slices: Sequence[SliceFacts], drawing: Drawing, what: str
) -> GatePicture:
    message = "; ".join(reason.message for reason in reasons)
    meant = {index + 1 for reason in reasons for index in reason.slices}
    panel = drawing([replace(each, unusable=each.unusable or each.number in meant) for each in slices])
    if panel is None:
        return gate_card(code, "refuse", message, ())
    return gate_card(code, "refuse", message, (panel,), what)


def _nothing(_: Sequence[SliceFacts]) -> None:
    return None


def _unusable_panel(slices: Sequence[SliceFacts]) -> Image.Image | None:
    """Return the places of the slices when only some of them are unusable."""
    marked = [each.unusable for each in slices]
    return positions_panel(slices) if any(marked) else None


def _mixed_geometry_panel(slices: Sequence[SliceFacts]) -> Image.Image | None:
    """Return the planes when they differ, else the places of the slices."""
    groups = orientations(slices)
    alike = len(groups) == 1 and len({_grid(each) for each in groups[0]}) == 1
    return positions_panel(slices) if alike else planes_panel(slices)


def _grid(each: SliceFacts) -> tuple[object, ...]:
    """Return size and pixel spacing of a slice."""
    return () if each.plane is None else (each.plane.shape, *(round(step, 3) for step in each.plane.spacing_mm))


def _resolution_panel(slices: Sequence[SliceFacts]) -> Image.Image | None:
    """Return pixel width and slice distance beside their limits."""
    groups = orientations(slices)
    plane = groups[0][0].plane if groups else None
    if plane is None:
        return None
    steps = np.diff(np.sort(positions_mm(groups[0])))
    steps = steps[steps >= DUPLICATE_MM]
    return voxel_panel(max(plane.spacing_mm), float(np.median(steps)) if len(steps) else None, CARD_PX)


_PLACES: Final = (positions_panel, "places of the slices along their normal")
_UNUSABLE: Final = (_unusable_panel, "places of the slices along their normal, those in red cannot be used")
_PLANES: Final = (planes_panel, "orientation of the planes from the left and from the front")
_ACQUISITION: Final = "acquisition beside what is allowed"
_SERIES: Final = (series_panel, "the series of the input")

_OF_ACQUISITION: Final = ("not_mr", "not_t2", "derived_image")
_DRAWINGS: Final[dict[str, tuple[Drawing, str]]] = {
    "missing_slice": _PLACES,
    "duplicate_slice": _PLACES,
    "missing_geometry": _PLACES,
    "too_few_slices": _PLACES,
    "unreadable_pixels": _UNUSABLE,
    "unsupported_pixels": _UNUSABLE,
    "mixed_geometry": (_mixed_geometry_panel, "geometry of the slices"),
    "not_axial": _PLANES,
    "several_series": _SERIES,
    "no_suitable_series": _SERIES,
    "tied_series": _SERIES,
    "too_coarse": (_resolution_panel, "size of the voxels beside what is allowed"),
}
