"""A generated case is the same every time, and its truth is what its voxels show."""

import numpy as np
import pytest

from core.labels import (
    EXTERNAL_ILIAC,
    INTERNAL_ILIAC,
    NODE_NEGATIVE,
    NODE_POSITIVE,
    OBTURATOR,
    STATION_LABELS,
)
from core.volume import Volume
from phantom.anatomy import SIDEWALL_TISSUES, TISSUES
from phantom.case import PhantomCase, PhantomOptions, generate_case, plan_case

FULL = PhantomOptions(node_count=6, patient_positive=True, truncated=False)
SEED = 21


@pytest.fixture(scope="module")
def case() -> PhantomCase:
    """Return a positive patient with six nodes."""
    return generate_case(SEED, options=FULL)


@pytest.fixture(scope="module")
def mirrored() -> PhantomCase:
    """Return the same patient, reflected."""
    return generate_case(SEED, options=PhantomOptions(6, True, False, mirrored=True))


def volumes(case: PhantomCase) -> tuple[Volume, ...]:
    return case.image, case.labels, case.node_ids, case.tissues


def test_the_same_seed_gives_the_same_bytes(case: PhantomCase) -> None:
    again = generate_case(SEED, options=FULL)
    for first, second in zip(volumes(case), volumes(again), strict=True):
        assert first.voxels.tobytes() == second.voxels.tobytes()
        assert first.origin_lps_mm == second.origin_lps_mm
    assert (case.nodes, case.acquisition) == (again.nodes, again.acquisition)


def test_another_seed_gives_another_patient(case: PhantomCase) -> None:
    other = plan_case(SEED + 1, options=FULL)
    assert other.nodes != case.nodes
    assert other.acquisition != case.acquisition


def test_the_plan_tells_the_truth_of_the_case(case: PhantomCase) -> None:
    plan = plan_case(SEED, options=FULL)
    assert (plan.nodes, plan.acquisition) == (case.nodes, case.acquisition)
    assert plan.grid.shape == case.image.shape


def test_types_and_geometry(case: PhantomCase) -> None:
    assert [volume.voxels.dtype for volume in volumes(case)] == [np.uint16, np.uint8, np.uint8, np.uint8]
    for volume in volumes(case):
        assert volume.spacing_mm == case.acquisition.spacing_mm
        assert volume.origin_lps_mm == case.image.origin_lps_mm
        np.testing.assert_allclose(np.linalg.det(volume.direction[:, ::-1]), 1.0)
    assert set(np.unique(case.labels.voxels)) == {0, 1, 2, 3, *(_node_label(node.status) for node in case.nodes)}


def test_mirroring_reflects_every_voxel_in_the_patient(case: PhantomCase, mirrored: PhantomCase) -> None:
    for original, reflected in zip(volumes(case), volumes(mirrored), strict=True):
        np.testing.assert_array_equal(reflected.voxels, original.voxels[:, :, ::-1])
    columns = case.image.shape[2]
    index = np.array([[2, 5, 7], [9, 100, 30]])
    opposite = np.column_stack([index[:, :2], columns - 1 - index[:, 2]])
    expected = case.image.index_to_lps_mm(index) * (-1, 1, 1)
    np.testing.assert_allclose(mirrored.image.index_to_lps_mm(opposite), expected, atol=1e-9)


def test_mirroring_swaps_the_sides_of_the_nodes(case: PhantomCase, mirrored: PhantomCase) -> None:
    assert mirrored.acquisition.roll_deg == -case.acquisition.roll_deg
    for original, reflected in zip(case.nodes, mirrored.nodes, strict=True):
        assert {original.side, reflected.side} == {"left", "right"}
        assert reflected.centre_lps_mm == (-original.centre_lps_mm[0], *original.centre_lps_mm[1:])
        assert (original.station, original.short_axis_mm) == (reflected.station, reflected.short_axis_mm)


def test_every_node_has_voxels_around_its_centre(case: PhantomCase) -> None:
    assert [node.id for node in case.nodes] == list(range(1, 7))
    assert case.node_ids.voxels.max() == 6
    for node in case.nodes:
        index = np.argwhere(case.node_ids.voxels == node.id)
        away = case.image.index_to_lps_mm(index.mean(axis=0)) - node.centre_lps_mm
        assert np.abs(away[:2]).max() < 1.0
        assert abs(away[2]) < case.image.spacing_mm[0] / 2


def test_the_label_of_a_node_is_its_status(case: PhantomCase) -> None:
    for node in case.nodes:
        assert set(case.labels.voxels[case.node_ids.voxels == node.id]) == {_node_label(node.status)}
        malignant = node.irregular_border and node.heterogeneous_signal
        assert (node.status == "positive") == (node.short_axis_mm >= 7 or malignant)
    assert not np.isin(case.labels.voxels[case.node_ids.voxels == 0], (NODE_NEGATIVE, NODE_POSITIVE)).any()


@pytest.mark.parametrize("seed", [SEED, 33])
def test_axes_agree_with_the_voxels(seed: int) -> None:
    case = generate_case(seed, options=FULL)
    pixel = case.image.spacing_mm[1]
    for node in case.nodes:
        short, long = _voxel_axes(case.node_ids.voxels == node.id, pixel)
        assert node.short_axis_mm == pytest.approx(short, abs=1.6 * pixel)
        assert node.long_axis_mm >= node.short_axis_mm * 0.98
        assert long > 0


