from benchmarks.scoring import CaseScore, FoundNodeScore, TrueNodeScore
from benchmarks.tune_model import at_least, best, sweep


def case() -> CaseScore:
    """One true node that is found with 0.9, one that is found with 0.6, one alarm with 0.7, one small node."""
    true = [TrueNodeScore(each, 8.0, "left", "obturator", "positive", each, 0.5) for each in (1, 2)]
    found = [
        FoundNodeScore(1, 8.0, "left", "obturator", "positive", 0.5, 1, 0.9),
        FoundNodeScore(2, 8.0, "left", "obturator", "positive", 0.5, 2, 0.6),
        FoundNodeScore(3, 6.0, "left", "obturator", "negative", 0.5, None, 0.7),
        FoundNodeScore(4, 4.0, "left", "obturator", "negative", 0.5, None, 0.95),
    ]
    return CaseScore(1, True, "positive", (), tuple(true), tuple(found), 1.0)


def test_a_true_node_whose_finding_is_left_out_counts_as_missed() -> None:
    (kept,) = at_least([case()], 0.65)
    assert [node.found_as for node in kept.true_nodes] == [1, None]
    assert [node.id for node in kept.found_nodes] == [1, 3, 4]


def test_the_best_step_has_the_largest_sum_of_sensitivity_and_predictive_value_from_5_mm() -> None:
    rows = sweep([case()])
    # Up to 0.6: 2/2 and 2/3. Above it 1/2 and 1/2; above 0.7: 1/2 and 1/1. The small alarm counts nowhere.
    sums = {
        row["min_mean_posterior"]: (row["sensitivity"]["value"], row["positive_predictive_value"]["value"])
        for row in rows
    }
    assert sums[0.6] == (1.0, 2 / 3)
    assert sums[0.65] == (0.5, 0.5)
    assert sums[0.725] == (0.5, 1.0)
    assert best(rows)["min_mean_posterior"] == 0.0, "of equal ones the one that leaves out least"
