import pytest

from analytics.audit.claims_file import read_claims
from analytics.audit.finding import Finding
from analytics.audit.run import audit
from analytics.errors import FileInvalid
from analytics.yaml_tree import parse_yaml


def findings_of(text: str) -> list[Finding]:
    return list(audit(read_claims(parse_yaml("title: t\n" + text, "claims.yaml"))))


def codes(text: str) -> list[str]:
    return [str(finding.code) for finding in findings_of(text)]


def test_figures_that_fit_only_with_a_majority_of_positives_are_noted_where_no_count_tells() -> None:
    text = "tables:\n  - {name: a, n: 480, accuracy: 87.50 %, sensitivity: 89.50 %, specificity: 73.77 %}\n"
    assert codes(text) == ["labels_doubtful"]


def test_a_claimed_minority_is_enough_to_tell_exchanged_labels() -> None:
    text = (
        "tables:\n  - {name: a, n: 480, accuracy: 87.50 %, sensitivity: 89.50 %, specificity: 73.77 %, "
        'positives: "<240"}\n'
    )
    assert codes(text) == ["labels_swapped", "no_information_rate"]


def test_a_very_large_table_without_a_sensitivity_is_named_as_not_searched() -> None:
    assert codes("tables:\n  - {name: a, n: 100000, accuracy: 87.50 %}\n") == ["not_searched"]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ("ratio: 2.0, low: 1.0, high: 4.0, p: 0.05", []),
        ("ratio: 2.0, low: 1.2, high: 3.3, p: 0.007, test: wald", []),
        ("ratio: 2.0, low: 1.2, high: 3.3, p: 0.02, test: wald", ["p_value"]),
        ("ratio: 2.0, low: 1.2, high: 3.3, p: 0.02, test: other", []),
        ("ratio: 2.0, low: 3.3, high: 1.2", ["interval_without_estimate"]),
        ("ratio: 2.0, low: 1.2, high: 4.0, interval: wald", ["interval_lopsided"]),
        ("ratio: 2.0, low: 1.15, high: 3.3, interval: unknown", []),
        ("ratio: 2.0, low: 1.31, high: 3.04, level: 90 %, p: 0.007, test: wald", []),
        ("ratio: 0.5, low: -0.1, high: 2.0, p: 0.4", "refused"),
    ],
)
def test_ratio_interval_and_p_value_are_held_against_each_other(figures: str, expected: object) -> None:
    text = f"ratios:\n  - {{name: r, {figures}}}\n"
    if expected == "refused":
        with pytest.raises(
            FileInvalid, match=r"claims.yaml, line 3: ratios\[0\].low is '-0.1'; allowed: a number from 0"
        ):
            codes(text)
        return
    assert codes(text) == expected


def test_survival_must_fall_with_time_and_be_lower_without_disease_than_at_all() -> None:
    falls = (
        "survival:\n  - {endpoint: OS, time: 1 year, groups: {a: 80 %}}\n  - {endpoint: OS, time: 3 years, groups: {a: "
    )
    assert codes(falls + "70 %}}\n") == []
    assert codes(falls + "85 %}}\n") == ["survival_rises"]
    assert codes(falls + "70 %}}\n  - {endpoint: DFS, time: 3 years, groups: {a: 75 %}}\n") == ["survival_rises"]


@pytest.mark.parametrize(
    ("median", "share", "expected"),
    [
        ("30 months", "45 %", []),
        ("30 months", "55 %", ["median"]),
        ("40 months", "45 %", ["median"]),
        ("not reached", "45 %", ["median"]),
        ("not reached", "50 %", []),
    ],
)
def test_the_curve_crosses_one_half_at_the_median(median: str, share: str, expected: list[str]) -> None:
    text = (
        f"survival:\n  - {{endpoint: OS, time: 36 months, groups: {{a: {share}}}}}\n"
        f"medians:\n  - {{endpoint: OS, group: a, median: {median}}}\n"
    )
    assert codes(text) == expected


def test_early_figures_may_stray_further_from_the_hazard_ratio_than_late_ones() -> None:
    ratio = "ratios:\n  - {name: r, ratio: 2.0, low: 1.3, high: 3.1, endpoint: OS, groups: [a, b]}\nsurvival:\n"
    early = "  - {endpoint: OS, time: 1 year, groups: {a: 97.0 %, b: 96.5 %}}\n"
    late = "  - {endpoint: OS, time: 5 years, groups: {a: 44.0 %, b: 66.0 %}}\n"
    assert codes(ratio + early + late) == []
    assert codes(ratio + late.replace("44.0", "64.5")) == ["hazard_ratio_outside"]
    assert codes(ratio + late.replace("44.0", "70.5")) == ["hazard_ratio"]


def test_a_count_in_a_sum_may_have_any_of_the_values_it_is_given() -> None:
    text = (
        "counts:\n  - {name: all, value: 10}\n  - {name: a, value: [4, 5]}\n  - {name: b, value: 5}\n"
        "sums:\n  - {total: all, parts: [a, b]}\n"
    )
    assert codes(text) == ["counts_conflict"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tabels: []\n", r"line 2: tabels is an unknown key; allowed: the keys title, .*; did you mean tables\?"),
        ("tables:\n  - {name: a, n: 4.5}\n", r"line 3: tables\[0\].n is '4.5'; allowed: a whole number from 1"),
        ("tables:\n  - {name: a}\n", r"line 3: tables\[0\] is without n; allowed: a mapping with name, n"),
        ("tables:\n  - {name: a, n: 4, accuracy: 50}\n", r"tables\[0\].accuracy is '50'; allowed: a share from 0 to 1"),
        ("agreement:\n  - {name: a, table: [[1, 2], [3]]}\n", r"rows of \[2, 1\] cells; allowed: a square table"),
        ("sums:\n  - {total: x, parts: [y]}\n", r"sums\[0\] is 'x'; allowed: names of counts: none is given"),
        ("ratios:\n  - {name: a, ratio: 1, low: 1, high: 1, groups: [a, a], endpoint: OS}\n", "two different groups"),
        ("title: twice\n", r"line 2: title is given twice; allowed: each key once"),
        ("tables: [\n", r"no YAML"),
        ("percentages:\n  - {name: a, share: 3 %, of: 10, count: 11}\n", r"count is '11'; allowed: at most 10"),
    ],
)
def test_a_claims_file_is_refused_with_line_and_field(text: str, message: str) -> None:
    with pytest.raises(FileInvalid, match=message):
        findings_of(text)
