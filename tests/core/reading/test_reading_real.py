"""Real series against geometry by SimpleITK/GDCM and dcm2niix, and against published lesion positions."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from core.errors import CaseRefused, RefusalCode
from core.reading import read_series
from core.reading.files import collect_files
from core.reading.frames import frames_of
from core.reading.geometry import locate
from core.reading.instances import parse_images
from core.reading.limits import DEFAULT_LIMITS
from core.reading.notes import Notes
from core.reading.pixels import decode_slices
from core.volume import Volume, canonicalise

AXIAL_T2 = ("PX0000_t2_tra", "PX0001_t2_tra_series6", "PX0001_t2_tra_series10", "PX0218_t2_tra")
OTHERS = ("PX0000_adc", "PX0000_bval_missing_slice", "PX0000_t2_sag")


def reference(shared_data: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "prostatex_t2/geometry_reference.json").read_text())[name]
    return found


def volume_of_any_series(folder: Path) -> Volume:
    """Return the volume of a series whether or not it is one to analyse."""
    notes = Notes()
    images = parse_images(collect_files(folder, DEFAULT_LIMITS), DEFAULT_LIMITS, notes)
    frames = [frame for image in images for frame in frames_of(image)]
    stack = locate(frames, DEFAULT_LIMITS, notes)
    slices = decode_slices(frames, stack, notes)
    assert stack is not None
    assert slices is not None
    return Volume(slices.voxels, stack.spacing_mm, stack.origin_lps_mm, stack.direction)


def assert_agrees(volume: Volume, expected: dict[str, Any]) -> None:
    """Compare grid (all corners, 1e-3 mm) and stored pixels with what SimpleITK read."""
    columns = np.array(expected["direction"]).reshape(3, 3)
    grid = Volume(
        np.empty(expected["size"][::-1], np.uint8),
        tuple(expected["spacing"][::-1]),
        tuple(expected["origin_lps"]),
        columns[:, ::-1],
    )
    assert volume.same_grid(grid, tolerance_mm=1e-3)
    stored = volume.voxels.astype(np.int16)
    np.testing.assert_array_equal(stored, volume.voxels)
    assert hashlib.sha256(stored.tobytes()).hexdigest() == expected["sha256_int16_zyx"]


@pytest.mark.parametrize("name", AXIAL_T2)
def test_axial_t2_series_agree_with_simpleitk(shared_data: Path, name: str) -> None:
    series = read_series(shared_data / "prostatex_t2" / name)
    assert_agrees(series.volume, reference(shared_data, name))
    assert len(series.headers) == len(series.frames) == series.volume.shape[0]


@pytest.mark.parametrize("name", OTHERS)
def test_series_that_are_refused_are_still_placed_as_simpleitk_places_them(shared_data: Path, name: str) -> None:
    assert_agrees(volume_of_any_series(shared_data / "prostatex_t2" / name), reference(shared_data, name))


@pytest.mark.parametrize("name", AXIAL_T2)
def test_axial_t2_series_agree_with_dcm2niix(shared_data: Path, name: str) -> None:
    volume = read_series(shared_data / "prostatex_t2" / name).volume
    references = json.loads((shared_data / "prostatex_t2/dcm2niix_reference.json").read_text())
    expected = references[f"keep_prostatex_t2_{name}_"]
    assert expected["shape"] == list(volume.shape[::-1])
    assert float(volume.voxels.sum(dtype=np.float64)) == expected["sum"]
    # NIfTI is RAS and dcm2niix stores rows from the bottom: its index (x, y, z) is our (z, rows - 1 - y, x).
    affine = np.array(expected["affine_ras"])
    for index in ((0, 0, 0), (volume.shape[0] - 1, 5, 7), (3, volume.shape[1] - 1, volume.shape[2] - 1)):
        nifti_index = (index[2], volume.shape[1] - 1 - index[1], index[0])
        ras = affine[:3, :3] @ nifti_index + affine[:3, 3]
        np.testing.assert_allclose(volume.index_to_lps_mm(index), ras * (-1, -1, 1), atol=2e-3)


def test_published_findings_land_on_the_published_voxels(shared_data: Path) -> None:
    with (shared_data / "prostatex_t2/published_findings_geometry.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 5
    for row in rows:
        volume = volume_of_any_series(shared_data / "prostatex_t2" / row["series"])
        index = volume.lps_mm_to_index([float(part) for part in row["pos_lps_mm"].split()])[::-1]
        published = np.array([int(part) for part in row["published_ijk"].split()])
        assert np.abs(index - published).max() <= 1.0 + 1e-4, row["series"]
        by_simpleitk = [float(part) for part in row["simpleitk_continuous_index"].split()]
        np.testing.assert_allclose(index, by_simpleitk, atol=2e-3)


def test_a_diffusion_series_with_a_gap_is_refused_with_all_its_reasons(shared_data: Path) -> None:
    with pytest.raises(CaseRefused) as refused:
        read_series(shared_data / "prostatex_t2/PX0000_bval_missing_slice")
    assert {reason.code for reason in refused.value.reasons} == {
        RefusalCode.DERIVED_IMAGE,
        RefusalCode.NOT_T2,
        RefusalCode.TOO_COARSE,
        RefusalCode.MISSING_SLICE,
    }
    message = str(refused.value)
    for part in ("TRACEW", "includes EP", "echo time is 63 ms", "fat-suppressed", "a step of 6.00 mm where 3.00 mm"):
        assert part in message


def test_an_adc_map_and_a_sagittal_series_are_refused_for_what_they_are(shared_data: Path) -> None:
    with pytest.raises(CaseRefused, match="derived_image: the image type says ADC"):
        read_series(shared_data / "prostatex_t2/PX0000_adc")
    with pytest.raises(CaseRefused, match="not_axial: the slices are tilted 90 degrees") as refused:
        read_series(shared_data / "prostatex_t2/PX0000_t2_sag")
    assert len(refused.value.reasons) == 1


def test_two_series_of_the_same_place_are_not_merged(shared_data: Path) -> None:
    folders = [shared_data / "prostatex_t2" / name for name in ("PX0001_t2_tra_series6", "PX0001_t2_tra_series10")]
    with pytest.raises(CaseRefused) as refused:
        read_series([path for folder in folders for path in sorted(folder.iterdir())])
    assert [reason.code for reason in refused.value.reasons] == [RefusalCode.SEVERAL_SERIES]


@pytest.mark.parametrize("lost", [1, 9, 17])
def test_a_series_less_one_slice_is_refused_as_a_gap(real_series: Path, lost: int) -> None:
    paths = sorted(real_series.glob("*.dcm"))
    with pytest.raises(CaseRefused) as refused:
        read_series([path for number, path in enumerate(paths) if number != lost])
    assert [reason.code for reason in refused.value.reasons] == [RefusalCode.MISSING_SLICE]


def test_a_series_less_every_second_slice_is_refused_as_a_gap(real_series: Path) -> None:
    with pytest.raises(CaseRefused, match="missing_slice: slices are 6 mm apart where 3 mm is stated"):
        read_series(sorted(real_series.glob("*.dcm"))[::2])


def test_the_carried_series_reads_without_a_warning_and_points_back_at_its_instances(real_series: Path) -> None:
    series = read_series(real_series)
    assert series.warnings == ()
    assert not series.is_phantom
    for z, (header, frame) in enumerate(zip(series.headers, series.frames, strict=True)):
        assert frame.sop_instance_uid == header.SOPInstanceUID
        assert frame.frame_number is None
        assert "PixelData" not in header
        np.testing.assert_allclose(series.volume.index_to_lps_mm((z, 0, 0)), header.ImagePositionPatient, atol=1e-3)
    source = pydicom.dcmread(next(p for p in real_series.iterdir() if p.name == "1-07.dcm"))
    z = [frame.sop_instance_uid for frame in series.frames].index(source.SOPInstanceUID)
    np.testing.assert_array_equal(series.volume.voxels[z], source.pixel_array)


def test_any_file_order_gives_the_same_series(real_series: Path) -> None:
    paths = sorted(real_series.iterdir())
    first = read_series(paths)
    shuffled = [paths[index] for index in np.random.default_rng(1).permutation(len(paths))]
    second = read_series([path.read_bytes() for path in shuffled])
    assert second.frames == first.frames
    assert second.volume.same_grid(first.volume, tolerance_mm=0)
    np.testing.assert_array_equal(second.volume.voxels, first.volume.voxels)


def test_the_canonical_real_volume_runs_to_head_posterior_and_left(real_series: Path) -> None:
    canonical, _ = canonicalise(read_series(real_series).volume)
    assert [canonical.direction[lps, axis] > 0.9 for axis, lps in enumerate((2, 1, 0))] == [True] * 3


@pytest.mark.parametrize("folder", ["PX0218_j2k", "PX0218_jpegls", "legacy_enhanced_mr_j2k.dcm"])
def test_reencoded_real_series_equal_the_original(shared_data: Path, folder: str) -> None:
    original = read_series(shared_data / "prostatex_t2/PX0218_t2_tra")
    again = read_series(shared_data / "prostatex_derived" / folder)
    np.testing.assert_array_equal(again.volume.voxels, original.volume.voxels)
    assert again.volume.same_grid(original.volume, tolerance_mm=1e-3)
    assert any("tilted 23 degrees" in warning for warning in again.warnings)


def test_frames_of_a_legacy_converted_image_are_numbered_in_its_own_order(shared_data: Path) -> None:
    path = shared_data / "prostatex_derived/legacy_enhanced_mr_j2k.dcm"
    series = read_series(path)
    assert len(series.headers) == 1
    # Its frames run from head to feet, the volume from feet to head.
    assert [frame.frame_number for frame in series.frames] == list(range(20, 0, -1))
    assert {frame.sop_instance_uid for frame in series.frames} == {pydicom.dcmread(path).SOPInstanceUID}
