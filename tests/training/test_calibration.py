"""Reliability worked by hand, and a temperature that is known because the labels were drawn with it."""

import numpy as np
import pytest

from training.calibration import fit_temperature, negative_log_likelihood, reliability, voxel_reliability
from training.prediction import FloatArray, LabelArray, temper


def _sample(temperature: float, count: int = 40_000) -> tuple[FloatArray, LabelArray]:
    """Return log probabilities of six classes, and labels drawn from them at a temperature."""
    random = np.random.default_rng(7)
    logits = random.normal(0, 3, (6, count)).astype(np.float32)
    chances = temper(logits, temperature)
    labels = (random.random(count) > np.cumsum(chances, axis=0)[:-1]).sum(axis=0)
    return np.log(np.maximum(temper(logits, 1.0), 1e-30)), labels.astype(np.uint8)


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_the_temperature_that_drew_the_labels_is_found(temperature: float) -> None:
    sample = _sample(temperature)
    assert fit_temperature([sample]) == pytest.approx(temperature, rel=0.03)


def test_a_temperature_sharpens_or_softens_and_moves_no_label() -> None:
    probabilities = np.log(np.array([[0.8], [0.2]], dtype=np.float32))
    assert temper(probabilities, 1.0)[:, 0] == pytest.approx([0.8, 0.2])
    # (0.8^(1/2), 0.2^(1/2)) = (0.894, 0.447), normalised 2 : 1.
    assert temper(probabilities, 2.0)[:, 0] == pytest.approx([2 / 3, 1 / 3])


def test_the_likelihood_is_that_of_the_true_labels() -> None:
    log_probabilities = np.log(np.array([[0.8, 0.5], [0.2, 0.5]], dtype=np.float32))
    sample = (log_probabilities, np.array([0, 1], dtype=np.uint8))
    assert negative_log_likelihood([sample], 1.0) == pytest.approx(-(np.log(0.8) + np.log(0.5)) / 2)


def test_a_well_calibrated_sample_is_near_the_diagonal_only_at_its_temperature() -> None:
    sample = _sample(2.0)
    at_one, at_two = (voxel_reliability([sample], temperature) for temperature in (1.0, 2.0))
    assert at_two.expected_calibration_error is not None
    assert at_one.expected_calibration_error is not None
    assert at_two.expected_calibration_error < 0.01 < at_one.expected_calibration_error


def test_the_calibration_error_and_the_brier_score_are_worked_by_hand() -> None:
    result = reliability([0.1, 0.15, 0.95, 1.0], [False, True, True, True])
    # Bin .1-.2: mean .125, share .5, two of four; bin .9-1: mean .975, share 1.
    assert [number for each in result.bins for number in each] == pytest.approx([0.125, 0.5, 2, 0.975, 1.0, 2])
    assert result.expected_calibration_error == pytest.approx((0.375 * 2 + 0.025 * 2) / 4)
    assert result.brier == pytest.approx((0.1**2 + 0.85**2 + 0.05**2) / 4)


def test_nothing_foretold_has_no_calibration() -> None:
    empty = reliability([], [])
    assert (empty.count, empty.brier, empty.bins) == (0, None, ())
