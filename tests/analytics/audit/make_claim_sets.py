"""Makes the claim sets beside this file: `PYTHONPATH=.:proto python tests/analytics/audit/make_claim_sets.py`.

True sets are printed from simulated tables and cohorts: counts by hand, Kaplan-Meier, Cox and log-rank by lifelines,
kappa by statsmodels. Planted sets are a true one with one figure changed; `expected.json` says what must be found.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test
from statsmodels.stats.inter_rater import cohens_kappa

FOLDER: Final = Path(__file__).parent / "claim_sets"


def percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def table_lines(name: str, tp: int, fn: int, fp: int, tn: int, more: str = "", digits: int = 2) -> list[str]:
    n = tp + fn + fp + tn
    return [
        f"  - name: {name}",
        f"    n: {n}",
        f"    accuracy: {percent((tp + tn) / n, digits)}",
        f"    sensitivity: {percent(tp / (tp + fn), digits)}",
        f"    specificity: {percent(tn / (fp + tn), digits)}",
        *([f"    {line}" for line in more.split("; ")] if more else []),
    ]


def cohort(seed: int, n: int, share: float, ratio: float, rate: float) -> pd.DataFrame:
    """Exponential times with uniform censoring; death follows recurrence."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < share
    hazard = rate * np.where(positive, ratio, 1.0)
    recurrence = rng.exponential(1 / hazard)
    death = recurrence + rng.exponential(2.5, n)
    death = np.minimum(death, rng.exponential(40, n))
    end = rng.uniform(3, 9, n)
    first = np.minimum(recurrence, death)
    return pd.DataFrame(
        {
            "positive": positive.astype(int),
            "dfs_years": np.minimum(first, end),
            "dfs": (first <= end).astype(int),
            "os_years": np.minimum(death, end),
            "os": (death <= end).astype(int),
        }
    )


def survival_lines(data: pd.DataFrame, *, p_of: str) -> list[str]:
    """Sections ratios, survival and medians of one cohort; `p_of` is wald or logrank."""
    ratios, survival, medians = ["ratios:"], ["survival:"], ["medians:"]
    for endpoint in ("dfs", "os"):
        years, event = f"{endpoint}_years", endpoint
        model = CoxPHFitter().fit(data[[years, event, "positive"]], years, event)
        low, high = np.exp(model.confidence_intervals_.loc["positive"])
        one, zero = data[data.positive == 1], data[data.positive == 0]
        p_value = model.summary.loc["positive", "p"]
        if p_of == "logrank":
            p_value = logrank_test(one[years], zero[years], one[event], zero[event]).p_value
        printed = "<0.001" if p_value < 0.001 else f"{p_value:.3f}"
        test = "test: wald, interval: wald" if p_of == "wald" else "test: unknown"
        ratios.append(
            f"  - {{name: {endpoint.upper()} by status, ratio: {model.hazard_ratios_['positive']:.2f}, low: {low:.2f}, "
            f"high: {high:.2f}, p: {printed}, {test}, endpoint: {endpoint.upper()}, groups: [positive, negative]}}"
        )
        curves = {
            name: KaplanMeierFitter().fit(part[years], part[event])
            for name, part in (("positive", one), ("negative", zero), ("all", data))
        }
        for time in (1, 3, 5):
            shares = ", ".join(f"{name}: {percent(float(curve.predict(time)), 1)}" for name, curve in curves.items())
            survival.append(f"  - {{endpoint: {endpoint.upper()}, time: {12 * time} months, groups: {{{shares}}}}}")
        for name, curve in curves.items():
            median = float(curve.median_survival_time_)
            text = "not reached" if np.isinf(median) else f"{12 * median:.1f} months"
            medians.append(f"  - {{endpoint: {endpoint.upper()}, group: {name}, median: {text}}}")
    return [*ratios, *survival, *medians]


def counts_lines() -> list[str]:
    return [
        "counts:",
        '  - {name: patients, value: [{value: "1,480", where: abstract}, {value: 1480, where: table 1}]}',
        "  - {name: training, value: 1000}",
        "  - {name: test, value: 480}",
        "sums:",
        "  - {total: patients, parts: [training, test]}",
        "percentages:",
        f"  - {{name: women, share: {percent(181 / 480)}, count: 181, of: 480}}",
        f"  - {{name: EMVI positive, share: {percent(97 / 480, 1)}, of: 480}}",
    ]


def agreement_lines() -> list[str]:
    two = np.array([[40, 9], [12, 419]])
    three = np.array([[30, 6, 1], [5, 40, 8], [0, 7, 33]])
    kappa = cohens_kappa(two).kappa
    weighted = cohens_kappa(three, wt="quadratic").kappa
    return [
        "agreement:",
        f"  - {{name: model and reader, table: {two.tolist()}, kappa: {kappa:.2f}, "
        f"observed: {percent(459 / 480)}, band: substantial}}",
        f"  - {{name: region, table: {three.tolist()}, weights: quadratic, kappa: {weighted:.3f}, "
        "band: almost perfect}",
        "  - {name: senior and junior, kappa: 0.41, observed: 83.1 %, band: moderate}",
    ]


