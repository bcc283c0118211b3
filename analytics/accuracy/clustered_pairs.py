"""Two tests on the same sides, stations or nodes, of which those of one patient are not independent."""

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from analytics.accuracy.bootstrap import sums_by_patient
from analytics.accuracy.columns import FloatArray, binary_column, check_lengths
from analytics.accuracy.paired import PairedComparison
from analytics.accuracy.proportions import normal_quantile
from analytics.estimate import Estimate, HypothesisTest

_EXACT_BELOW = 25
"""Patients with a difference below which the chi-square approximation is not trusted, as for McNemar's test."""


def compare_clustered_predictions(
    truth: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, patients: npt.ArrayLike, level: float = 0.95
) -> dict[str, PairedComparison]:
    """Return the differences in accuracy, sensitivity and specificity of two tests (n,) of units that share patients.

    As `clustered_difference` makes them. Raises ValueError for columns that are none, or of unequal length.
    """
    reference, one, two = (
        binary_column(name, column) for name, column in (("truth", truth), ("first", first), ("second", second))
    )
    ids = np.asarray(patients)
    check_lengths(truth=reference, first=one, second=two, patients=ids)
    right_one, right_two = one == reference, two == reference
    chosen = {"accuracy": np.ones_like(reference), "sensitivity": reference, "specificity": ~reference}
    return {
        name: clustered_difference(right_one[inside], right_two[inside], ids[inside], level)
        for name, inside in chosen.items()
    }


def clustered_difference(
    first: npt.ArrayLike, second: npt.ArrayLike, patients: npt.ArrayLike, level: float = 0.95
) -> PairedComparison:
    """Return the difference of two shares of truth values (n,) of units that share patients (n,), and its test.

    Obuchowski, Stat Med 1998;17:1495-1507: every patient's sum of differences is one observation. Interval with the
    variance about the difference found; test with the variance where there is none, which is
    (m - 1) / m (sum d)^2 / (sum d^2) over m patients (Yang, Sun and Hardin, Biom J 2010;52:638-652). With fewer than
    25 patients that differ, the test is exact: each patient's difference may as well have the other sign. With one
    unit per patient that is the exact McNemar test.
    """
    one, two = binary_column("first", first), binary_column("second", second)
    check_lengths(first=one, second=two, patients=np.asarray(patients))
    each = np.stack([one.astype(np.float64) - two, np.ones(len(one))], axis=1)
    sums = sums_by_patient(patients, each)
    return PairedComparison(_difference(sums, level), _test(sums[:, 0], len(one)))


def _difference(sums: FloatArray, level: float) -> Estimate:
    """Return the difference from each patient's sum of differences and number of units (patients, 2)."""
    method = "difference of paired proportions, Obuchowski interval by patient"
    size, n = len(sums), int(sums[:, 1].sum())
    if n == 0:
        return Estimate(math.nan, None, None, method, 0, level=level, note="not defined: no units")
    value = float(sums[:, 0].sum()) / n
    spread = float(((sums[:, 0] - value * sums[:, 1]) ** 2).sum())
    if size < 2 or spread == 0:
        note = f"no interval: {size} patients" if size < 2 else "no interval: the difference is that of every patient"
        return Estimate(value, None, None, method, n, level=level, note=note)
    reach = normal_quantile(level) * math.sqrt(size / (size - 1) * spread) / n
    return Estimate(value, max(-1.0, value - reach), min(1.0, value + reach), method, n, level=level)


def _test(differences: FloatArray, n: int) -> HypothesisTest:
    apart = differences[differences != 0]
    details = {"patients": float(len(differences)), "patients_that_differ": float(len(apart))}
    if len(apart) < _EXACT_BELOW:
        method = "exact test of paired units by patient (signs)"
        note = None if len(apart) else "no patient differs"
        return HypothesisTest(math.nan, sign_p_value(apart), method, n, note=note, details=details)
    size = len(differences)
    statistic = (size - 1) / size * float(apart.sum()) ** 2 / float((apart**2).sum())
    method = "Obuchowski test of paired proportions by patient"
    return HypothesisTest(statistic, float(chi2.sf(statistic, 1)), method, n, 1.0, details=details)


def sign_p_value(differences: FloatArray) -> float:
    """Return how probable a sum of whole differences (n,) at least as far from 0 is where every sign is a coin's.

    Fisher's randomisation test (The Design of Experiments, 1935, section 21), over all 2^n signs at once.
    """
    sizes = np.abs(differences).astype(np.int64)
    total, seen = int(sizes.sum()), abs(int(differences.sum()))
    # The share of signs whose negative part sums to each number from 0 to the total.
    shares = np.zeros(total + 1)
    shares[0] = 1.0
    for size in sizes:
        moved = np.zeros_like(shares)
        moved[size:] = shares[: total + 1 - size]
        shares = (shares + moved) / 2
    return float(min(1.0, shares[np.abs(total - 2 * np.arange(total + 1)) >= seen].sum()))
