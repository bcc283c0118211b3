"""The intervals of accuracy and agreement on one simulated cohort, by `kind: parameter`."""

from typing import Final

import numpy as np

from analytics.accuracy.bootstrap import Bootstrap
from analytics.accuracy.calibration import calibration
from analytics.accuracy.columns import BoolArray, FloatArray
from analytics.accuracy.figures import accuracy_figures, clustered_figures
from analytics.accuracy.proportions import proportion
from analytics.accuracy.roc import area_under_roc
from analytics.accuracy.table import counts_2x2
from analytics.agreement.cohen import cohen_kappa
from analytics.agreement.icc import intraclass_correlation
from analytics.agreement.icc_intervals import icc_of_sampled_readers, icc_of_these_readers
from analytics.agreement.limits import limits_of_agreement
from analytics.agreement.ratings import Ratings, pair_table, ratings_of
from analytics.agreement.readers import compare_with_model, light_kappa
from analytics.agreement.several_readers import fleiss_kappa, gwet_ac
from analytics.estimate import Estimate
from analytics.simulation.cohort import Cohort
from analytics.simulation.raters import Readings, discriminability
from benchmarks.coverage_truth import (
    MODEL_AND_REFERENCE,
    NORMAL_SIZE_SPREAD_MM,
    READER_BIAS_SPREAD_MM,
    READER_ERROR_MM,
    SIZE_CLASSES_MM,
    all_measured,
    model_and_reference_mm,
    size_class,
)

_PROPORTIONS: Final = ("accuracy", "sensitivity", "specificity", "ppv", "npv")
_DERIVED: Final = {
    "lr_positive": "log interval",
    "lr_negative": "log interval",
    "odds_ratio": "log interval",
    "balanced_accuracy": "Wilson combined (MOVER)",
    "f1": "Wilson of the Jaccard index",
    "mcc": "delta method on Fisher's z",
}
MANY_READERS: Final = 20
MANY_UNITS: Final = 350
MANY_PATIENTS: Final = 4800
PLAN: Final = Bootstrap(resamples=1000)
"""Half of the default number of resamples, to save time."""


def reader_intervals(cohort: Cohort) -> dict[str, Estimate]:
    """Return every interval of accuracy and agreement."""
    parts = (_accuracy, _nodes, _kappas, _sizes, _drawn_readers, _controls)
    return {name: estimate for part in parts for name, estimate in part(cohort).items()}


def _accuracy(cohort: Cohort) -> dict[str, Estimate]:
    truth = cohort.reference.positive
    found: dict[str, Estimate] = {}
    for name, readings in (("model", cohort.model), *cohort.readers.items()):
        table = counts_2x2(truth, readings.positive)
        wilson, exact = accuracy_figures(table), accuracy_figures(table, "clopper-pearson")
        found |= {f"Wilson: {figure} of {name}": wilson[figure] for figure in _PROPORTIONS}
        found |= {f"Clopper-Pearson: {figure} of {name}": exact[figure] for figure in _PROPORTIONS}
        found |= {f"{kind}: {figure} of {name}": wilson[figure] for figure, kind in _DERIVED.items()}
        both = readings.reported & cohort.reference.present
        right = both & (readings.region == cohort.reference.region)
        found[f"Wilson: region accuracy of {name}"] = proportion(int(right.sum()), int(both.sum()))
    found |= _areas("auc of model", truth, cohort.model.probability)
    calibrated = calibration(truth, cohort.model.probability)
    found["Wald: calibration slope of model"] = calibrated.slope
    found["Wald: calibration intercept of model"] = calibrated.intercept
    found["normal: Brier score of model"] = calibrated.brier
    return found


def _areas(name: str, truth: BoolArray, score: FloatArray) -> dict[str, Estimate]:
    return {
        f"DeLong, logit scale: {name}": area_under_roc(truth, score),
        f"DeLong, plain: {name}": area_under_roc(truth, score, scale="plain"),
    }


def _nodes(cohort: Cohort) -> dict[str, Estimate]:
    """Return figures over nodes that share patients; false alarms are negative nodes."""
    nodes, reported = cohort.nodes, cohort.model_nodes
    alarm = reported.true_node < 0
    called = np.zeros(len(nodes.patient), dtype=np.bool_)
    called[reported.true_node[~alarm]] = reported.positive[~alarm]
    truth = np.concatenate([nodes.positive, np.zeros(alarm.sum(), dtype=np.bool_)])
    predicted = np.concatenate([called, reported.positive[alarm]])
    patients = np.concatenate([nodes.patient, reported.patient[alarm]])
    found = {}
    for plan in (PLAN, Bootstrap(resamples=PLAN.resamples, kind="BCa")):
        figures = clustered_figures(truth, predicted, patients, plan)
        for name in ("sensitivity", "specificity", "ppv"):
            found[f"{plan.kind} bootstrap by patient: node {name} of model"] = figures[name]
    return found


