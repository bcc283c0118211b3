"""Nodes looked at as stations, sides and patients."""

import pandas as pd
import pytest

from analytics.accuracy.figures import accuracy_figures
from analytics.accuracy.table import counts_2x2
from analytics.accuracy.units import accuracy_by_level, units_at

ROWS = pd.DataFrame(
    {
        "patient": ["a", "a", "a", "b", "b"],
        "side": ["left", "left", "right", "left", "left"],
        "station": ["OB", "OB", "OB", "II", "EI"],
        "node": [1, 2, 1, 1, 1],
        "truth": [1, 0, 0, 0, 1],
        "predicted": [0, 1, 0, 0, 0],
        "score": [0.2, 0.9, 0.1, 0.3, 0.4],
    }
)


def test_a_unit_is_positive_where_any_of_its_nodes_is_and_takes_their_highest_score() -> None:
    station, side, patient = (units_at(level, ROWS) for level in ("station", "side", "patient"))
    assert station.truth.tolist() == [True, False, False, True]
    assert station.predicted.tolist() == [True, False, False, False]
    assert side.truth.tolist() == [True, False, True]
    assert patient.truth.tolist() == [True, True]
    assert patient.predicted.tolist() == [True, False]
    assert patient.score is not None
    assert patient.score.tolist() == [0.9, 0.4]
    assert (patient.independent, side.independent) == (True, False)


def test_patients_take_the_wilson_interval_and_what_shares_a_patient_the_bootstrap(nodes: pd.DataFrame) -> None:
    levels = accuracy_by_level(nodes)
    units = units_at("patient", nodes)
    assert levels["patient"] == accuracy_figures(counts_2x2(units.truth, units.predicted))
    assert levels["node"]["accuracy"].n == len(nodes)
    for level in ("side", "station", "node"):
        assert levels[level]["accuracy"].method == "proportion, percentile bootstrap by patient, 2000 resamples"


def test_the_order_of_rows_and_the_names_of_stations_change_nothing(nodes: pd.DataFrame) -> None:
    other = nodes.sample(frac=1, random_state=7).replace({"station": {"OB": "x", "II": "y", "EI": "z"}})
    assert accuracy_by_level(other) == accuracy_by_level(nodes)


def test_unknown_levels_missing_columns_and_missing_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="level is 'lobe'; allowed are patient, side, station, node"):
        units_at("lobe", ROWS)
    with pytest.raises(ValueError, match="columns side, predicted are missing"):
        units_at("side", ROWS.drop(columns=["side", "predicted"]))
    with pytest.raises(ValueError, match="columns station have missing values"):
        units_at("station", ROWS.assign(station=pd.Series(["OB", "OB", "OB", "II"])))
