"""Border, signal and waist of bodies whose answers are known."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from core.findings import NodeFeatures
from core.measuring.features import (
    border_irregularity,
    is_conglomerate,
    judge_features,
    signal_heterogeneity,
    waist_share,
)
from core.measuring.masks import soften_mask
from core.measuring.nodes import combine_status, status_by_rule
from core.rules import ScoringRules
from core.volume import Volume
from tests.core.bodies import grid, positions_lps_mm, soft_ellipsoid

RULES = ScoringRules()
VOLUME = grid((5, 61, 61), (3.3, 0.6, 0.6))


def _lobed(height: float, radius_mm: float) -> npt.NDArray[np.float32]:
    """Return a ball with three lobes per turn, their height a share of its radius."""
    x, y, z = np.moveaxis(positions_lps_mm(VOLUME) - [0.2, 0.1, 0.0], -1, 0)
    rim = radius_mm * (1 + height * np.cos(3 * np.arctan2(y, x)))
    inside = (np.hypot(x, y) / rim) ** 2 + (z / radius_mm) ** 2 < 1
    return soften_mask(VOLUME.with_voxels(inside)).voxels


@pytest.mark.parametrize("radius_mm", [3.0, 4.5, 7.0])
def test_lobes_of_height_h_make_an_irregularity_of_h_over_the_root_of_two(radius_mm: float) -> None:
    even, low, high = (border_irregularity(VOLUME.with_voxels(_lobed(h, radius_mm))) for h in (0.0, 0.08, 0.16))
    assert even is not None
    assert low is not None
    assert high is not None
    assert even < 0.025 < low < high
    # The root mean square of h cos 3t; the pixels round the lobes of a small body off.
    assert high == pytest.approx(0.16 / np.sqrt(2), rel=0.3)


def test_an_ellipse_of_any_shape_is_regular() -> None:
    for semi_axes in ((3.0, 6.0, 6.0), (4.0, 4.5, 6.0), (2.6, 6.5, 5.0)):
        field = VOLUME.with_voxels(soft_ellipsoid(VOLUME, (0.2, -0.1, 0.3), semi_axes, 25.0))
        irregularity = border_irregularity(field)
        assert irregularity is not None
        assert irregularity < RULES.irregular_border_cutoff


def test_the_spread_of_the_signal_is_taken_without_rim_level_and_scale() -> None:
    body = soft_ellipsoid(VOLUME, (0, 0, 0), (6, 6, 8)) >= 0.5
    rng = np.random.default_rng(1)
    signal = 100 * (1 + 0.2 * rng.standard_normal(VOLUME.shape))
    image = VOLUME.with_voxels(np.where(body, signal, 1000.0))
    spread = signal_heterogeneity(image, body)
    assert spread == pytest.approx(0.2, rel=0.1)
    assert signal_heterogeneity(image.with_voxels(image.voxels * 7), body) == pytest.approx(spread)
    brighter_to_the_head = image.voxels + 30.0 * np.arange(5)[:, None, None]
    lifted = signal_heterogeneity(image.with_voxels(brighter_to_the_head), body)
    assert lifted is not None
    assert lifted == pytest.approx(0.2 * 100 / 160, rel=0.15)


def test_a_body_of_few_pixels_has_no_features() -> None:
    tiny = VOLUME.voxels.copy()
    tiny[2, 30:32, 30:32] = 1.0
    field = VOLUME.with_voxels(tiny)
    assert border_irregularity(field) is None
    assert is_conglomerate(field) is None
    assert signal_heterogeneity(VOLUME.with_voxels(np.ones(VOLUME.shape)), tiny > 0) is None
    assert judge_features(None, None, RULES) == NodeFeatures()


def test_a_black_image_has_no_heterogeneity() -> None:
    body = soft_ellipsoid(VOLUME, (0, 0, 0), (6, 6, 8)) >= 0.5
    assert signal_heterogeneity(VOLUME, body) is None


@pytest.mark.parametrize(
    ("distance_mm", "expected"), [(0.0, False), (2.0, False), (4.0, False), (6.5, True), (7.5, True)]
)
def test_two_balls_of_4_and_4_5_mm_radius_are_a_conglomerate_once_a_waist_shows(
    distance_mm: float, expected: bool
) -> None:
    first = soft_ellipsoid(VOLUME, (-distance_mm / 2, 0.2, 0), (4, 4, 6))
    second = soft_ellipsoid(VOLUME, (distance_mm / 2, -0.2, 0), (4.5, 4.5, 6))
    both = VOLUME.with_voxels(np.maximum(first, second))
    assert is_conglomerate(both) is expected
    assert is_conglomerate(soften_mask(both.with_voxels(both.voxels >= 0.5))) is expected


def test_the_waist_of_a_dumbbell_by_hand() -> None:
    # Two squares of 4 x 4 mm joined by a bar 2 mm wide: the waist is half of a bulge.
    corners = [(-2, 0), (-2, 4), (-1, 4), (-1, 8), (-2, 8), (-2, 12), (2, 12), (2, 8), (1, 8), (1, 4), (2, 4), (2, 0)]
    outline = np.array([*corners, corners[0]], dtype=np.float64)
    assert waist_share(outline + np.array([0.0, 5.0])) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("short_mm", "irregular", "heterogeneous", "expected"),
    [
        (7.0, False, False, "positive"),
        (6.0, True, True, "positive"),
        (6.0, True, False, "negative"),
        (6.0, False, True, "negative"),
        (6.0, None, True, "negative"),
        (6.0, None, None, "negative"),
    ],
)
def test_the_rule_needs_size_or_both_features(
    short_mm: float, irregular: bool | None, heterogeneous: bool | None, expected: str
) -> None:
    assert status_by_rule(short_mm, NodeFeatures(irregular, heterogeneous), RULES.size_cutoff("obturator")) == expected


def test_features_make_a_small_node_positive_and_leave_the_band_borderline() -> None:
    both = NodeFeatures(irregular_border=True, heterogeneous_signal=True)
    for short_mm, expected in ((6.0, "positive"), (6.8, "borderline")):
        by_rule = status_by_rule(short_mm, both, RULES.size_cutoff("obturator"))
        assert combine_status("obturator", short_mm, by_rule, "negative", RULES) == expected


def test_the_cut_offs_decide_and_belong_to_the_feature() -> None:
    judged = judge_features(RULES.irregular_border_cutoff, RULES.heterogeneous_signal_cutoff - 1e-6, RULES)
    assert (judged.irregular_border, judged.heterogeneous_signal) == (True, False)
    assert judged.border_irregularity == RULES.irregular_border_cutoff
    assert replace(judged, border_irregularity=None) != judged
    stricter = replace(RULES, irregular_border_cutoff=0.05, heterogeneous_signal_cutoff=0.2)
    judged = judge_features(0.04, 0.22, stricter)
    assert (judged.irregular_border, judged.heterogeneous_signal) == (False, True)


def test_features_do_not_depend_on_where_the_patient_lies() -> None:
    field = VOLUME.with_voxels(_lobed(0.12, 5.0))
    moved = Volume(field.voxels[:, ::-1], field.spacing_mm, (3.0, 4.0, 5.0), field.direction)
    assert border_irregularity(moved) == pytest.approx(border_irregularity(field), abs=1e-9)
