from itertools import product

import numpy as np
import pytest

from analytics.audit.reported import Reported, parse_count, parse_share
from analytics.audit.table_search import Table, find_tables


def by_brute_force(n: int, rates: dict[str, Reported], counts: dict[str, Reported]) -> set[Table]:
    found = set()
    for tp, fn, fp in product(range(n + 1), repeat=3):
        tn = n - tp - fn - fp
        if tn < 0:
            continue
        fractions = {
            "accuracy": (tp + tn, n),
            "sensitivity": (tp, tp + fn),
            "specificity": (tn, tn + fp),
            "ppv": (tp, tp + fp),
            "npv": (tn, tn + fn),
        }
        table = Table(tp, fn, fp, tn)
        values = {"tp": tp, "fn": fn, "fp": fp, "tn": tn} | {
            name: table.margin(name) for name in ("positives", "negatives", "called_positive", "called_negative")
        }
        fits = all(
            below > 0 and claim.includes(above / below)
            for name, claim in rates.items()
            for above, below in [fractions[name]]
        )
        if fits and all(claim.includes(values[name]) for name, claim in counts.items()):
            found.add(table)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_search_finds_what_trying_every_table_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 24
    names = ["accuracy", "sensitivity", "specificity", "ppv", "npv"]
    rates = {name: parse_share(f"{rng.integers(0, 101)} %") for name in rng.permutation(names)[: rng.integers(1, 4)]}
    margin = str(rng.choice(["positives", "negatives", "called_positive", "called_negative", "tp", "fn", "fp", "tn"]))
    counts = {margin: parse_count(str(rng.integers(0, 13)))} if seed % 2 else {margin: parse_count("<9")}
    search = find_tables(n, rates, counts)
    assert set(search.tables) == by_brute_force(n, rates, counts)
    assert search.count == len(search.tables)


def test_the_labelled_figures_of_the_example_have_one_table_and_the_exchanged_ones_another() -> None:
    labelled = {"accuracy": "87.50 %", "sensitivity": "89.50 %", "specificity": "73.77 %"}
    exchanged = labelled | {"sensitivity": "73.77 %", "specificity": "89.50 %"}
    found = [
        find_tables(480, {name: parse_share(text) for name, text in rates.items()}, {})
        for rates in (labelled, exchanged)
    ]
    assert [search.tables for search in found] == [(Table(375, 44, 16, 45),), (Table(45, 16, 44, 375),)]


def test_many_tables_are_counted_and_the_first_thousand_kept() -> None:
    search = find_tables(480, {"accuracy": parse_share("87.50 %")}, {})
    assert search.count > 1000
    assert len(search.tables) == 1000
