import numpy as np
import pytest

from core.labels import Station
from core.volume import Volume
from phantom.baselines import (
    BodyFrame,
    DetectorSettings,
    StationRule,
    body_frame,
    detect,
    find_candidates,
    relative_signal,
    select,
)


@pytest.fixture
def image() -> Volume:
    """Return a (8, 100, 120) body of fat (800) in air, with a grey ball of radius 4 mm and a grey bar."""
    voxels = np.zeros((8, 100, 120), np.uint16)
    voxels[:, 10:90, 10:110] = 800
    z, y, x = np.ogrid[:8, :100, :120]
    voxels[((z - 4) * 3.0) ** 2 + (y - 50.0) ** 2 + (x - 80.0) ** 2 <= 16.0] = 400
    voxels[:, 40:60, 30] = 400
    return Volume(voxels, (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])


def test_the_body_frame_is_the_bounding_box_of_the_body(image: Volume) -> None:
    frame = body_frame(image)
    assert (frame.middle, frame.half_width, frame.top, frame.height, frame.slices) == (59.5, 49.5, 10.0, 79.0, 8)


def test_positions_are_shares_of_the_body() -> None:
    frame = BodyFrame(middle=60, half_width=50, top=10, height=80, slices=9)
    expected = np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(frame.relative([[4, 50, 85], [8, 10, 60]]), expected)


def test_the_signal_is_relative_to_fat_under_a_strong_coil_profile(image: Volume) -> None:
    profile = np.linspace(0.6, 1.4, 120)
    # At 3 mm per voxel the body is 300 mm wide, several times the width of the smoothing.
    shaded = Volume((image.voxels * profile).astype(np.uint16), (3.0, 3.0, 3.0), image.origin_lps_mm, image.direction)
    signal = relative_signal(shaded)
    assert signal[4, 30, 15] == pytest.approx(1.0, abs=0.2)
    assert signal[4, 30, 105] == pytest.approx(1.0, abs=0.2)
    assert signal[4, 50, 80] == pytest.approx(0.5, abs=0.1)


def test_the_detector_finds_the_ball_and_leaves_the_bar(image: Volume) -> None:
    settings = DetectorSettings(
        signal=(0.3, 0.65), opening_mm=1.5, volume_mm3=(50, 600), fill=0.3, lateral=(0.2, 0.65), depth=(0.2, 0.75)
    )
    found = detect(image, settings)
    assert found.max() == 1
    inside = found == 1
    assert inside[4, 50, 80]
    assert inside.sum() == pytest.approx((image.voxels[:, :, 70:90] == 400).sum(), rel=0.2)


def test_size_shape_and_place_each_exclude(image: Volume) -> None:
    candidates = find_candidates(image, relative_signal(image), body_frame(image), (0.3, 0.65), 1.5)
    base = DetectorSettings((0.3, 0.65), 1.5, (50, 600), 0.3, (0.2, 0.65), (0.2, 0.75))
    assert len(select(candidates, base)) == 1
    for excluded in (
        DetectorSettings(base.signal, 1.5, (600, 2000), base.fill, base.lateral, base.depth),
        DetectorSettings(base.signal, 1.5, base.volume_mm3, 0.99, base.lateral, base.depth),
        DetectorSettings(base.signal, 1.5, base.volume_mm3, base.fill, (0.5, 0.65), base.depth),
        DetectorSettings(base.signal, 1.5, base.volume_mm3, base.fill, base.lateral, (0.6, 0.75)),
    ):
        assert len(select(candidates, excluded)) == 0


def test_the_station_rule_learns_separate_places_and_folds_both_sides() -> None:
    rng = np.random.default_rng(1)
    centres: dict[Station, tuple[float, float, float]] = {
        "external_iliac": (0.5, 0.2, 0.5),
        "obturator": (-0.5, 0.5, 0.5),
        "internal_iliac": (0.5, 0.8, 0.3),
    }
    stations = [name for name in centres for _ in range(30)]
    positions = np.array([centres[name] for name in stations]) + rng.normal(0, 0.05, (90, 3))
    positions[::2, 2] *= -1
    rule = StationRule.fit(positions, stations)
    assert rule.predict(np.array([(0.5, 0.2, -0.5), (-0.5, 0.5, 0.5), (0.5, 0.8, -0.3)])) == list(centres)