def _kappas(cohort: Cohort) -> dict[str, Estimate]:
    raters: dict[str, Readings] = {**cohort.readers, "model": cohort.model}
    called = ratings_of({name: each.positive for name, each in raters.items()}, (False, True))
    readers = Ratings(called.raters[:-1], called.categories, called.codes[:, :-1])
    found = {
        f"Cohen's kappa, large-sample: kappa of {first} and {second}": cohen_kappa(
            pair_table(called.column(first), called.column(second), 2)
        )
        for first, second in called.pairs()
    }
    junior, senior = (size_class(cohort.readers[name]) for name in ("junior", "senior"))
    classes = pair_table(junior, senior, len(SIZE_CLASSES_MM) + 1)
    for weights in ("linear", "quadratic"):
        name = f"{weights} weighted kappa of junior and senior, size class"
        found[f"weighted kappa, large-sample: {name}"] = cohen_kappa(classes, weights)
    found["Fleiss' kappa, linearised: fleiss kappa of readers"] = fleiss_kappa(readers).coefficient
    found["Gwet's AC1, linearised: ac1 of readers"] = gwet_ac(readers).coefficient
    found["bootstrap: Light's kappa of readers"] = light_kappa(readers, plan=PLAN)
    compared = compare_with_model(called, "model", plan=PLAN)
    found["bootstrap: human-model less human-human kappa"] = compared.difference
    return found


def _sizes(cohort: Cohort) -> dict[str, Estimate]:
    found = {}
    for name, readings in (("model", cohort.model), *cohort.readers.items()):
        both = readings.reported & cohort.reference.present
        limits = limits_of_agreement(readings.short_axis_mm[both], cohort.reference.short_axis_mm[both])
        pair = f"{name} and reference"
        found[f"Bland-Altman, Student: short axis bias of {pair}"] = limits.bias
        found[f"Bland-Altman, Student: lower limit of agreement of {pair}"] = limits.lower
        found[f"Bland-Altman, Student: upper limit of agreement of {pair}"] = limits.upper
    everyone = all_measured(cohort)
    table = np.stack([each.short_axis_mm[everyone] for each in cohort.readers.values()], axis=1)
    absolute = icc_of_these_readers(model_and_reference_mm(cohort), "ICC2", plan=PLAN)
    found[f"ICC of these readers, bootstrap: {MODEL_AND_REFERENCE}"] = absolute
    return found | _consistency("ICC3 of the readers' short axes", table)


def _consistency(name: str, table: FloatArray) -> dict[str, Estimate]:
    return {
        f"ICC of these readers, bootstrap: {name}": icc_of_these_readers(table, plan=PLAN),
        f"ICC, F-based: {name}": intraclass_correlation(table, "ICC3").coefficient,
    }


def _absolute(name: str, table: FloatArray) -> dict[str, Estimate]:
    return {
        f"ICC of sampled readers, generalised: {name}": icc_of_sampled_readers(table, plan=PLAN),
        f"ICC, F-based: {name}": intraclass_correlation(table, "ICC2").coefficient,
    }


def _drawn_readers(cohort: Cohort) -> dict[str, Estimate]:
    """Return intraclass correlations of three readers drawn anew, of the cohort's nodes and of normal sizes."""
    rng = np.random.default_rng([cohort.seed, 2])
    sizes = cohort.reference.short_axis_mm[cohort.reference.present]
    normal = NORMAL_SIZE_SPREAD_MM * rng.standard_normal(len(sizes))
    bias = READER_BIAS_SPREAD_MM * rng.standard_normal(3)
    error = READER_ERROR_MM * rng.standard_normal((len(sizes), 3))
    return {
        **_absolute("ICC2 of readers drawn anew", sizes[:, None] + bias + error),
        **_absolute("ICC2 of readers drawn anew, normal sizes", normal[:, None] + bias + error),
        **_consistency("ICC3 of normal sizes", normal[:, None] + error),
    }


def _controls(cohort: Cohort) -> dict[str, Estimate]:
    """Return intervals on data that meet what their method assumes: should these cover, the code is not at fault."""
    rng = np.random.default_rng([cohort.seed, 3])
    normal = NORMAL_SIZE_SPREAD_MM * rng.standard_normal((MANY_UNITS, 1))
    bias = READER_BIAS_SPREAD_MM * rng.standard_normal(MANY_READERS)
    error = READER_ERROR_MM * rng.standard_normal((MANY_UNITS, MANY_READERS))
    positive = np.arange(MANY_PATIENTS) < MANY_PATIENTS * cohort.design.nodes.prevalence
    impression = rng.standard_normal(MANY_PATIENTS) + discriminability(cohort.design.model) * positive
    return {
        **_absolute("ICC2 of twenty readers drawn anew, normal sizes", normal + bias + error),
        **_areas("auc of model, ten times the patients", positive, impression),
    }
