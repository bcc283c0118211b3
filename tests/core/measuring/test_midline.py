"""The midline follows the anatomy, wherever the patient lies in the field of view."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from core.measuring.midline import Midline, fit_midline
from core.volume import Volume, canonicalise
from tests.core.bodies import body_image, grid, segmentation


def _fit(volume: Volume, station_labels: np.ndarray | None = None) -> Midline:
    nothing = np.zeros(volume.shape, dtype=np.float32)
    labels = np.zeros(volume.shape, dtype=np.uint8) if station_labels is None else station_labels
    return fit_midline(volume, segmentation(volume, nothing, station_labels=labels))


@pytest.mark.parametrize(("offset_mm", "roll_deg"), [(0, 0), (40, 10), (40, -10), (-40, 10), (-23, -4)])
@pytest.mark.parametrize("shape", [(9, 96, 96), (8, 83, 120)])
def test_an_off_centre_rolled_body_is_found(offset_mm: float, roll_deg: float, shape: tuple[int, int, int]) -> None:
    volume = grid(shape, (5.0, 2.4, 2.4))
    midline = _fit(volume.with_voxels(body_image(volume, offset_mm, roll_deg)))
    roll = np.radians(roll_deg)
    normal = np.array([np.cos(roll), np.sin(roll), 0])
    along = np.array([-np.sin(roll), np.cos(roll), 0])
    on_the_plane = np.array([offset_mm, 0, 0]) + np.outer([-50, 0, 50], along)
    assert midline.trusted
    assert np.abs(midline.distance_mm(on_the_plane)).max() < 3.0
    assert np.degrees(np.arccos(np.dot(midline.normal_lps, normal))) < 2.0


def test_the_left_of_the_plane_is_the_left_of_the_patient() -> None:
    volume = grid((9, 96, 96), (5.0, 2.4, 2.4))
    midline = _fit(volume.with_voxels(body_image(volume, 30, 5)))
    assert midline.side_of((30 + 60, 0, 0)) == "left"
    assert midline.side_of((30 - 60, 0, 0)) == "right"
    assert midline.side_of((30, 0, 0)) == "unknown"


def test_the_midline_of_a_real_series_runs_through_linea_alba_and_coccyx(real_series: Path) -> None:
    volume = _read(real_series)
    midline = _fit(volume)
    # Read off the middle slice by eye: (z, y, x) indices.
    linea_alba, coccyx = volume.index_to_lps_mm([(9, 52, 174), (9, 368, 192)])
    assert midline.trusted
    assert abs(float(midline.distance_mm(linea_alba))) < 6.0
    assert abs(float(midline.distance_mm(coccyx))) < 6.0


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_without_anatomy_the_plane_is_not_trusted_and_every_side_is_unknown(scale: float) -> None:
    volume = grid((12, 96, 96), (5.0, 2.0, 2.0))
    noise = np.random.default_rng(3).normal(100, scale, volume.shape).astype(np.float32)
    midline = _fit(volume.with_voxels(noise))
    assert not midline.trusted
    assert midline.side_of((80.0, 0.0, 0.0)) == "unknown"


def test_stations_on_one_side_only_make_the_plane_untrustworthy() -> None:
    volume = grid((9, 96, 96), (5.0, 2.4, 2.4))
    labels = np.zeros(volume.shape, dtype=np.uint8)
    labels[2:6, 30:50, 65:75] = 2
    assert not _fit(volume.with_voxels(body_image(volume, 0, 0)), labels).trusted
    labels[2:6, 30:50, 20:30] = 2
    assert _fit(volume.with_voxels(body_image(volume, 0, 0)), labels).trusted


def test_mirroring_the_image_mirrors_the_plane() -> None:
    volume = grid((9, 96, 96), (5.0, 2.4, 2.4))
    image = body_image(volume, 25, 6)
    plain, mirrored = (_fit(volume.with_voxels(voxels)) for voxels in (image, image[:, :, ::-1]))
    x, y, z = plain.point_lps_mm
    assert abs(float(mirrored.distance_mm((-x, y, z)))) < 1.0
    assert np.dot(mirrored.normal_lps, np.multiply(plain.normal_lps, [1, -1, -1])) > np.cos(np.radians(1.0))


def _read(folder: Path) -> Volume:
    slices = sorted((pydicom.dcmread(path) for path in folder.iterdir()), key=lambda s: s.ImagePositionPatient[2])
    orientation = np.array(slices[0].ImageOrientationPatient, dtype=float)
    first, second = (np.array(s.ImagePositionPatient, dtype=float) for s in slices[:2])
    distance = float(np.linalg.norm(second - first))
    rows, columns = (float(v) for v in slices[0].PixelSpacing)
    return canonicalise(
        Volume(
            np.stack([s.pixel_array for s in slices]).astype(np.float32),
            (distance, rows, columns),
            (float(first[0]), float(first[1]), float(first[2])),
            np.column_stack([(second - first) / distance, orientation[3:], orientation[:3]]),
        )
    )[0]
