"""Whether two factors act together: the product term, and departure from additivity before anyone says synergy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Covariate, Design, Number, Term, design
from analytics.survival.errors import InvalidCovariate
from analytics.survival.intervals import chi_square_p, critical_value
from analytics.survival.times import FloatArray, Followup, Groups

_PROPORTION = "attributable proportion, delta method on the log(1 - AP) scale"


@dataclass(frozen=True)
class ProductTerm:
    """Interaction on the multiplicative scale."""

    test: HypothesisTest
    """Likelihood-ratio test of all product columns."""

    ratios: tuple[Estimate, ...]
    """Ratio of hazard ratios of each product column; 1 means no interaction."""

    model: CoxModel


@dataclass(frozen=True)
class AdditiveInteraction:
    """Interaction on the additive scale of two factors that are present or absent (Hosmer & Lemeshow 1992)."""

    first_alone: Estimate
    second_alone: Estimate
    both: Estimate
    """Hazard ratios against patients with neither."""

    excess: Estimate
    """Relative excess risk due to interaction (RERI), HR11 - HR10 - HR01 + 1; above 0 is more than additive."""

    proportion: Estimate
    """Proportion of the hazard of both that is due to interaction (AP), RERI / HR11; interval on log(1 - AP)."""

    plain_proportion: Estimate
    """AP with the symmetric interval of Hosmer & Lemeshow, too short on the side of 0 in small studies."""

    synergy_index: Estimate
    """S, (HR11 - 1) / (HR10 + HR01 - 2); interval on the log scale."""

    n: int
    n_events: int

    @property
    def wording(self) -> str:
        """The one word that the data allow: `synergistic` only where the interval of the excess lies above 0."""
        low, high = self.excess.low, self.excess.high
        if low is not None and low > 0:
            return "synergistic"
        return "less than additive" if high is not None and high < 0 else "no departure from additivity shown"


def product_term(
    followup: Followup,
    table: pd.DataFrame,
    first: Covariate,
    second: Covariate,
    adjusted_for: Sequence[Covariate] = (),
    strata: Groups | None = None,
) -> ProductTerm:
    """Compare the model with both covariates to the one with all products of their columns as well."""
    without = design(table, [first, second, *adjusted_for])
    together = _with_products(without)
    small, large = cox(followup, without, strata), cox(followup, together, strata)
    columns = together.terms[-1].columns
    statistic = 2 * (large.log_likelihood - small.log_likelihood)
    name = f"likelihood-ratio test of the interaction {together.terms[-1].name}"
    ratios = tuple(
        replace(large.coefficients[column].hazard_ratio, method=f"ratio of hazard ratios, {together.columns[column]}")
        for column in columns
    )
    test = HypothesisTest(statistic, chi_square_p(statistic, len(columns)), name, large.n, len(columns))
    return ProductTerm(test, ratios, large)


def additive_interaction(
    followup: Followup,
    table: pd.DataFrame,
    first: str,
    second: str,
    adjusted_for: Sequence[Covariate] = (),
    strata: Groups | None = None,
    level: float = 0.95,
) -> AdditiveInteraction:
    """Return RERI, AP and S of two columns that hold 0 and 1 (or False and True), with delta-method intervals.

    Raises InvalidCovariate for columns that hold anything else.
    """
    a, b = (_indicator(table, name) for name in (first, second))
    coded = table.assign(_first_alone=a * (1 - b), _second_alone=(1 - a) * b, _both=a * b)
    names = ("_first_alone", "_second_alone", "_both")
    model = cox(followup, design(coded, [*(Number(name) for name in names), *adjusted_for]), strata, level=level)
    joint = _Joint(np.exp(model.beta[:3]), model.covariance[:3, :3], model.n, model.n_events, level)
    labels = (f"{first} alone", f"{second} alone", f"{first} and {second}")
    alone, other, both = (
        replace(item.hazard_ratio, method=f"hazard ratio of {label} against neither, Wald interval")
        for item, label in zip(model.coefficients[:3], labels, strict=True)
    )
    return AdditiveInteraction(
        first_alone=alone,
        second_alone=other,
        both=both,
        excess=joint.excess(),
        proportion=joint.proportion(),
        plain_proportion=joint.plain_proportion(),
        synergy_index=joint.synergy_index(),
        n=model.n,
        n_events=model.n_events,
    )


@dataclass(frozen=True)
class _Joint:
    """Hazard ratios of first alone, second alone and both, shape (3,), with the covariance of their logarithms."""

    ratios: FloatArray
    covariance: FloatArray
    n: int
    n_events: int
    level: float

    def excess(self) -> Estimate:
        r10, r01, r11 = self.ratios
        gradient = np.array([-r10, -r01, r11])
        return self._normal(r11 - r10 - r01 + 1, gradient, "relative excess risk due to interaction")

    def proportion(self) -> Estimate:
        """Return AP = 1 - (HR10 + HR01 - 1) / HR11 with the delta method on the logarithm of that ratio.

        Its logarithm is nearer to normal than AP, whose upper end is 1 (on the skewness: Assmann et al., Epidemiology
        1996;7:286-290; Zou, Am J Epidemiol 2008;168:212-224).
        """
        r10, r01, r11 = self.ratios
        alone = r10 + r01 - 1
        if alone <= 0:
            note = "no interval: the factors alone lower the hazard too much; code them the other way round"
            return replace(self.plain_proportion(), low=None, high=None, method=_PROPORTION, note=note)
        reach = self._reach(np.array([r10 / alone, r01 / alone, -1.0]))
        low, high = (float(1 - alone / r11 * np.exp(sign * reach)) for sign in (1, -1))
        return replace(self.plain_proportion(), low=low, high=high, method=_PROPORTION)

    def plain_proportion(self) -> Estimate:
        r10, r01, r11 = self.ratios
        gradient = np.array([-r10, -r01, r10 + r01 - 1]) / r11
        return self._normal((r11 - r10 - r01 + 1) / r11, gradient, "attributable proportion")

    def synergy_index(self) -> Estimate:
        r10, r01, r11 = self.ratios
        method = "synergy index, delta method on the log scale"
        above, below = r11 - 1, r10 + r01 - 2
        if not (above > 0 and below > 0):
            note = "the factors do not raise the hazard, alone and together, so that S has no meaning"
            return Estimate(float("nan"), None, None, method, self.n, self.n_events, self.level, note)
        gradient = np.array([-r10 / below, -r01 / below, r11 / above])
        width = self._reach(gradient)
        value = float(np.log(above / below))
        low, high = float(np.exp(value - width)), float(np.exp(value + width))
        return Estimate(float(np.exp(value)), low, high, method, self.n, self.n_events, self.level)

    def _reach(self, gradient: FloatArray) -> float:
        """Return the half width of the interval of what has this gradient by the logarithms of the ratios."""
        return critical_value(self.level) * float(np.sqrt(gradient @ self.covariance @ gradient))

    def _normal(self, value: float, gradient: FloatArray, name: str) -> Estimate:
        width = self._reach(gradient)
        # Additivity of protective factors means something else (Knol et al. 2011).
        protective = min(self.ratios[:2]) < 1
        return Estimate(
            value=float(value),
            low=float(value - width),
            high=float(value + width),
            method=f"{name}, delta method",
            n=self.n,
            count=self.n_events,
            level=self.level,
            note="one factor alone lowers the hazard; code it the other way round" if protective else None,
        )


def _with_products(without: Design) -> Design:
    first, second = without.terms[:2]
    pairs = [(i, j) for i in first.columns for j in second.columns]
    products = np.stack([without.matrix[:, i] * without.matrix[:, j] for i, j in pairs], axis=1)
    start = len(without.columns)
    name = f"{first.name} x {second.name}"
    return replace(
        without,
        matrix=np.hstack([without.matrix, products]),
        columns=(*without.columns, *(f"{without.columns[i]} x {without.columns[j]}" for i, j in pairs)),
        terms=(*without.terms, Term(name, tuple(range(start, start + len(pairs))))),
    )


def _indicator(table: pd.DataFrame, name: str) -> "pd.Series[float]":
    if name not in table:
        raise InvalidCovariate(f"factor {name} is not a column of the table")
    values = table[name].astype(float) if pd.api.types.is_numeric_dtype(table[name]) else None
    if values is None or not set(values.dropna().unique()) <= {0.0, 1.0}:
        raise InvalidCovariate(f"factor {name} has to hold 0 and 1 alone for an additive interaction")
    return values
