"""The untidy series as parameters of tests; those that are not dealt with yet are expected to fail."""

from collections.abc import Callable

import pytest

from tests.fixtures.untidy.case import UntidyCase
from tests.fixtures.untidy.catalogue import CASES, NOT_YET


def untidy_cases(wanted: Callable[[UntidyCase], bool]) -> pytest.MarkDecorator:
    """Return the parameter `case`: every case that is wanted."""
    late = pytest.mark.xfail(reason="not dealt with yet", strict=True)
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=name, marks=[late] if name in NOT_YET else [])
            for name, case in CASES.items()
            if wanted(case)
        ],
    )
