"""Twenty kinds of mistakes that papers print, each found, and five hundred sets of true claims that are let pass."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.accuracy.roc import area_under_roc
from analytics.audit.claims import Claims
from analytics.audit.claims_file import load_claims
from analytics.audit.finding import Finding
from analytics.audit.run import audit
from analytics.errors import FileInvalid
from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.kaplan_meier import kaplan_meier, survival_at
from analytics.survival.logrank import log_rank
from analytics.survival.times import Followup, group_by

CELLS = "name: status, n: 480, tp: 45, fn: 16, fp: 44, tn: 375"
RATIO = "name: a, ratio: 2.668, low: 1.513, high: 4.707"
CURVES = "  - {endpoint: %s, time: 3 years, groups: {a: 60 %%, b: 80 %%}}\n"

KINDS: dict[str, tuple[str, str, str]] = {
    # What is wrong: claims, the code that must be found, a part of what is said.
    "sensitivity beside four cells": (
        f"tables:\n  - {{{CELLS}, sensitivity: 83.77 %}}",
        "rate_wrong",
        "sensitivity is 73.77% by the cells TP 45",
    ),
    "specificity beside four cells": (f"tables:\n  - {{{CELLS}, specificity: 79.5 %}}", "rate_wrong", "89.50%"),
    "PPV beside four cells": (f"tables:\n  - {{{CELLS}, ppv: 73.77 %}}", "rate_wrong", "ppv is 50.56%"),
    "accuracy beside four cells": (f"tables:\n  - {{{CELLS}, accuracy: 89.5 %}}", "rate_wrong", "accuracy is 87.50%"),
    "four cells of another number": ("tables:\n  - {name: s, n: 482, tp: 45, fn: 16, fp: 44, tn: 375}", "rate_wrong",
                                     "are 480 cases, not 482"),
    "exchanged labels beside four cells": (
        f"tables:\n  - {{{CELLS}, sensitivity: 89.50 %, specificity: 73.77 %}}", "labels_swapped", "exchanged"),
    "positive likelihood ratio": (f"tables:\n  - {{{CELLS}, lr_positive: 9.0}}", "rate_wrong", "lr positive is 7.025"),
    "negative likelihood ratio": (f"tables:\n  - {{{CELLS}, lr_negative: 0.19}}", "rate_wrong", "is 0.2931"),
    "F1": (f"tables:\n  - {{{CELLS}, f1: 0.74}}", "rate_wrong", "f1 is 0.6"),
    "likelihood ratio without cells": (
        "tables:\n  - {name: s, n: 480, sensitivity: 73.77 %, specificity: 89.50 %, positives: 61, lr_positive: 9.0}",
        "no_table", "lr positive 9.0"),
    "recurrence rate that falls": (
        "survival:\n  - {endpoint: local recurrence, time: 3 years, groups: {a: 12 %}}\n"
        "  - {endpoint: local recurrence, time: 5 years, groups: {a: 9 %}}", "survival_rises", "9 %"),
    "RFS above OS": ("survival:\n" + CURVES % "OS" + (CURVES % "recurrence-free survival").replace("60", "71"),
                     "survival_rises", "71 %"),
    "PFS above OS": ("survival:\n" + CURVES % "OS" + (CURVES % "PFS").replace("60", "71"), "survival_rises", "71 %"),
    "OS above CSS": ("survival:\n" + CURVES % "cancer-specific survival" + (CURVES % "OS").replace("60", "71"),
                     "survival_rises", "71 %"),
    "area outside its interval": ("areas:\n  - {name: a, area: 0.91, low: 0.71, high: 0.88}", "area", "outside"),
    "area of too few patients": (
        "areas:\n  - {name: a, area: 0.80, low: 0.79, high: 0.81, positives: 20, negatives: 30}", "area", "give about"),
    "area of too many patients": (
        "areas:\n  - {name: a, area: 0.80, low: 0.55, high: 0.97, positives: 500, negatives: 90}", "area", "give"),
    "p-value with a decimal comma": (f"ratios:\n  - {{{RATIO}, p: \"0,42\"}}", "p_value", "not 0,42"),
    "ratio with decimal commas": (
        'ratios:\n  - {name: a, ratio: "2,668", low: "1,513", high: "2,100"}', "interval_without_estimate", "2,668"),
    "bound of nought": (
        "ratios:\n  - {name: a, ratio: 0.10, low: 0.00, high: 0.30, p: 0.9}", "p_value", "not 0.9"),
    "curves beside a ratio that has a p-value alone": (
        "ratios:\n  - {name: a, ratio: 5.1, p: 0.0001, endpoint: OS, groups: [a, b]}\nsurvival:\n"
        + CURVES.replace("60", "79") % "OS", "hazard_ratio", "1.06"),
}  # fmt: skip
NOTES: dict[str, tuple[str, str, str]] = {
    "an interval over 1 beside p = .04": (
        "ratios:\n  - {name: a, ratio: 1.61, low: 0.98, high: 2.64, p: 0.04}", "interval_and_p", "holds 1"),
    "an interval without 1 beside p = .06": (
        "ratios:\n  - {name: a, ratio: 1.65, low: 1.01, high: 2.69, p: 0.06}", "interval_and_p", "does not hold 1"),
    "curves that imply a ratio outside its interval": (
        "ratios:\n  - {name: a, ratio: 5.1, low: 3.0, high: 8.7, endpoint: OS, groups: [a, b]}\nsurvival:\n"
        + CURVES % "OS", "hazard_ratio_outside", "2.29"),
}  # fmt: skip


def _claims(folder: Path, text: str) -> Claims:
    (folder / "claims.yaml").write_text(f"title: t\n{text}\n", encoding="utf-8")
    return load_claims(folder / "claims.yaml")


@pytest.mark.parametrize("name", KINDS)
def test_a_printed_mistake_is_found_and_nothing_else(name: str, tmp_path: Path) -> None:
    text, code, words = KINDS[name]
    found = [finding for finding in audit(_claims(tmp_path, text)) if finding.severity == "contradiction"]
    assert {str(finding.code) for finding in found} == {code}
    assert any(words in finding.message for finding in found), [finding.message for finding in found]


def test_there_are_twenty_kinds() -> None:
    assert len(KINDS) >= 20


@pytest.mark.parametrize("name", NOTES)
def test_what_is_only_odd_is_a_note(name: str, tmp_path: Path) -> None:
    text, code, words = NOTES[name]
    (found,) = audit(_claims(tmp_path, text))
    assert (found.severity, str(found.code)) == ("note", code)
    assert words in found.message


def test_a_ratio_may_stand_without_interval_and_one_bound_may_not(tmp_path: Path) -> None:
    assert audit(_claims(tmp_path, "ratios:\n  - {name: a, ratio: 2.0, p: 0.01}")) == ()
    with pytest.raises(FileInvalid, match="one of them alone; allowed: both bounds, or neither"):
        _claims(tmp_path, "ratios:\n  - {name: a, ratio: 2.0, low: 1.1}")


def _true_claims(seed: int) -> str:
    """Return claims printed from one simulated cohort: a table, an area, curves, a hazard ratio, a recurrence rate."""
    draw = np.random.default_rng(seed)
    n, comma = int(draw.integers(80, 600)), bool(seed % 2)
    positive = draw.random(n) < draw.uniform(0.15, 0.5)
    score = draw.normal(positive * draw.uniform(0.3, 2.0), 1.0)
    called = score > draw.uniform(0.0, 1.0)
    tp, fn, fp, tn = (int((positive == a)[called == b].sum()) for a, b in ((1, 1), (1, 0), (0, 1), (0, 0)))

    def text(value: float, digits: int) -> str:
        shown = f"{value:.{digits}f}"
        return f'"{shown.replace(".", ",")}"' if comma else shown

    def percent(value: float) -> str:
        shown = f"{100 * value:.1f} %"
        return f'"{shown.replace(".", ",")}"' if comma else shown

    lines = ["tables:", f"  - {{name: status, n: {n}, tp: {tp}, fn: {fn}, fp: {fp}, tn: {tn}"]
    if tp and tn and fp:
        rates = {"sensitivity": tp / (tp + fn), "specificity": tn / (fp + tn), "ppv": tp / (tp + fp)}
        lines[-1] += "".join(f", {name}: {percent(value)}" for name, value in rates.items())
        lines[-1] += f", f1: {text(2 * tp / (2 * tp + fp + fn), 3)}"
        lines[-1] += f", lr_positive: {text(rates['sensitivity'] / (1 - rates['specificity']), 2)}"
    area = area_under_roc(positive, score)
    lines[-1] += "}"
    if area.low is not None and area.high is not None:
        bounds = f"low: {text(area.low, 3)}, high: {text(area.high, 3)}"
        sizes = f"positives: {int(positive.sum())}, negatives: {int((~positive).sum())}"
        lines += ["areas:", f"  - {{name: score, area: {text(area.value, 3)}, {bounds}, {sizes}}}"]
    recurrence = draw.exponential(1 / (draw.uniform(0.05, 0.2) * np.exp(draw.uniform(0.0, 1.2) * positive)))
    death = np.minimum(recurrence + draw.exponential(3.0, n), draw.exponential(30.0, n))
    end = draw.uniform(3.0, 9.0, n)
    endpoints = {
        "RFS": Followup(
            np.minimum.reduce([recurrence, death, end]), (np.minimum(recurrence, death) <= end).astype(int)
        ),
        "OS": Followup(np.minimum(death, end), (death <= end).astype(int)),
    }
    groups = group_by(np.where(positive, "positive", "negative"))
    ratios, curves = ["ratios:"], ["survival:"]
    for name, observed in endpoints.items():
        for time in (1, 3, 5):
            shares = {
                label: survival_at(kaplan_meier(observed.take(rows)), [time])[0].value for label, rows in groups
            } | {"all": survival_at(kaplan_meier(observed), [time])[0].value}
            shares = {label: share for label, share in shares.items() if not np.isnan(share)}
            told = ", ".join(f"{label}: {percent(share)}" for label, share in shares.items())
            curves.append(f"  - {{endpoint: {name}, time: {time} years, groups: {{{told}}}}}")
            if name == "RFS":
                fallen = ", ".join(f"{label}: {percent(1 - share)}" for label, share in shares.items())
                curves.append(f"  - {{endpoint: recurrence or death rate, time: {time} years, groups: {{{fallen}}}}}")
        table = pd.DataFrame({"positive": positive.astype(float)})
        ratio = cox(observed, design(table, [Number("positive")])).coefficients[0].hazard_ratio
        p_value = log_rank(observed, groups).test.p_value
        printed = "<0.001" if p_value < 0.001 else f"{p_value:.3f}"
        low, high = (text(bound or 0.0, 2) for bound in (ratio.low, ratio.high))
        p_text = f'"{printed.replace(".", ",")}"' if comma else printed
        ratios.append(
            f"  - {{name: {name}, ratio: {text(ratio.value, 2)}, low: {low}, high: {high}, p: {p_text}, "
            f"endpoint: {name}, groups: [positive, negative]}}"
        )
    return "\n".join([*lines, *ratios, *curves])


def test_five_hundred_sets_of_claims_from_simulated_cohorts_are_let_pass(tmp_path: Path) -> None:
    found: list[tuple[int, Finding]] = []
    for seed in range(500):
        claims = _claims(tmp_path, _true_claims(seed))
        found += [(seed, finding) for finding in audit(claims) if finding.severity == "contradiction"]
    assert [(seed, finding.message) for seed, finding in found] == []
