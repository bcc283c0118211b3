"""Nodes of known size, place and signal are found, measured and scored."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from core.findings import NodeFeatures
from core.labels import Station
from core.measuring.measurement import contour_level
from core.measuring.midline import Midline
from core.measuring.nodes import MeasuredNodes, combine_status, find_nodes, status_by_rule, tracking_uid
from core.rules import CaseRules, ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume, canonicalise
from tests.core.bodies import grid, segmentation, soft_ellipsoid
from tests.fixtures.volumes import flip, mirror_header

RULES = ScoringRules()
MIDLINE = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.9, trusted=True)
VOLUME = grid((9, 110, 132), (3.3, 0.8, 0.8))


def _find(
    segmented: Segmentation, *, midline: Midline = MIDLINE, demonstration: bool = False, rules: ScoringRules = RULES
) -> MeasuredNodes:
    return find_nodes(segmented.labels, segmented, midline, rules, tracking_seed="1.2.3", demonstration=demonstration)


def _posterior(*bodies: tuple[tuple[float, float, float], tuple[float, float, float]]) -> np.ndarray:
    posterior: np.ndarray = np.max([soft_ellipsoid(VOLUME, centre, axes) for centre, axes in bodies], axis=0)
    return posterior


def test_side_station_size_and_order_of_four_nodes() -> None:
    posterior = _posterior(
        ((-35, 0, -6.6), (4.5, 6, 7)),
        ((30, -24, 6.6), (2, 3, 5)),
        ((-30, 20, 6.6), (2.5, 3, 5)),
        ((33, 20, -9.9), (5, 6, 6)),
    )
    found = _find(segmentation(VOLUME, posterior))
    assert [(n.id, n.side, n.station, n.regional) for n in found.nodes] == [
        (1, "right", "internal_iliac", True),
        (2, "left", "external_iliac", False),
        (3, "right", "obturator", True),
        (4, "left", "internal_iliac", True),
    ]
    assert [n.short_axis_mm for n in found.nodes] == pytest.approx([5, 4, 9, 10], abs=0.3)
    assert [n.long_axis_mm for n in found.nodes] == pytest.approx([6, 6, 12, 12], abs=0.4)
    assert found.nodes[2].centroid_lps_mm == pytest.approx((-35, 0, -6.6), abs=0.3)
    assert found.nodes[2].volume_mm3 == pytest.approx(4 / 3 * np.pi * 4.5 * 6 * 7, rel=0.05)
    assert found.warnings == tuple(
        f"node {number} is cut by the edge of the images: its size is a lower bound" for number in (3, 4)
    )
    for node in found.nodes:
        index = tuple(np.round(VOLUME.lps_mm_to_index(node.centroid_lps_mm)).astype(int))
        assert found.instances.voxels[index] == node.id
    assert set(np.unique(found.instances.voxels)) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("station", "short_mm", "by_model", "expected"),
    [
        ("obturator", 6.0, "negative", "negative"),
        ("obturator", 6.0, "positive", "positive"),
        ("obturator", 8.0, "negative", "positive"),
        ("obturator", 8.0, "positive", "positive"),
        ("obturator", 6.6, "positive", "borderline"),
        ("obturator", 7.4, "negative", "borderline"),
        ("obturator", 6.5, "negative", "negative"),
        ("obturator", 7.5, "negative", "positive"),
        (None, 9.0, "positive", "indeterminate"),
    ],
)
def test_status_by_size_and_model(station: object, short_mm: float, by_model: object, expected: str) -> None:
    by_rule = "positive" if short_mm >= 7 else "negative"
    assert combine_status(station, short_mm, by_rule, by_model, RULES) == expected  # type: ignore[arg-type]


def test_the_two_opinions_are_reported_beside_the_combined_status() -> None:
    posterior = _posterior(((-35, 0, 0), (4.5, 6, 7)), ((35, 0, 0), (2.5, 3, 5)))
    share = np.where(np.arange(VOLUME.shape[2]) < 66, 0.1, 0.8).astype(np.float32)
    right, left = _find(segmentation(VOLUME, posterior, share)).nodes
    assert (right.status_by_rule, right.status_by_model, right.status) == ("positive", "negative", "positive")
    assert (left.status_by_rule, left.status_by_model, left.status) == ("negative", "positive", "positive")
    assert right.probability == pytest.approx(0.1)
    assert left.probability == pytest.approx(0.8)
    assert left.mean_posterior is not None
    assert right.mean_posterior is not None
    assert 0.7 < left.mean_posterior < right.mean_posterior < 1.0
    assert (left.status_by_label, right.status_by_label) == (None, None)


@pytest.mark.parametrize(
    ("opinion_of", "share", "by_label", "expected"),
    [
        ("label map", 1.0, "positive", "positive"),
        ("label map", 0.0, "negative", "negative"),
        (None, 0.0, None, "negative"),
    ],
)
def test_a_label_map_has_a_word_on_a_node_and_no_probability(
    opinion_of: Literal["label map"] | None, share: float, by_label: str | None, expected: str
) -> None:
    made = replace(segmentation(VOLUME, _posterior(((-35, 0, 0), (2.5, 3, 5))), share), opinion_of=opinion_of)
    (node,) = _find(made).nodes
    assert (node.status_by_model, node.probability, node.mean_posterior) == (None, None, None)
    assert (node.status_by_rule, node.status_by_label, node.status) == ("negative", by_label, expected)


def test_a_low_threshold_finds_more_but_makes_no_node_larger() -> None:
    sharp = _posterior(((-35, 0, 0), (4, 5, 7)))
    unsure = np.clip(sharp, 0, 1)
    for axis in (1, 2) * 3:
        unsure = (np.roll(unsure, 1, axis) + unsure + np.roll(unsure, -1, axis)) / 3
    segmented = segmentation(VOLUME, unsure)
    sizes = [_find(segmented, rules=replace(RULES, node_threshold=t)).nodes[0].short_axis_mm for t in (0.1, 0.3, 0.5)]
    assert sizes == pytest.approx([8.0] * 3, abs=0.5)
    assert [contour_level(1.0, 0.2), contour_level(0.6, 0.2), contour_level(0.3, 0.2)] == [0.5, 0.3, 0.2]


def test_a_demonstration_calls_no_node_positive_or_negative() -> None:
    posterior = _posterior(((-35, 0, 0), (4.5, 6, 7)), ((35, 0, 0), (2.5, 3, 5)))
    found = _find(segmentation(VOLUME, posterior), demonstration=True)
    assert {node.status for node in found.nodes} == {"demonstration"}


def test_specks_below_the_smallest_volume_are_not_reported() -> None:
    posterior = _posterior(((-35, 0, 0), (0.9, 0.9, 2)), ((35, 0, 0), (2.5, 3, 5)))
    assert len(_find(segmentation(VOLUME, posterior)).nodes) == 1


def test_nodes_thinner_than_the_smallest_short_axis_are_not_reported_and_leave_no_instance() -> None:
    posterior = _posterior(((-35, 0, -6.6), (1.2, 4, 6)), ((35, 0, 0), (2.5, 3, 5)))
    every = _find(segmentation(VOLUME, posterior), rules=replace(RULES, min_short_axis_mm=0.0))
    assert [round(node.short_axis_mm) for node in every.nodes] == [5, 2]
    found = _find(segmentation(VOLUME, posterior))
    assert [round(node.short_axis_mm) for node in found.nodes] == [5]
    assert set(np.unique(found.instances.voxels)) == {0, 1}
    np.testing.assert_array_equal(found.instances.voxels == 1, every.instances.voxels == 1)


def test_nodes_that_the_folds_half_believe_are_not_reported_and_the_others_keep_their_size() -> None:
    sure, unsure = _posterior(((-35, 0, 0), (4.5, 6, 7))), 0.7 * _posterior(((35, 0, 0), (4, 5, 7)))
    segmented = segmentation(VOLUME, np.maximum(sure, unsure))
    both = _find(segmented).nodes
    assert [(node.mean_posterior or 0) > 0.8 for node in both] == [True, False]
    found = _find(segmented, rules=replace(RULES, min_mean_posterior=0.8))
    assert [node.side for node in found.nodes] == ["right"]
    assert found.nodes[0].short_axis_mm == both[0].short_axis_mm
    assert set(np.unique(found.instances.voxels)) == {0, 1}


@pytest.mark.parametrize(("short_mm", "expected"), [(5.9, "negative"), (6.0, "positive")])
def test_the_model_alone_makes_no_node_positive_below_the_size_it_is_trusted_with(
    short_mm: float, expected: str
) -> None:
    rules = replace(RULES, model_min_short_axis_mm=6.0)
    assert combine_status("obturator", short_mm, "negative", "positive", rules) == expected


@pytest.mark.parametrize(
    ("station", "short_mm", "expected"),
    [
        ("internal_iliac", 3.5, "negative"),
        ("internal_iliac", 3.6, "borderline"),
        ("internal_iliac", 4.4, "borderline"),
        ("internal_iliac", 4.5, "positive"),
        ("obturator", 5.5, "negative"),
        ("obturator", 6.0, "borderline"),
        ("obturator", 6.5, "positive"),
        ("external_iliac", 6.5, "negative"),
        ("external_iliac", 7.4, "borderline"),
        ("external_iliac", 7.5, "positive"),
        (None, 9.0, "indeterminate"),
    ],
)
def test_at_restaging_the_band_lies_around_the_cutoff_of_the_station(
    station: Station | None, short_mm: float, expected: str
) -> None:
    rules = CaseRules(restaging_applied=True)
    by_rule = status_by_rule(short_mm, NodeFeatures(), rules.size_cutoff(station))
    assert combine_status(station, short_mm, by_rule, "negative", rules) == expected


def test_every_node_says_which_cutoff_it_was_judged_by() -> None:
    # 5 mm external iliac, 5 mm internal iliac and 6.4 mm obturator, from head to feet; and 9 mm in no station.
    bodies = [((30, -24, 9.9), 2.5), ((30, 20, 3.3), 2.5), ((-35, 0, -3.3), 3.2), ((-7, 0, -9.9), 4.5)]
    segmented = segmentation(VOLUME, _posterior(*((centre, (r, r + 1, 5)) for centre, r in bodies)))
    primary = _find(segmented).nodes
    assert [node.station for node in primary] == ["external_iliac", "internal_iliac", "obturator", None]
    assert [(node.cutoff_mm, node.status_by_rule) for node in primary] == [
        (7.0, "negative"), (7.0, "negative"), (7.0, "negative"), (7.0, "positive")
    ]  # fmt: skip
    assert [node.status for node in primary] == ["negative", "negative", "negative", "indeterminate"]
    restaged = _find(segmented, rules=CaseRules(restaging_applied=True)).nodes
    assert [(node.cutoff_mm, node.status_by_rule) for node in restaged] == [
        (7.0, "negative"), (4.0, "positive"), (6.0, "positive"), (7.0, "positive")
    ]  # fmt: skip
    assert [node.status for node in restaged] == ["negative", "positive", "borderline", "indeterminate"]


def test_no_nodes_give_an_empty_result() -> None:
    found = _find(segmentation(VOLUME, np.zeros(VOLUME.shape, dtype=np.float32)))
    assert found.nodes == ()
    assert not found.instances.voxels.any()


def test_two_nodes_that_touch_are_parted_and_a_lobulated_one_is_not() -> None:
    touching = _posterior(((-38.5, 0, 0), (4, 4, 5)), ((-31, 0, 0), (4, 4, 5)))
    parted = _find(segmentation(VOLUME, touching)).nodes
    assert len(parted) == 2
    assert [node.short_axis_mm for node in parted] == pytest.approx([7.5, 7.5], abs=0.6)
    lobulated = _posterior(((-35, 0, 0), (4, 4, 5)), ((-32, 2, 0), (3, 3, 4)))
    assert len(_find(segmentation(VOLUME, lobulated)).nodes) == 1


def test_a_node_outside_every_station_is_indeterminate_and_warned_about() -> None:
    found = _find(segmentation(VOLUME, _posterior(((-7, 0, 0), (4.5, 5, 7)))))
    (node,) = found.nodes
    assert (node.station, node.regional, node.status, node.station_probabilities) == (None, None, "indeterminate", {})
    assert found.warnings == ("node 1 lies in no station: it may not be a lateral lymph node",)


def test_without_a_trusted_midline_sides_are_unknown_and_a_warning_says_so() -> None:
    untrusted = replace(MIDLINE, trusted=False, quality=0.12)
    found = _find(segmentation(VOLUME, _posterior(((-35, 0, 0), (4.5, 5, 7)))), midline=untrusted)
    assert found.nodes[0].side == "unknown"
    assert found.warnings == ("no trustworthy midline was found (quality 0.12): sides are unknown",)


def test_the_interval_spans_the_short_axes_that_single_folds_see() -> None:
    radii = (3.0, 3.5, 4.0, 4.5)
    folds = np.stack([_posterior(((-35, 0, 0), (r, r + 1, 7))) for r in radii])
    (node,) = _find(segmentation(VOLUME, folds.mean(axis=0), folds=folds)).nodes
    assert node.short_axis_interval_mm == pytest.approx((6.0, 9.0), abs=0.3)
    assert 6.0 < node.short_axis_mm < 9.0


def test_every_figure_has_the_interval_of_the_folds() -> None:
    radii = (3.0, 4.0)
    folds = np.stack([_posterior(((-35, 0, 0), (r, r + 1, 7))) for r in radii])
    segmented = segmentation(VOLUME, folds.mean(axis=0), folds=folds)
    (opinions,) = segmented.fold_opinions
    shares = np.stack([np.full(VOLUME.shape, share, dtype=np.float32) for share in (0.25, 0.75)])
    segmented = replace(segmented, fold_opinions=(replace(opinions, positive_share=shares),))
    (node,) = _find(segmented).nodes
    assert node.long_axis_interval_mm == pytest.approx((8.0, 10.0), abs=0.3)
    volumes = [4 / 3 * np.pi * r * (r + 1) * 7 for r in radii]
    assert node.volume_interval_mm3 == pytest.approx(volumes, rel=0.06)
    assert node.probability_interval == (0.25, 0.75)


def test_a_fold_without_the_node_has_no_say_in_the_probability() -> None:
    seen, nothing = _posterior(((-35, 0, 0), (4, 5, 7))), np.zeros(VOLUME.shape, dtype=np.float32)
    (node,) = _find(segmentation(VOLUME, seen, folds=np.stack([seen, nothing]))).nodes
    assert node.volume_interval_mm3 is not None
    assert node.volume_interval_mm3[0] == 0.0
    assert node.probability_interval == (0.0, 0.0)


def test_a_waist_that_does_not_part_the_body_makes_a_conglomerate_with_a_warning_and_without_features() -> None:
    merged = _posterior(((-38.2, 0, 0), (4.5, 4.5, 6)), ((-31.8, 0, 0), (4.5, 4.5, 6)))
    found = _find(segmentation(VOLUME, merged))
    (node,) = found.nodes
    assert node.conglomerate is True
    assert node.features == NodeFeatures()
    assert found.warnings == ("node 1 looks like several nodes grown together: its size is that of all of them",)


def test_features_are_judged_from_their_smallest_size_on_and_never_below() -> None:
    posterior = _posterior(((-35, 0, 0), (2.2, 3, 5)), ((35, 0, 0), (4.5, 6, 7)))
    spotted = np.where(np.indices(VOLUME.shape).sum(axis=0) % 2, 400, 1200).astype(np.uint16)
    segmented = segmentation(VOLUME, posterior)
    image = VOLUME.with_voxels(spotted)
    small, large = find_nodes(image, segmented, MIDLINE, RULES, tracking_seed="1", demonstration=False).nodes
    assert small.short_axis_mm < RULES.feature_min_short_axis_mm
    assert small.features == NodeFeatures()
    assert (large.features.irregular_border, large.features.heterogeneous_signal) == (False, True)
    assert large.features.signal_heterogeneity == pytest.approx(0.5, abs=0.03)


def test_the_axes_in_space_are_reported_beside_those_of_the_plane() -> None:
    (node,) = _find(segmentation(VOLUME, _posterior(((-35, 0, 0), (3.5, 4, 9))))).nodes
    assert node.long_axis_3d_mm is not None
    assert node.short_axis_3d_mm == pytest.approx(7.0, abs=0.5)
    assert node.long_axis_3d_mm == pytest.approx(18.0, abs=2.0)
    assert (node.conglomerate, node.cut_by_image) == (False, False)


def test_a_fold_that_misses_the_node_sees_a_size_of_zero() -> None:
    seen = _posterior(((-35, 0, 0), (4, 5, 7)))
    elsewhere = _posterior(((35, 0, 0), (4, 5, 7)))
    folds = np.stack([seen, seen, elsewhere])
    (node,) = _find(segmentation(VOLUME, folds.mean(axis=0), folds=folds)).nodes
    assert node.short_axis_interval_mm == pytest.approx((0.0, 8.0), abs=0.3)


def test_a_single_fold_gives_no_interval() -> None:
    (node,) = _find(segmentation(VOLUME, _posterior(((-35, 0, 0), (4, 5, 7))))).nodes
    assert node.short_axis_interval_mm is None


@pytest.mark.parametrize("flipped", [axes for axes in np.ndindex(2, 2, 2) if any(axes)])
def test_flipping_pixels_and_header_together_changes_no_finding(flipped: tuple[int, ...]) -> None:
    posterior = _posterior(((-35, 0, -6.6), (4.5, 6, 7)), ((30, -24, 6.6), (2, 3, 5)))
    segmented = segmentation(VOLUME, posterior, 0.3)
    assert _find(_canonical(segmented, flipped)).nodes == _find(segmented).nodes


def test_mirroring_the_header_alone_swaps_the_sides() -> None:
    posterior = _posterior(((-35, 0, -6.6), (4.5, 6, 7)), ((30, -24, 6.6), (2, 3, 5)))
    segmented = segmentation(VOLUME, posterior, 0.3)
    mirrored = _map(segmented, lambda v: canonicalise(mirror_header(v))[0])
    plain, swapped = ({n.station: n for n in _find(s).nodes} for s in (segmented, mirrored))
    assert {station: node.side for station, node in plain.items()} == {"obturator": "right", "external_iliac": "left"}
    assert {station: node.side for station, node in swapped.items()} == {"obturator": "left", "external_iliac": "right"}
    for station, node in plain.items():
        assert swapped[station].short_axis_mm == pytest.approx(node.short_axis_mm, abs=1e-4)
        assert swapped[station].centroid_lps_mm[0] == pytest.approx(-node.centroid_lps_mm[0], abs=1e-6)


def test_the_same_input_gives_the_same_result_and_the_seed_names_the_nodes() -> None:
    segmented = segmentation(VOLUME, _posterior(((-35, 0, 0), (4, 5, 7))))
    assert _find(segmented).nodes == _find(segmented).nodes
    assert _find(segmented).nodes[0].tracking_uid == tracking_uid("1.2.3", 1)
    assert tracking_uid("1.2.3", 1) != tracking_uid("1.2.3", 2) != tracking_uid("1.2.4", 2)
    assert len(tracking_uid("1.2.3", 1)) <= 64


def test_an_image_on_another_grid_is_rejected() -> None:
    segmented = segmentation(VOLUME, np.zeros(VOLUME.shape, dtype=np.float32))
    with pytest.raises(ValueError, match="grids differ"):
        find_nodes(grid((9, 9, 9), (1.0, 1.0, 1.0)), segmented, MIDLINE, RULES, tracking_seed="", demonstration=False)


def _canonical(segmented: Segmentation, flipped: tuple[int, ...]) -> Segmentation:
    return _map(segmented, lambda volume: canonicalise(flip(volume, flipped))[0])


def _map(segmented: Segmentation, change: Callable[[Volume], Volume]) -> Segmentation:
    return replace(
        segmented,
        labels=change(segmented.labels),
        node_posterior=change(segmented.node_posterior),
        positive_share=change(segmented.positive_share),
    )