def true_sets() -> dict[str, list[str]]:
    margins = (
        "positives: 61; called_positive: 89; kappa: " + f"{cohens_kappa(np.array([[45, 16], [44, 375]])).kappa:.3f}"
    )
    predictive = f"ppv: {percent(170 / 200)}; npv: {percent(1195 / 1280)}"
    sets = {
        "true_table_minority": ["tables:", *table_lines("status", 45, 16, 44, 375, margins)],
        "true_table_without_margins": ["tables:", *table_lines("status", 88, 12, 30, 170)],
        "true_table_majority": ["tables:", *table_lines("status", 301, 44, 20, 115, "positives: 345")],
        "true_table_predictive": ["tables:", *table_lines("status", 170, 85, 30, 1195, predictive, 1)],
        "true_table_perfect": ["tables:", *table_lines("status", 12, 0, 0, 30, "positives: 12; negatives: 30")],
        "true_cohort_wald": survival_lines(cohort(11, 480, 0.19, 2.7, 0.08), p_of="wald"),
        "true_cohort_logrank": survival_lines(cohort(12, 300, 0.30, 1.3, 0.20), p_of="logrank"),
        "true_cohort_small": survival_lines(cohort(13, 60, 0.40, 3.0, 0.25), p_of="logrank"),
        "true_counts": counts_lines(),
        "true_agreement": agreement_lines(),
    }
    sets["true_everything"] = [
        *sets["true_table_minority"],
        *sets["true_cohort_wald"],
        *sets["true_counts"],
        *sets["true_agreement"],
    ]
    return {name: [f"title: {name}", *lines] for name, lines in sets.items()}


def planted_sets(true: dict[str, list[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the sets, and for each the codes that must be found, no more and no fewer."""
    plans: list[tuple[str, str, str, str, list[str]]] = [
        # name, true set, what is replaced (a pattern), by what, expected codes
        ("accuracy", "true_table_minority", r"accuracy: \S+ %", "accuracy: 88.50 %", ["no_table"]),
        ("perfect", "true_table_perfect", r"sensitivity: \S+ %", "sensitivity: 95.00 %", ["no_table"]),
        ("kappa_of_table", "true_table_minority", r"kappa: \S+", "kappa: 0.712", ["no_table"]),
        ("ppv", "true_table_predictive", r"ppv: \S+ %", "ppv: 58.0 %", ["no_table"]),
        ("called", "true_table_minority", "called_positive: 89", "called_positive: 61", ["counts_conflict"]),
        (
            "lopsided",
            "true_cohort_wald",
            r"(DFS by status, ratio: )\S+",
            r"\g<1>3.05,",
            ["interval_lopsided"],
        ),
        (
            "outside",
            "true_cohort_logrank",
            r"(DFS by status.*high: )\S+,",
            r"\g<1>1.01,",
            ["interval_without_estimate"],
        ),
        ("p_value", "true_cohort_logrank", r"(OS by status.*p: )[^,]+", r"\g<1>0.900", ["p_value"]),
        ("p_small", "true_cohort_small", r"(OS by status.*p: )[^,]+", r"\g<1><0.001", ["p_value"]),
        (
            "rises",
            "true_cohort_wald",
            r"(DFS, time: 36.*all: )\S+",
            r"\g<1>99.0",
            ["survival_outside_groups", "survival_rises"],
        ),
        ("hazard", "true_cohort_wald", r"(DFS, time: 60.*positive: )\S+", r"\g<1>5.0", ["hazard_ratio"]),
        (
            "median",
            "true_cohort_logrank",
            r"(DFS, group: positive, median: )\S+ months",
            r"\g<1>2.0 months",
            ["median"],
        ),
        ("count", "true_counts", "value: 1480", "value: 1482", ["counts_conflict"]),
        ("sum", "true_counts", "value: 480", "value: 488", ["sum_wrong"]),
        ("share_of_count", "true_counts", "count: 181", "count: 187", ["impossible_percentage"]),
        ("share", "true_counts", r"share: 20\.2 %", "share: 20.29 %", ["impossible_percentage"]),
        ("kappa", "true_agreement", r"kappa: 0\.77", "kappa: 0.67", ["kappa"]),
        ("observed", "true_agreement", r"observed: 95\.62 %", "observed: 96.52 %", ["agreement"]),
        ("weights", "true_agreement", "weights: quadratic", "weights: none", ["kappa"]),
        ("band", "true_agreement", "band: moderate", "band: substantial", ["band"]),
        ("above", "true_agreement", r"observed: 83\.1 %", "observed: 38.1 %", ["kappa"]),
    ]
    sets, expected = {}, {}
    for name, source, pattern, new, codes in plans:
        text, changed = re.subn(pattern, new, "\n".join(true[source]), count=1)
        if not changed:
            raise SystemExit(f"{name}: nothing matches {pattern} in {source}")
        sets[f"planted_{name}"] = text.replace(f"title: {source}", f"title: planted_{name}").split("\n")
        expected[f"planted_{name}"] = codes
    swapped = "\n".join(true["true_table_minority"])
    swapped = swapped.replace("sensitivity", "s").replace("specificity", "sensitivity").replace(" s:", " specificity:")
    sets["planted_swapped"] = swapped.replace("title: true_table_minority", "title: planted_swapped").split("\n")
    expected["planted_swapped"] = ["labels_swapped"]
    return sets, expected


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    true = true_sets()
    planted, expected = planted_sets(true)
    for name, lines in (true | planted).items():
        (FOLDER / f"{name}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    answers: dict[str, Any] = {name: [] for name in true} | expected
    (FOLDER / "expected.json").write_text(json.dumps(answers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
