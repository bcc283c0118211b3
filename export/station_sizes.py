"""How much of each station the training cases show, from their label maps."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.judging.station_reference import StationReference, StationSize
from core.labels import Station
from export.cases import image_files, read_image
from export.errors import ExportFailed
from export.references import build_station_reference, whole_sizes


def labels_beside(images: Path) -> Path | None:
    """Return the folder labelsTr beside imagesTr, as nnU-Net lays them; None without one."""
    folder = images.parent / "labelsTr"
    return folder if any(folder.glob("*.nii.gz")) else None


def stations_of(folder: Path, count: int) -> StationReference:
    """Return the reference of up to `count` label maps (labelsTr); raises `ExportFailed` when too few are whole."""
    try:
        return build_station_reference(_sizes(folder, count))
    except ValueError as error:
        raise ExportFailed(f"the label maps in {folder.name} do not fit: {error}") from error


def read_section(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; raises `ExportFailed` when it holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportFailed(f"{path} is not a readable JSON file") from error
    if not isinstance(content, dict):
        raise ExportFailed(f"{path} holds {type(content).__name__}; allowed: an object")
    return content


def plain(reference: StationReference) -> dict[str, Any]:
    """Return the section of the manifest."""
    return asdict(reference)


def _sizes(folder: Path, count: int) -> Iterator[dict[Station, list[StationSize]]]:
    for path in image_files(folder, count):
        labels = read_image(path)
        yield whole_sizes(labels.with_voxels(labels.voxels.astype(np.uint8)))
