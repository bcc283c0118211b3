"""Dice, surface Dice and Hausdorff distance: surface-distance's known numbers, worked masks, nodes, files."""

import json
import math
from pathlib import Path
from typing import Any

import nibabel
import nibabel.nifti1
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.segmentation.label_map import LabelMapUnusable, check_same_grid, read_label_map
from analytics.segmentation.overlap import (
    compare_label_maps,
    compare_masks,
    compare_nodes,
    component_iou,
    components,
    dice,
    summarise,
)
from analytics.segmentation.pieces import piece_areas_mm2
from analytics.segmentation.surface import surface_distances
from tests.fixtures.drawing import examples

Mask = npt.NDArray[np.bool_]


def _masks(shape: tuple[int, int, int], true: Any, found: Any) -> tuple[Mask, Mask]:
    masks = np.zeros((2, *shape), dtype=np.bool_)
    masks[0][true], masks[1][found] = True, True
    return masks[0], masks[1]


PAIRS = {
    "3D two voxels 2 mm apart: gt[50,60,70], pred[50,60,72], 128^3": _masks((128,) * 3, (50, 60, 70), (50, 60, 72)),
    "3D two slabs: gt[0:50], pred[0:51], 100^3": _masks((100,) * 3, slice(50), slice(51)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_distances_have_the_numbers_of_the_surface_distance_package(name: str, shared_data: Path) -> None:
    known = json.loads((shared_data / "metrics" / "surface_distance_known_numbers.json").read_text())
    (case,) = (each for each in known["surface_distance_repo_known_numbers"]["cases"] if each["name"] == name)
    distances, got = surface_distances(*PAIRS[name], tuple(case["spacing"])), case["got"]
    assert distances.mean_mm() == pytest.approx(got["asd"], rel=1e-9)
    assert distances.surface_dice(1.0) == pytest.approx(got["nsd1"], rel=1e-9)
    assert [distances.hausdorff_mm(percent) for percent in (95, 100)] == [got["hd95"], got["hd100"]]
    assert dice(*PAIRS[name]) == pytest.approx(got["dice"], rel=1e-9)


def test_empty_masks_have_the_values_of_the_surface_distance_package(shared_data: Path) -> None:
    known = json.loads((shared_data / "metrics" / "surface_distance_known_numbers.json").read_text())
    rules = known["surface_distance_repo_known_numbers"]["empty_mask_conventions"]
    some, empty = _masks((6, 6, 6), (slice(2, 4),) * 3, ())
    empty[:] = False
    for name, masks in {
        "empty_pred": (some, empty),
        "empty_gt": (empty, some),
        "both_empty": (empty, empty),
    }.items():
        distances, rule = surface_distances(*masks, (1, 1, 1)), rules[name]
        found = [*distances.mean_mm(), distances.hausdorff_mm(), distances.surface_dice(1), dice(*masks)]
        expected = [float(each) for each in (*rule["asd"], rule["hd"], rule["nsd1"], rule["dice"])]
        assert found == pytest.approx(expected, nan_ok=True), name
        assert compare_masks(*masks, (1, 1, 1), 1.0).empty == (2 if name == "both_empty" else 1)


def test_pieces_of_surface_have_the_areas_worked_by_hand() -> None:
    areas = piece_areas_mm2((3.0, 2.0, 1.0))
    # One voxel cuts a triangle through the middles of three edges: half the root of the squared faces' quarters.
    corner = 0.5 * math.sqrt((3 * 2 / 4) ** 2 + (3 * 1 / 4) ** 2 + (2 * 1 / 4) ** 2)
    assert areas[[0, 255]].tolist() == [0, 0]
    assert areas[[1, 2, 4, 128, 254, 127]] == pytest.approx(corner)
    assert areas[0b00001111] == pytest.approx(2 * 1)
    assert areas[0b00110011] == pytest.approx(3 * 1)
    assert areas[0b01010101] == pytest.approx(3 * 2)
    assert areas[0b10000001] == pytest.approx(2 * corner)


def test_areas_are_those_of_scikit_image_wherever_its_classic_marching_cubes_is_not_ambiguous() -> None:
    measure = pytest.importorskip("skimage.measure")
    codes = [code for code in range(1, 255) if bin(code).count("1") <= 4]
    ours = piece_areas_mm2((3.0, 0.5, 0.7))
    for code in codes:
        cube = np.array([code >> bit & 1 for bit in range(8)], dtype=np.float32).reshape(2, 2, 2)
        corners, faces, _, _ = measure.marching_cubes(cube, 0.5, spacing=(3.0, 0.5, 0.7), method="lorensen")
        assert ours[code] == pytest.approx(measure.mesh_surface_area(corners, faces), rel=1e-5), bin(code)


def test_a_plate_shifted_by_a_slice_agrees_only_from_that_tolerance_on() -> None:
    lower, upper = _masks((8, 40, 40), slice(2, 4), slice(3, 5))
    distances = surface_distances(lower, upper, (2, 1, 1))
    assert distances.surface_dice(1) < 0.2
    assert distances.surface_dice(2) == 1.0
    assert distances.hausdorff_mm(100) == 2.0


def test_structures_are_compared_by_the_labels_that_make_them() -> None:
    reference, found = np.zeros((2, 6, 6, 6), dtype=np.int64)
    reference[1:3], reference[3:5] = 1, 2
    found[1:3], found[3:4] = 1, 2
    result = compare_label_maps(reference, found, (1, 1, 1), {"one": [1], "both": [1, 2], "none": [7]})
    assert (result["one"].dice, result["one"].hd95_mm) == (1.0, 0.0)
    assert result["both"].dice == pytest.approx(2 * 3 / (4 + 3))
    assert (result["both"].reference_mm3, result["both"].found_mm3) == (4 * 36, 3 * 36)
    assert math.isnan(result["none"].dice)
    assert result["none"].empty == 2


def test_nodes_are_matched_by_overlap_and_compared_in_pairs() -> None:
    reference, found = np.zeros((2, 10, 20, 20), dtype=np.bool_)
    reference[2:5, 2:6, 2:6] = True
    reference[2:5, 12:16, 2:6] = True
    found[2:5, 2:6, 3:7] = True
    found[7:9, 2:4, 14:16] = True
    nodes = compare_nodes(reference, found, (1, 1, 1))
    assert (nodes.true_nodes, nodes.found_nodes) == (2, 2)
    (pair,) = nodes.matching.pairs
    assert pair.value == pytest.approx(3 / 5)
    assert (len(nodes.matching.missed), len(nodes.matching.false)) == (1, 1)
    assert nodes.agreements[0].dice == pytest.approx(2 * 3 / 8)
    nothing = compare_nodes(np.zeros_like(found), np.zeros_like(found), (1, 1, 1))
    assert (nothing.true_nodes, nothing.found_nodes, nothing.agreements) == (0, 0, ())


def test_touching_corners_make_one_component_and_overlaps_are_shares_of_the_union() -> None:
    mask = np.zeros((3, 3, 3), dtype=np.bool_)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert components(mask).max() == 1
    assert component_iou(np.array([[[1, 1, 0, 2]]]), np.array([[[0, 1, 1, 0]]])).tolist() == [[1 / 3], [0.0]]


def test_a_summary_leaves_out_what_is_undefined_or_infinite_and_says_so() -> None:
    mean = summarise([0.5, 0.7, math.nan, math.inf], ["a", "b", "c", "d"], "Dice")
    assert mean.value == pytest.approx(0.6)
    assert (mean.n, mean.note) == (2, "2 undefined or infinite values left out")
    nothing = summarise([math.nan], ["a"], "Dice")
    assert (nothing.defined, nothing.note) == (False, "not defined: no finite value")


def test_a_nifti_file_is_read_in_z_y_x_and_grids_are_compared(tmp_path: Path) -> None:
    labels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    affine = np.diag([0.5, 0.6, 3.0, 1.0])
    nibabel.nifti1.Nifti1Image(labels, affine).to_filename(tmp_path / "map.nii.gz")  # type: ignore[no-untyped-call]
    affine[0, 3] = 0.1
    nibabel.nifti1.Nifti1Image(labels, affine).to_filename(tmp_path / "moved.nii.gz")  # type: ignore[no-untyped-call]
    one, moved = (read_label_map(tmp_path / name) for name in ("map.nii.gz", "moved.nii.gz"))
    assert one.labels.shape == (4, 3, 2)
    assert one.labels[1, 2, 0] == labels[0, 2, 1]
    assert one.spacing_mm == pytest.approx((3.0, 0.6, 0.5))
    check_same_grid(one, one)
    with pytest.raises(LabelMapUnusable, match=r"grids that differ by up to 0\.1 mm"):
        check_same_grid(one, moved)


def test_what_is_no_label_map_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.nii").write_bytes(b"nothing")
    with pytest.raises(LabelMapUnusable, match=r"broken\.nii is not a readable NIfTI file"):
        read_label_map(tmp_path / "broken.nii")
    halves = nibabel.nifti1.Nifti1Image(np.full((2, 2, 2), 0.5, dtype=np.float32), np.eye(4))  # type: ignore[no-untyped-call]
    halves.to_filename(tmp_path / "halves.nii")
    with pytest.raises(LabelMapUnusable, match=r"halves\.nii holds values that are no whole numbers"):
        read_label_map(tmp_path / "halves.nii")
    flat = nibabel.nifti1.Nifti1Image(np.zeros((2, 2, 2), dtype=np.uint8), np.eye(4))  # type: ignore[no-untyped-call]
    flat.header["pixdim"][3] = math.nan
    flat.to_filename(tmp_path / "flat.nii")
    with pytest.raises(LabelMapUnusable, match=r"flat\.nii has voxels of 1 x 1 x nan mm; positive numbers are allowed"):
        read_label_map(tmp_path / "flat.nii")
    mask = np.zeros((2, 2, 2), dtype=np.bool_)
    with pytest.raises(ValueError, match=r"masks have shapes \(2, 2, 2\) and \(2, 2, 1\)"):
        surface_distances(mask, mask[..., :1], (1, 1, 1))
    with pytest.raises(ValueError, match=r"spacing_mm is \(1, 0, 1\); three positive numbers"):
        surface_distances(mask, mask, (1, 0, 1))
    with pytest.raises(ValueError, match="percent is 101; it must lie from 0 to 100"):
        surface_distances(mask, mask, (1, 1, 1)).hausdorff_mm(101)


@examples(30)
@given(st.binary(min_size=27, max_size=27), st.binary(min_size=27, max_size=27))
def test_agreement_does_not_depend_on_which_mask_is_called_the_reference(first: bytes, second: bytes) -> None:
    one, two = (np.frombuffer(each, dtype=np.uint8).reshape(3, 3, 3) > 150 for each in (first, second))
    there, back = compare_masks(one, two, (3, 1, 1), 1.0), compare_masks(two, one, (3, 1, 1), 1.0)
    for name in ("dice", "surface_dice", "hd95_mm"):
        assert getattr(there, name) == pytest.approx(getattr(back, name), nan_ok=True)
    same = compare_masks(one, one, (3, 1, 1), 1.0)
    assert one.sum() == 0 or (same.dice, same.surface_dice, same.hd95_mm) == (1.0, 1.0, 0.0)
