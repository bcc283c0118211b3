import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.evaluate_baselines import (
    DETECTOR_LIMIT_F1,
    STATION_LIMIT_ACCURACY,
    detector_counts,
    f1_score,
    node_positions,
)
from phantom.baselines import DetectorSettings
from phantom.case import GENERATOR_VERSION, generate_case

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
COMMITTED = json.loads((RESULTS / "phantom_baselines.json").read_text())


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    # Precision 3/5, recall 3/4: 2 * 0.6 * 0.75 / 1.35.
    assert f1_score(hits=3, false_alarms=2, misses=1) == pytest.approx(2 / 3)
    assert f1_score(hits=0, false_alarms=0, misses=0) == 0.0


@pytest.mark.parametrize("kind", ["phantom_baselines", "phantom_baselines_people"])
def test_the_committed_baselines_stay_below_their_limits_on_this_generator(kind: str) -> None:
    kept = json.loads((RESULTS / f"{kind}.json").read_text())
    assert kept["generator_version"] == GENERATOR_VERSION
    assert kept["detector"]["f1"] < DETECTOR_LIMIT_F1
    assert kept["station_by_position"]["accuracy"]["value"] < STATION_LIMIT_ACCURACY


def test_the_committed_detector_stays_below_its_limit_on_other_cases() -> None:
    fields: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in COMMITTED["detector"]["settings"].items()
    }
    settings = DetectorSettings(**fields)
    counts = np.sum([detector_counts(generate_case(seed), settings) for seed in (0, 1)], axis=0)
    assert f1_score(*(int(count) for count in counts)) < DETECTOR_LIMIT_F1


def test_true_nodes_lie_inside_the_body_with_their_own_side() -> None:
    case = generate_case(0)
    found = node_positions(case)
    assert found.stations == tuple(node.station for node in case.nodes)
    assert np.abs(found.positions).max() < 1.1
    # Canonical x runs to the patient's left; the body lies off-centre, so only clearly lateral nodes can be told.
    for node, (_, _, x) in zip(case.nodes, found.positions, strict=True):
        if abs(x) > 0.2:
            assert (x > 0) == (node.side == "left")
