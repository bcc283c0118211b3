"""Which found node is which true node: one to one, the best pair first."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.accuracy.columns import FloatArray


@dataclass(frozen=True)
class Pair:
    """One found node and the true node that it is."""

    found: int
    true: int
    value: float
    """Overlap, or distance in mm, whichever they were matched by."""


@dataclass(frozen=True)
class Matching:
    """The nodes of one case, by their places in the lists that were matched."""

    pairs: tuple[Pair, ...]
    missed: tuple[int, ...]
    """True nodes that no found node is."""

    repeated: tuple[int, ...]
    """Found nodes that fit a true node that a better one has taken."""

    false: tuple[int, ...]
    """Found nodes that fit no true node."""


def match_by_overlap(overlap: npt.ArrayLike, least: float = 0.1) -> Matching:
    """Match nodes by overlap (found, true), such as intersection over union: the largest first, from `least` upwards.

    The lower place wins a tie. Raises ValueError for an overlap that is no table of numbers from 0 to 1 and for
    `least` outside.
    """
    table = _table("overlap", overlap)
    if not 0 < least <= 1:
        raise ValueError(f"least is {least}; it must lie above 0 and not above 1")
    if table.size and (table.min() < 0 or table.max() > 1):
        raise ValueError(f"overlap runs from {table.min()} to {table.max()}; it must lie between 0 and 1")
    return _match(table, table >= least, -table)


def match_by_distance(distance_mm: npt.ArrayLike, largest_mm: float) -> Matching:
    """Match nodes by the distance of their centres (found, true): the smallest first, up to `largest_mm`.

    The lower place wins a tie. Raises ValueError for a distance that is no table of numbers of 0 or more.
    """
    table = _table("distance_mm", distance_mm)
    if table.size and table.min() < 0:
        raise ValueError(f"distance_mm has {table.min()}; it must be 0 or more")
    return _match(table, table <= largest_mm, table)


def centre_distances_mm(found_mm: npt.ArrayLike, true_mm: npt.ArrayLike) -> FloatArray:
    """Return the distances (found, true) of centres (found, 3) and (true, 3), in mm; either may be empty."""
    found, true = (np.asarray(centres, dtype=np.float64).reshape(-1, 3) for centres in (found_mm, true_mm))
    return np.asarray(np.linalg.norm(found[:, None] - true[None], axis=2), dtype=np.float64)


def _table(name: str, values: npt.ArrayLike) -> FloatArray:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or np.isnan(table).any():
        raise ValueError(f"{name} has shape {table.shape}; a table of numbers (found, true) is allowed")
    return table


def _match(table: FloatArray, fits: npt.NDArray[np.bool_], order: FloatArray) -> Matching:
    places = np.argwhere(fits)
    ranked = places[np.argsort(order[fits], kind="stable")].tolist()
    taken_found: set[int] = set()
    taken_true: set[int] = set()
    pairs = []
    for found, true in ranked:
        if found not in taken_found and true not in taken_true:
            pairs.append(Pair(found, true, float(table[found, true])))
            taken_found.add(found)
            taken_true.add(true)
    left = [found for found in range(table.shape[0]) if found not in taken_found]
    return Matching(
        tuple(pairs),
        tuple(true for true in range(table.shape[1]) if true not in taken_true),
        tuple(found for found in left if fits[found].any()),
        tuple(found for found in left if not fits[found].any()),
    )
