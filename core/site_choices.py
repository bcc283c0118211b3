"""What a site may choose: its own thresholds in place of the bundle's, and which quality gates refuse."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Final, Literal

from base.errors import SettingInvalid
from core.errors import RefusalCode
from core.findings import Gate, GateOutcome
from core.rules import ScoringRules

FilteredImages = Literal["refuse", "warn"]
"""What becomes of images that call themselves derived and were filtered at most."""

CHANGEABLE_GATES: Final = (
    RefusalCode.FIELD_OF_VIEW,
    RefusalCode.INPUT_STATISTICS,
    RefusalCode.FAR_FROM_TRAINING,
    RefusalCode.GREY_LEVELS,
    RefusalCode.ODD_SLICES,
    RefusalCode.DEAD_ZONES,
    RefusalCode.IMAGE_ARTEFACTS,
    RefusalCode.MIDLINE,
    RefusalCode.STATIONS_MISSING,
    RefusalCode.STATIONS_IMBALANCE,
    RefusalCode.NODES_OUTSIDE_STATIONS,
    RefusalCode.NODE_COUNT,
    RefusalCode.FOLD_AGREEMENT,
)
"""Gates that warn, and refuse where the site says so; what makes reading impossible always refuses."""

IMAGE_GATES: Final = (
    RefusalCode.FAR_FROM_TRAINING,
    RefusalCode.GREY_LEVELS,
    RefusalCode.ODD_SLICES,
    RefusalCode.DEAD_ZONES,
    RefusalCode.IMAGE_ARTEFACTS,
)
"""Those of them that ask whether the image is one."""

_SHARES: Final = ("threshold", "probability", "posterior")
"""Endings of the names of rules that are shares, 0 to 1; all others are sizes or cut-offs, at least 0."""

_LARGEST: Final = 1e6
"""Far beyond any size in mm or mm3."""


def changeable_rules() -> tuple[str, ...]:
    """Return the names of the numeric rules, which a site may change; the temperature belongs to the model."""
    return tuple(
        each.name for each in fields(ScoringRules) if isinstance(each.default, float) and each.name != "temperature"
    )


def with_site_rules(rules: ScoringRules, values: Mapping[str, float]) -> ScoringRules:
    """Return the rules with a site's values in place of the bundle's, and a name and source that say so.

    Raises `SettingInvalid` on a name that is no numeric rule and on a value outside its range.
    """
    for name, value in values.items():
        check_site_rule(name, value)
    changed = {name: float(value) for name, value in values.items() if value != getattr(rules, name)}
    if not changed:
        return rules
    said = ", ".join(f"{name} {value:g} (bundle: {getattr(rules, name):g})" for name, value in sorted(changed.items()))
    return replace(rules, **changed, id=f"{rules.id}+site", source=f"{rules.source}; set by the site: {said}")


def check_site_rule(name: str, value: float) -> None:
    """Raise `SettingInvalid` when a site may not give a rule this value."""
    if name not in changeable_rules():
        raise SettingInvalid(f"rules.{name}", value, f"no such rule; the rules are {', '.join(changeable_rules())}")
    highest = highest_of_rule(name)
    if not (math.isfinite(value) and 0 <= value <= highest):
        raise SettingInvalid(f"rules.{name}", value, f"0 to {highest:g}")


def highest_of_rule(name: str) -> float:
    """Return the highest value that a rule may have; the lowest is 0."""
    return 1.0 if name.endswith(_SHARES) else _LARGEST


def with_site_outcomes(gates: Iterable[Gate], outcomes: Mapping[str, GateOutcome]) -> tuple[Gate, ...]:
    """Return the gates with `warn` turned into `refuse` where the site's outcomes (code -> outcome) say so."""
    return tuple(
        replace(gate, outcome="refuse") if gate.outcome == "warn" and outcomes.get(gate.code) == "refuse" else gate
        for gate in gates
    )


def check_site_outcome(code: str, outcome: str) -> None:
    """Raise `SettingInvalid` when a site may not give a gate this outcome."""
    if code not in list(CHANGEABLE_GATES):
        raise SettingInvalid(f"gates.{code}", outcome, f"no such gate; the gates are {', '.join(CHANGEABLE_GATES)}")
    if outcome not in ("warn", "refuse"):
        raise SettingInvalid(f"gates.{code}", outcome, "warn or refuse")
