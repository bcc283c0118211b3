"""Straight edges of flat areas: what a fault left ends at one row or column over a length at which no body does."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_STRAIGHT_MM: Final = 20.0
"""So many columns (or rows) whose flat run begins and ends at the same pixel have straight edges."""

_CUT_MM: Final = 80.0
"""So many columns (or rows) whose tissue ends at the same pixel, with nothing beyond, may be cut there; the flattest
surface of a sound phantom ends so over 97 mm, that of a real series over 5 mm."""

_CURVE: Final = 4
_LEAST_EXACT: Final = 0.8
"""A surface curves away from where it is flattest: of the lines that end within `_CURVE` pixels of a cut, this share
ends at the very pixel."""

_CUT_DEPTH_MM: Final = 20.0
"""Nothing must follow for so long: corrected images of some scanners end in a few empty rows."""

_LARGEST_STEP: Final = 3
"""Columns (or rows) from one to the next with the same run; a dark pixel at its end may leave out some."""

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]


def between_edges(flat: BoolArray, tissue: BoolArray, spacing_mm: tuple[float, float]) -> BoolArray:
    """Return the flat pixels (y, x) between two straight edges of tissue that face each other; spacing is (y, x)."""
    found = np.zeros(flat.shape, dtype=np.bool_)
    for mask, around, out, step_mm in (
        (flat, tissue, found, spacing_mm[0]),
        (flat.T, tissue.T, found.T, spacing_mm[1]),
    ):
        lines, first, last = _inner_runs(mask)
        held = around[lines, first - 1] & around[lines, last + 1]
        lines, first, last = lines[held], first[held], last[held]
        straight = _in_long_groups(lines, first * mask.shape[1] + last, _STRAIGHT_MM / step_mm)
        for line, start, end in zip(lines[straight], first[straight], last[straight], strict=True):
            out[line, start : end + 1] = True
    return found


def beyond_edges(flat: BoolArray, tissue: BoolArray, spacing_mm: tuple[float, float]) -> BoolArray:
    """Return the flat pixels (y, x) between one long straight edge of tissue and the border of the image."""
    found = np.zeros(flat.shape, dtype=np.bool_)
    for mask, around, out, along_mm, deep_mm in _from_all_borders(flat, tissue, found, spacing_mm):
        depth = np.where(mask.all(axis=0), 0, mask.argmin(axis=0))
        lines = np.flatnonzero(depth >= max(1.0, _CUT_DEPTH_MM / deep_mm))
        lines = lines[around[depth[lines], lines]]
        ends = depth[lines]
        cut = _in_long_groups(lines, ends, _CUT_MM / along_mm)
        for end in np.unique(ends[cut]):
            exact = np.count_nonzero(ends == end)
            if exact >= _LEAST_EXACT * np.count_nonzero(np.abs(ends - end) <= _CURVE):
                out[:end, lines[cut & (ends == end)]] = True
    return found


def _from_all_borders(
    flat: BoolArray, tissue: BoolArray, out: BoolArray, spacing_mm: tuple[float, float]
) -> Iterator[tuple[BoolArray, BoolArray, BoolArray, float, float]]:
    """Yield views whose first row is one of the four borders, and the spacing along it and away from it."""
    down_mm, across_mm = spacing_mm
    for way in (slice(None), slice(None, None, -1)):
        yield flat[way], tissue[way], out[way], across_mm, down_mm
        yield flat.T[way], tissue.T[way], out.T[way], down_mm, across_mm


def _inner_runs(mask: BoolArray) -> tuple[IndexArray, IndexArray, IndexArray]:
    """Return the line, the first and the last pixel of every run along the second axis that touches no border."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lines, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1] - 1
    inner = (first > 0) & (last < mask.shape[1] - 1)
    return lines[inner], first[inner], last[inner]


def _in_long_groups(lines: IndexArray, ends: npt.NDArray[Any], least: float) -> BoolArray:
    """Return which lines belong to at least so many that end alike and follow one another."""
    order = np.lexsort((lines, ends))
    apart = (np.diff(ends[order]) != 0) | (np.diff(lines[order]) > _LARGEST_STEP)
    group = np.concatenate([[0], np.cumsum(apart)]) if len(lines) else lines
    long = np.zeros(len(lines), dtype=np.bool_)
    long[order] = (np.bincount(group) >= least)[group]
    return long
