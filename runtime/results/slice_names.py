"""Which image a slice is, as the pictures say it: the number that a PACS shows first, then the place."""

import numpy as np
from pydicom.dataset import Dataset

from core.series import FrameReference, Series
from runtime.results.regions import CaseRegions


def slice_names(regions: CaseRegions, series: Series | None) -> tuple[str, ...]:
    """Return e.g. `image 7, slice 27/32` of each canonical slice, from feet to head.

    The first number is the Instance Number (0020,0013) of a classic image, or the frame of a multi-frame one; bare
    voxels, and an image without a number, have their place alone.
    """
    count = regions.image.shape[0]
    places = [f"slice {index + 1}/{count}" for index in range(count)]
    if series is None:
        return tuple(places)
    headers = {str(header.get("SOPInstanceUID", "")): header for header in series.headers}
    canonical = np.broadcast_to(np.arange(count)[:, None, None], regions.image.shape)
    for index, frame in zip(regions.to_source_grid(canonical)[:, 0, 0], series.frames, strict=True):
        number = _number(headers[frame.sop_instance_uid], frame)
        places[index] = f"{number}, {places[index]}" if number else places[index]
    return tuple(places)


def _number(header: Dataset, frame: FrameReference) -> str | None:
    if frame.frame_number is not None:
        return f"frame {frame.frame_number}"
    try:
        return f"image {int(str(header.get('InstanceNumber', '')))}"
    except ValueError:
        return None
