"""The patients of a cohort: hospital, covariates that go with the severity of the tumour, and lateral status."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from analytics.simulation.design import CohortDesign
from analytics.simulation.design_parts import Graded, Measured
from analytics.simulation.nodes import BoolArray, FloatArray, IntArray

StrArray = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Patients:
    """Patients before anybody looked at them; all arrays have shape (patients,)."""

    hospital: IntArray
    """Index into the design's hospitals; those of the training hospitals come first."""

    graded: dict[str, IntArray]
    """By covariate: index of the level."""

    measured: dict[str, FloatArray]
    """By covariate, rounded as written."""

    node_positive: BoolArray

    def __len__(self) -> int:
        return len(self.hospital)


def draw_patients(rng: np.random.Generator, design: CohortDesign) -> Patients:
    """Return the training patients, then those of the external test."""
    hospital = np.concatenate(
        [_hospitals(rng, design, False, design.training_patients), _hospitals(rng, design, True, design.test_patients)]
    )
    severity = np.array([each.severity for each in design.hospitals])[hospital] + rng.standard_normal(len(hospital))
    return Patients(
        hospital=hospital,
        graded={each.name: _levels(rng, each, severity) for each in design.graded},
        measured={each.name: _values(rng, each, severity) for each in design.measured},
        node_positive=_latent(rng, design.nodes.loading, severity) > -ndtri(design.nodes.prevalence),
    )


def draw_scanners(rng: np.random.Generator, design: CohortDesign, patients: Patients) -> StrArray:
    """Return the maker of the scanner of each patient, shape (patients,), one of those of the hospital."""
    drawn, makers = rng.random(len(patients)), [hospital.scanners for hospital in design.hospitals]
    return np.array(
        [makers[row][int(share * len(makers[row]))] for row, share in zip(patients.hospital, drawn, strict=True)]
    )


def _hospitals(rng: np.random.Generator, design: CohortDesign, external: bool, count: int) -> IntArray:
    rows = [row for row, hospital in enumerate(design.hospitals) if hospital.external is external]
    shares = np.array([design.hospitals[row].share for row in rows])
    return np.sort(rng.choice(rows, count, p=shares / shares.sum()).astype(np.int64))


def _latent(rng: np.random.Generator, loading: float, severity: FloatArray) -> FloatArray:
    latent: FloatArray = loading * severity + np.sqrt(1 - loading**2) * rng.standard_normal(len(severity))
    return latent


def _levels(rng: np.random.Generator, covariate: Graded, severity: FloatArray) -> IntArray:
    latent = _latent(rng, covariate.loading, severity)
    return np.searchsorted(ndtri(np.cumsum(covariate.shares)[:-1]), latent).astype(np.int64)


def _values(rng: np.random.Generator, covariate: Measured, severity: FloatArray) -> FloatArray:
    deviation = covariate.spread * _latent(rng, covariate.loading, severity)
    values = covariate.centre * np.exp(deviation) if covariate.logarithmic else covariate.centre + deviation
    return np.asarray(np.clip(values, covariate.low, covariate.high).round(covariate.decimals), dtype=np.float64)
