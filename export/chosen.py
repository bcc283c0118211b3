"""The operating point that `sidewall-train evaluate` chose on out-of-fold cases, as rules of a bundle."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from base.errors import SettingInvalid
from core.rules import ScoringRules

CHOSEN_RULES: Final = ("temperature", "node_threshold", "min_mean_posterior")
"""The rules that a chosen.json gives, all of them."""


def with_chosen(rules: ScoringRules, path: Path | None, given: dict[str, float | None]) -> ScoringRules:
    """Return the rules with those of a chosen.json, or else with the ones `given` singly (name -> value or None).

    The source says how they were chosen. Raises `SettingInvalid` when the file is none, or when a rule of it is given
    singly as well.
    """
    single: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if path is None:
        return replace(rules, **single)
    if single:
        raise SettingInvalid("chosen", str(path), f"either the file or {', '.join(sorted(single))} by itself")
    values, basis = _read(path)
    said = f"{', '.join(CHOSEN_RULES)}: chosen on {basis['out_of_fold_cases']} out-of-fold cases by the"
    return replace(rules, **values, source=f"{rules.source}; {said} {basis['criterion']}")


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    allowed = f"a chosen.json of sidewall-train evaluate, with {', '.join(CHOSEN_RULES)}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        values = {name: float(content["rules"][name]) for name in CHOSEN_RULES}
        basis = {name: content["chosen_on"][name] for name in ("out_of_fold_cases", "criterion")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingInvalid("chosen", str(path), allowed) from error
    shares = (values["node_threshold"], values["min_mean_posterior"])
    if values["temperature"] <= 0 or not all(0 <= share < 1 for share in shares):
        raise SettingInvalid("chosen", str(values), "a temperature above 0 and shares from 0 to below 1")
    return values, basis
