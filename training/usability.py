"""Whether what was measured is worth a model: floors for the lower bounds of cross-fitted figures, and for their cases.

A model that misses every node still has thresholds that are the best of those tried. So the figures that no threshold
was chosen on are held against floors: below them the evaluation says "not usable", and a bundle has to say "unproven".
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from base.errors import SettingInvalid
from training.case_figures import CaseFigures
from training.choosing import at_point, cross_fitted_cases

RESAMPLES: Final = 1000
"""Bootstrap samples of whole cases."""

LOWER_PERCENTILE: Final = 2.5
"""The lower end of a 95 % interval."""


@dataclass(frozen=True)
class Floors:
    """Least values of the lower bounds.

    They part what failed from what may be looked at, not good models from better ones: below them a model is worth less
    than the toss of a coin.
    """

    sensitivity: float = 0.5
    """Of nodes from 5 mm, each fold judged by the thresholds that the others' cases chose."""

    precision: float = 0.5
    """Positive predictive value of nodes reported from 5 mm, likewise."""

    dice: float = 0.4
    """Mean Dice of all nodes, and of each station; of label maps, which no threshold moves."""

    cases: int = 20
    """Least number of cases behind each of these: with true nodes, with reported nodes, with the structure."""

    def lowered(self) -> list[str]:
        """Return the names of the floors that lie below the default ones."""
        standard = Floors()
        return [name for name, value in asdict(self).items() if value < getattr(standard, name)]


@dataclass(frozen=True)
class Bound:
    """One figure with its lower bound."""

    value: float | None
    lower: float | None
    """None without a case."""

    cases: int
    floor: float

    def faults(self, name: str, least_cases: int) -> list[str]:
        """Return in words what of it lies below a floor."""
        found = []
        if self.lower is None or self.lower < self.floor:
            got = "no case has it" if self.lower is None else f"{self.lower:.2f} at its lower bound"
            found.append(f"{name}: {got}, floor {self.floor:g}")
        if self.cases < least_cases:
            found.append(f"{name}: {self.cases} cases behind it, floor {least_cases}")
        return found


def parse_floors(given: Sequence[str]) -> Floors:
    """Return the floors with those given as `sensitivity=0.6`; raises `SettingInvalid`."""
    floors = Floors()
    for text in given:
        name, _, value = text.partition("=")
        try:
            number = float(value)
            if name not in asdict(floors) or not 0 <= number <= (10_000 if name == "cases" else 1):
                raise ValueError
        except ValueError as error:
            allowed = f"NAME=VALUE with {', '.join(asdict(floors))}; shares from 0 to 1"
            raise SettingInvalid("floor", text, allowed) from error
        change: dict[str, Any] = {name: int(number) if name == "cases" else number}
        floors = replace(floors, **change)
    return floors


def judge(cases: Sequence[CaseFigures], temperature: float, floors: Floors) -> dict[str, Any]:
    """Return the verdict as plain values: `usable`, `proven`, `reasons`, and every bound with its floor.

    Usable is what reaches the floors. Proven is that at the default floors or higher ones, with every case out-of-fold.
    """
    found = bounds(cases, temperature, floors)
    reasons = [fault for name, bound in found.items() for fault in bound.faults(name, floors.cases)]
    doubted = sum(case.doubt is not None for case in cases)
    doubts = [f"{doubted} of {len(cases)} cases are not out-of-fold"] if doubted else []
    lowered = [f"floors were lowered: {', '.join(floors.lowered())}"] if floors.lowered() else []
    return {
        "usable": not reasons and not doubts,
        "proven": not (reasons or doubts or lowered),
        "reasons": [*reasons, *doubts, *lowered],
        "floors": asdict(floors),
        "bounds": {name: asdict(bound) for name, bound in found.items()},
    }


def bounds(cases: Sequence[CaseFigures], temperature: float, floors: Floors) -> dict[str, Bound]:
    """Return the figures that are held against floors, by name."""
    counts = [at_point([case], point) for case, point in cross_fitted_cases(cases, temperature)]
    found = {
        "node sensitivity from 5 mm": _ratio([(c.found, c.true) for c in counts], floors.sensitivity),
        "node precision from 5 mm": _ratio([(c.right, c.reported) for c in counts], floors.precision),
    }
    for name in ("external_iliac_inguinal", "obturator", "internal_iliac", "node"):
        dice = [case.overlaps[name].dice for case in cases]
        found[f"Dice {name}"] = _ratio([(value, 1) for value in dice if value is not None], floors.dice)
    return found


def _ratio(parts: Sequence[tuple[float, int]], floor: float) -> Bound:
    """Return a sum of shares over a sum of counts, with its bound by a bootstrap of the cases that count."""
    counted = np.array([part for part in parts if part[1]], dtype=np.float64).reshape(-1, 2)
    if not len(counted):
        return Bound(None, None, 0, floor)
    random = np.random.default_rng(12345)
    drawn = counted[random.integers(0, len(counted), (RESAMPLES, len(counted)))].sum(axis=1)
    lower = float(np.percentile(drawn[:, 0] / drawn[:, 1], LOWER_PERCENTILE))
    value = float(counted[:, 0].sum() / counted[:, 1].sum())
    return Bound(round(value, 4), round(lower, 4), len(counted), floor)
