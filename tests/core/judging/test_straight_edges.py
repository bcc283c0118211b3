"""A long straight end of the body with nothing beyond is a cut; a surface that curves away from there is none."""

import numpy as np
import numpy.typing as npt

from core.judging.straight_edges import between_edges, beyond_edges

SPACING_MM = (1.0, 1.0)
BoolArray = npt.NDArray[np.bool_]


def _below(surface: npt.NDArray[np.intp]) -> BoolArray:
    """Return the body (y, x) of 120 rows that begins at these rows."""
    return np.asarray(np.arange(120)[:, np.newaxis] >= surface)


def test_a_body_that_ends_at_one_row_is_cut_and_all_beyond_is_unseen() -> None:
    body = _below(np.full(160, 50))
    body[:, :20] = False
    assert np.array_equal(beyond_edges(~body, body, SPACING_MM), np.outer(np.arange(120) < 50, np.arange(160) >= 20))


def test_a_few_empty_rows_at_the_border_are_no_cut() -> None:
    body = _below(np.full(160, 15))
    assert not beyond_edges(~body, body, SPACING_MM).any()


def test_a_surface_that_is_flat_over_ninety_mm_and_curves_away_is_none() -> None:
    away = np.maximum(np.abs(np.arange(160) - 80) - 45, 0)
    body = _below(50 + away // 6)
    assert np.count_nonzero(body.argmax(axis=0) == 50) > 90
    assert not beyond_edges(~body, body, SPACING_MM).any()


def test_a_box_has_straight_edges_that_face_each_other() -> None:
    body = np.ones((120, 160), dtype=np.bool_)
    body[40:80, 50:90] = False
    assert np.array_equal(between_edges(~body, body, SPACING_MM), ~body)


def test_a_slope_has_none() -> None:
    body = np.ones((120, 160), dtype=np.bool_)
    for row in range(30, 90):
        body[row, row : row + 30] = False
    assert not between_edges(~body, body, SPACING_MM).any()
