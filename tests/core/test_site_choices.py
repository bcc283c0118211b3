"""A site's own thresholds and outcomes of gates."""

import pytest

from base.errors import SettingInvalid
from core.findings import Gate
from core.rules import ScoringRules
from core.site_choices import CHANGEABLE_GATES, changeable_rules, with_site_outcomes, with_site_rules

RULES = ScoringRules(short_axis_cutoff_mm=7.0)


def test_a_changed_threshold_is_used_and_both_values_are_said() -> None:
    rules = with_site_rules(RULES, {"short_axis_cutoff_mm": 5, "node_threshold": RULES.node_threshold})
    assert rules.short_axis_cutoff_mm == 5.0
    assert rules.borderline_band_mm == RULES.borderline_band_mm
    assert rules.id == f"{RULES.id}+site"
    assert rules.source == f"{RULES.source}; set by the site: short_axis_cutoff_mm 5 (bundle: 7)"


def test_the_bundles_own_values_change_nothing() -> None:
    assert with_site_rules(RULES, {}) is RULES
    assert with_site_rules(RULES, {"short_axis_cutoff_mm": 7.0}) is RULES


def test_a_site_changes_the_cutoffs_of_the_features_as_it_does_sizes() -> None:
    rules = with_site_rules(RULES, {"irregular_border_cutoff": 0.04, "heterogeneous_signal_cutoff": 0.3})
    assert (rules.irregular_border_cutoff, rules.heterogeneous_signal_cutoff) == (0.04, 0.3)
    assert rules.source.endswith(
        "set by the site: heterogeneous_signal_cutoff 0.3 (bundle: 0.24), irregular_border_cutoff 0.04 (bundle: 0.03)"
    )
    assert {name for name in changeable_rules() if "feature" in name} == {"feature_min_short_axis_mm"}
    assert {name for name in changeable_rules() if "restaging" in name} == {
        "restaging_internal_iliac_cutoff_mm", "restaging_obturator_cutoff_mm"
    }  # fmt: skip


def test_only_numbers_of_the_rules_may_be_changed() -> None:
    assert "short_axis_cutoff_mm" in changeable_rules()
    for name in ("id", "source", "cutoff", "temperature"):
        assert name not in changeable_rules()
        with pytest.raises(SettingInvalid, match="no such rule"):
            with_site_rules(RULES, {name: 1.0})


def test_a_site_turns_warnings_into_refusals_and_nothing_else() -> None:
    gates = [Gate(str(code), outcome, "") for code in CHANGEABLE_GATES for outcome in ("pass", "warn")]
    strict = with_site_outcomes(gates, {"midline": "refuse", "node_count": "warn"})
    changed = [(before.code, after.outcome) for before, after in zip(gates, strict, strict=True) if before != after]
    assert changed == [("midline", "refuse")]
