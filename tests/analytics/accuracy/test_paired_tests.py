"""McNemar and paired differences against R and published examples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.paired import compare_predictions, mcnemar, mcnemar_exact, paired_difference
from tests.fixtures.drawing import examples


def test_differences_and_tests_of_two_readers_agree_with_r(patients: pd.DataFrame, r_numbers: dict[str, Any]) -> None:
    found = compare_predictions(patients["truth"], patients["model"], patients["reader"])
    for name, expected in r_numbers["paired"].items():
        difference = found[name].difference
        numbers = [difference.value, difference.low, difference.high]
        assert numbers == pytest.approx(expected["difference"], rel=1e-9), name
        _, only_first, only_second, _ = expected["table"]
        assert mcnemar_exact(only_first, only_second, 240).p_value == pytest.approx(expected["exact_p"], rel=1e-9)
        for corrected, row in ((True, expected["corrected"]), (False, expected["uncorrected"])):
            test = mcnemar(only_first, only_second, 240, corrected)
            assert [test.statistic, test.p_value] == pytest.approx(row, rel=1e-9)
        exact = only_first + only_second < 25
        assert found[name].test.method == ("exact McNemar test" if exact else "McNemar test, continuity corrected")


def test_mcnemar_agrees_with_r_on_agrestis_table(shared_data: Path) -> None:
    row = json.loads((shared_data / "agreement_r" / "reference.json").read_text())["mcnemar_agresti"]
    (_, only_first), (only_second, _) = row["table"]
    for corrected, name in ((True, "corrected"), (False, "uncorrected")):
        test = mcnemar(only_first, only_second, 1600, corrected)
        assert [test.statistic, test.p_value] == pytest.approx([row[name]["statistic"], row[name]["p.value"]], rel=1e-9)


def test_newcombes_published_example_has_its_published_interval() -> None:
    # Newcombe 1998, table II, pairs 36, 12, 2, 0: 0.0569 to 0.3404.
    first, second = (np.repeat(kinds, [36, 12, 2, 0]).astype(bool) for kinds in ([1, 1, 0, 0], [1, 0, 1, 0]))
    difference = paired_difference(first, second).difference
    assert [difference.low, difference.high] == pytest.approx([0.0569, 0.3404], abs=5e-5)


def test_equal_tests_no_units_and_impossible_counts_are_told() -> None:
    equal = compare_predictions([1, 0], [1, 1], [1, 1])
    assert (equal["accuracy"].test.p_value, equal["accuracy"].test.note) == (1.0, "no pair differs")
    assert mcnemar(0, 0, 5).note == "not defined: no pair differs"
    assert compare_predictions([0], [1], [0])["sensitivity"].difference.note == "not defined: no units"
    with pytest.raises(ValueError, match="discordant pairs are 3 and 4 of 6"):
        mcnemar(3, 4, 6)


@examples(40)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=30))
def test_the_other_order_turns_every_difference_round(rows: list[tuple[bool, bool, bool]]) -> None:
    truth, one, two = ([row[column] for row in rows] for column in range(3))
    there, back = compare_predictions(truth, one, two), compare_predictions(truth, two, one)
    for name, comparison in there.items():
        assert comparison.difference.value == pytest.approx(-back[name].difference.value, nan_ok=True)
        assert comparison.test.p_value == pytest.approx(back[name].test.p_value, nan_ok=True)