def test_nodes_lie_in_or_beside_their_station_on_their_side(case: PhantomCase) -> None:
    names = {name: value for value, name in STATION_LABELS.items()}
    middle = _middle_x(case)
    for node in case.nodes:
        assert (node.side == "left") == (node.centre_lps_mm[0] > middle)
        index = np.argwhere(case.node_ids.voxels == node.id)
        low = np.maximum(index.min(axis=0) - np.array([1, 4, 4]), 0)
        high = index.max(axis=0) + np.array([2, 5, 5])
        around = case.labels.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        assert (around == names[node.station]).any()


def test_stations_hold_only_fat_and_small_structures(case: PhantomCase) -> None:
    station = np.isin(case.labels.voxels, list(STATION_LABELS))
    found = set(np.unique(case.tissues.voxels[station]))
    assert found <= {TISSUES[name] for name in SIDEWALL_TISSUES}


def test_stations_lie_between_their_borders(case: PhantomCase) -> None:
    """External iliac in front, internal iliac behind and medial, obturator between it and the pelvic wall."""
    labels = case.labels.voxels
    middle = round(float(case.image.lps_mm_to_index((_middle_x(case), 0, 0))[2]))
    compared = 0
    for columns, lateral in ((slice(middle, None), 1), (slice(None, middle), -1)):
        for plane in labels[:, :, columns]:
            rows = {label: np.argwhere(plane == label) for label in STATION_LABELS}
            if min(len(points) for points in rows.values()) < 60:
                continue
            external, obturator, internal = (
                rows[label].mean(axis=0) for label in (EXTERNAL_ILIAC, OBTURATOR, INTERNAL_ILIAC)
            )
            assert external[0] < min(obturator[0], internal[0])
            assert lateral * (obturator[1] - internal[1]) > 0
            compared += 1
    assert compared > 10


def test_the_pelvic_wall_bounds_the_obturator_station(case: PhantomCase) -> None:
    wall = np.isin(case.tissues.voxels, [TISSUES[name] for name in ("muscle", "cortical_bone", "bone_marrow")])
    z, y, x = np.nonzero(case.labels.voxels == OBTURATOR)
    lateral = np.where(x > case.image.lps_mm_to_index((_middle_x(case), 0, 0))[2], 1, -1)
    reach = np.arange(1, round(30 / case.image.spacing_mm[2]))[:, None]
    columns = np.clip(x + reach * lateral, 0, wall.shape[2] - 1)
    assert wall[z, y, columns].any(axis=0).mean() > 0.8


def test_a_heterogeneous_node_varies_more_than_an_even_one() -> None:
    even: list[float] = []
    mixed: list[float] = []
    for seed in range(40, 42):
        case = generate_case(seed, options=PhantomOptions(node_count=8, patient_positive=True))
        fat = float(np.median(case.image.voxels[case.tissues.voxels == TISSUES["pelvic_fat"]]))
        for node in case.nodes:
            if node.short_axis_mm >= 6:
                spread = float(case.image.voxels[case.node_ids.voxels == node.id].std()) / fat
                (mixed if node.heterogeneous_signal else even).append(spread)
    assert min(len(even), len(mixed)) > 2
    assert np.median(mixed) > 1.3 * np.median(even)


def test_tissues_have_the_contrast_of_a_t2_image(case: PhantomCase) -> None:
    signal = {
        name: float(np.median(case.image.voxels[case.tissues.voxels == TISSUES[name]]))
        for name in ("air", "vessel", "muscle", "rectum_wall", "bone_marrow", "pelvic_fat", "bladder")
    }
    assert signal["air"] < signal["muscle"] < signal["rectum_wall"] < signal["bone_marrow"] < signal["pelvic_fat"]
    assert signal["vessel"] < 0.3 * signal["pelvic_fat"]
    assert signal["bladder"] > 0.6 * signal["pelvic_fat"]


@pytest.mark.parametrize("count", [-1, 9])
def test_impossible_counts_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="node_count must be 0 to 8"):
        generate_case(1, options=PhantomOptions(node_count=count))


def test_a_positive_patient_without_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one node"):
        plan_case(1, options=PhantomOptions(node_count=0, patient_positive=True))


def test_a_patient_without_nodes_has_stations_but_no_node_label() -> None:
    case = generate_case(2, options=PhantomOptions(node_count=0))
    assert case.nodes == ()
    assert not case.patient_positive
    assert set(np.unique(case.labels.voxels)) == {0, *STATION_LABELS}


def _node_label(status: str) -> int:
    return NODE_POSITIVE if status == "positive" else NODE_NEGATIVE


def _middle_x(case: PhantomCase) -> float:
    """Return the LPS x of the sacrum-free midline: half way between the centres of both sides' stations."""
    index = np.argwhere(np.isin(case.labels.voxels, list(STATION_LABELS)))
    x = case.image.index_to_lps_mm(index)[:, 0]
    return float((x.min() + x.max()) / 2)


def _voxel_axes(mask: np.ndarray, pixel_mm: float) -> tuple[float, float]:
    """Return the largest width over the slices and that slice's longest diameter, from voxel centres plus one pixel."""
    best = (0.0, 0.0)
    for plane in mask[mask.any(axis=(1, 2))]:
        points = np.argwhere(plane) * pixel_mm
        angles = np.radians(np.arange(0, 180, 3))
        extent = np.ptp(points @ np.array([np.sin(angles), np.cos(angles)]), axis=0) + pixel_mm
        longest = int(extent.argmax())
        best = max(best, (float(extent[(longest + 30) % 60]), float(extent[longest])))
    return best
