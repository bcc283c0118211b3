"""What two hundred patients are like together: counts, sizes, statuses, ranges of the acquisition."""

import dataclasses

import numpy as np
import pytest

from phantom.case import CasePlan, PhantomOptions, plan_case
from phantom.nodes import measure_blob
from phantom.shapes import Blob

SEEDS = range(1000, 1200)


@pytest.fixture(scope="module")
def plans() -> list[CasePlan]:
    """Return the plans of all seeds."""
    return [plan_case(seed) for seed in SEEDS]


def test_about_half_of_the_patients_are_positive(plans: list[CasePlan]) -> None:
    assert 0.4 <= np.mean([plan.patient_positive for plan in plans]) <= 0.6


def test_nodes_are_few_small_and_large(plans: list[CasePlan]) -> None:
    assert {len(plan.nodes) for plan in plans} == set(range(9))
    short = np.array([node.short_axis_mm for plan in plans for node in plan.nodes])
    assert short.min() >= 3
    assert short.max() <= 15
    assert 0.42 <= np.mean(short < 7) <= 0.58


def test_status_follows_the_rule_and_small_positive_nodes_exist(plans: list[CasePlan]) -> None:
    nodes = [node for plan in plans for node in plan.nodes]
    for node in nodes:
        malignant = node.irregular_border and node.heterogeneous_signal
        assert (node.status == "positive") == (node.short_axis_mm >= 7 or malignant)
    assert sum(node.status == "positive" and node.short_axis_mm < 7 for node in nodes) >= 20


def test_all_stations_and_sides_hold_nodes(plans: list[CasePlan]) -> None:
    nodes = [node for plan in plans for node in plan.nodes]
    for station in ("external_iliac", "obturator", "internal_iliac"):
        for side in ("left", "right"):
            share = np.mean([(node.station, node.side) == (station, side) for node in nodes])
            assert 0.08 < share < 0.28


def test_three_look_alikes_come_with_every_node(plans: list[CasePlan]) -> None:
    assert all(len(plan.look_alikes) >= max(3 * len(plan.nodes), 6) for plan in plans)


def test_look_alikes_overlap_the_nodes_in_signal_and_size(plans: list[CasePlan]) -> None:
    signal = np.array([part.signal for plan in plans for part in plan.look_alikes], dtype=float)
    nodes = np.array([node.signal for plan in plans for node in plan.planned])
    assert np.percentile(signal, 25) < np.median(nodes) < np.percentile(signal, 75)
    widths = np.array([_width(part.shape) for plan in plans for part in plan.look_alikes])
    short = np.array([node.short_axis_mm for plan in plans for node in plan.nodes])
    assert np.mean((widths > np.percentile(short, 5)) & (widths < np.percentile(short, 95))) > 0.7


def test_the_acquisition_varies_within_its_ranges(plans: list[CasePlan]) -> None:
    spacing = np.array([plan.acquisition.spacing_mm for plan in plans])
    assert 3.0 <= spacing[:, 0].min() < 3.3
    assert 4.7 < spacing[:, 0].max() <= 5.0
    assert spacing[:, 1].min() >= 0.4
    assert spacing[:, 1].max() <= 0.9
    assert {plan.grid.shape[1] for plan in plans} == {256, 288, 320, 352, 384}
    assert {24, 36} <= {plan.grid.shape[0] for plan in plans} <= set(range(24, 37))
    for plan in plans:
        one = plan.acquisition
        assert one.slice_thickness_mm + one.gap_mm == pytest.approx(one.spacing_mm[0])


def test_patients_lie_off_centre_and_rolled(plans: list[CasePlan]) -> None:
    shift = np.array([plan.grid.pose.offset_lps_mm[:2] for plan in plans])
    roll = np.array([plan.acquisition.roll_deg for plan in plans])
    assert 30 < np.abs(shift).max() <= 40
    assert 7 < np.abs(roll).max() <= 10
    assert 0.1 < np.mean([plan.acquisition.truncated for plan in plans]) < 0.3


def test_options_are_kept() -> None:
    for seed in range(6):
        plan = plan_case(seed, options=PhantomOptions(node_count=3, patient_positive=seed % 2 == 0, truncated=True))
        assert len(plan.nodes) == 3
        assert plan.patient_positive == (seed % 2 == 0)
        assert plan.acquisition.truncated


def test_ghosts_can_be_forced_and_nothing_else_changes() -> None:
    for seed in range(2):
        drawn = plan_case(seed).acquisition
        without, over = (plan_case(seed, options=PhantomOptions(ghosts=ghosts)).acquisition for ghosts in (False, True))
        assert without == dataclasses.replace(drawn, ghost_amplitude=0.0)
        assert over == dataclasses.replace(drawn, ghost_amplitude=over.ghost_amplitude)
        assert 0.01 <= over.ghost_amplitude <= 0.06
        assert drawn.ghost_amplitude in (0.0, over.ghost_amplitude)


def test_a_sphere_through_a_plane_measures_its_diameter() -> None:
    grid = plan_case(3).grid
    middle = grid.index_to_body((12, grid.shape[1] / 2, grid.shape[2] / 2))
    sphere = Blob(middle, np.eye(3), np.full(3, 4.0), np.zeros((0, 4)), 0.0)
    assert measure_blob(sphere, grid) == pytest.approx((8.0, 8.0), abs=0.15)
    between = sphere.moved(grid.index_to_body((12.5, 100, 100))).scaled(0.3)
    assert measure_blob(between, grid) is None


def test_an_ellipsoid_measures_its_own_axes() -> None:
    grid = plan_case(3).grid
    middle = grid.index_to_body((12, grid.shape[1] / 2, grid.shape[2] / 2))
    axes = (grid.pose.to_body_mm(grid.direction.T[[2, 1, 0]]) - grid.pose.to_body_mm(np.zeros(3))).astype(float)
    ellipsoid = Blob(middle, axes, np.array([6.0, 3.0, 4.0]), np.zeros((0, 4)), 0.0)
    assert measure_blob(ellipsoid, grid) == pytest.approx((6.0, 12.0), abs=0.2)


def _width(shape: object) -> float:
    if isinstance(shape, Blob):
        return 2 * float(shape.semi_axes_mm.min())
    return 2 * float(shape.radii_mm.mean())  # type: ignore[attr-defined]
