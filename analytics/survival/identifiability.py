"""Whether coefficients have a finite estimate at all: collinear columns and perfectly separated events."""

import numpy as np

from analytics.survival.errors import CollinearCovariates, MonotoneLikelihood
from analytics.survival.partial_likelihood import RiskSets
from analytics.survival.times import FloatArray


def refuse_separation(sets: RiskSets, matrix: FloatArray, step: FloatArray, columns: tuple[str, ...]) -> None:
    """Raise where moving along `step` for ever raises the likelihood: no one at risk lies above those with the event.

    That is the certificate of a monotone likelihood (Albert & Anderson 1984, for Cox: Bryson & Johnson 1981).
    """
    along = matrix @ step
    tolerance = 1e-3 * float(np.ptp(along))
    highest = np.array([along[start:stop].max() for start, stop in zip(sets.start, sets.stop, strict=True)])
    if not (highest[sets.entry] - along[sets.died] > tolerance).any():
        moved = np.abs(step) * np.ptp(matrix, axis=0)
        raise MonotoneLikelihood([columns[i] for i in np.flatnonzero(moved > 1e-2 * moved.max())])


def refuse_collinear(information: FloatArray, matrix: FloatArray, columns: tuple[str, ...]) -> None:
    """Raise with the columns that take part in a combination that does not vary among the patients at risk."""
    scale = np.sqrt(np.mean(matrix**2, axis=0) * max(len(matrix), 1))
    if (scale == 0).any():
        raise CollinearCovariates([columns[i] for i in np.flatnonzero(scale == 0)])
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    flat = values < 1e-10 * values.max() if values.max() > 1e-12 else np.ones(len(values), dtype=np.bool_)
    if flat.any():
        involved = (np.abs(vectors[:, flat]) > 1e-4).any(axis=1)
        raise CollinearCovariates([columns[i] for i in np.flatnonzero(involved)])
