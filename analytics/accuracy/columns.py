"""Checks of the columns that go into a figure, so that a wrong one is named before anything is computed."""

import math

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def binary_column(name: str, values: npt.ArrayLike) -> BoolArray:
    """Return a column (n,) of true / false or 1 / 0 as truth values; an empty one is allowed.

    Raises ValueError for more than one axis or for anything else in it, missing values among them.
    """
    column = _one_axis(name, values)
    if column.dtype != np.bool_:
        strange = sum(value not in (0, 1) for value in column.tolist())
        if strange:
            raise ValueError(f"{name} has {strange} values other than true, false, 1 and 0, which alone are allowed")
    return column.astype(np.bool_)


def number_column(name: str, values: npt.ArrayLike) -> FloatArray:
    """Return a column (n,) of finite numbers. Raises ValueError for more than one axis or anything else in it."""
    try:
        column = _one_axis(name, values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one column of numbers") from error
    strange = int((~np.isfinite(column)).sum())
    if strange:
        raise ValueError(f"{name} has {strange} missing or infinite values; only finite numbers are allowed")
    return column


def probability_column(name: str, values: npt.ArrayLike) -> FloatArray:
    """Return a column (n,) of numbers from 0 to 1. Raises ValueError for anything else."""
    column = number_column(name, values)
    strange = int(((column < 0) | (column > 1)).sum())
    if strange:
        raise ValueError(f"{name} has {strange} values below 0 or above 1; probabilities lie between")
    return column


def check_lengths(**columns: npt.NDArray[np.generic]) -> None:
    """Raise ValueError unless all columns are of one length."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns must be of one length, got {lengths}")


def check_level(level: float) -> None:
    """Raise ValueError unless a confidence level lies between 0 and 1."""
    if not 0 < level < 1 or math.isnan(level):
        raise ValueError(f"confidence level is {level}; it must lie between 0 and 1")


def _one_axis(name: str, values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    column = np.asarray(values)
    if column.ndim != 1:
        raise ValueError(f"{name} has {column.ndim} axes; one column is allowed")
    return column
