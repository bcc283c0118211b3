"""Every untidy series, on three phantoms, is read rightly, warned of, or refused; never anything else."""

import functools
import re
from pathlib import Path

import pytest

from phantom.dicom_series import encode_instance
from tests.fixtures.untidy.bases import BASE_NAMES, phantom_base
from tests.fixtures.untidy.case import UntidyCase, make_untidy
from tests.fixtures.untidy.catalogue import CASES, NOT_YET
from tests.fixtures.untidy.identity import NAMES
from tests.fixtures.untidy.outcomes import Reading, faults_of_reading, read
from tests.fixtures.untidy.places import turned
from tests.runtime.untidy.marks import untidy_cases


@functools.cache
def _clean(base: str, *, is_turned: bool = False) -> Reading:
    """Return the reading of a clean series, or of its patient turned."""
    clean = phantom_base(base)
    if not is_turned:
        return read(clean.files)
    return read([encode_instance(dataset) for dataset in turned(clean.slices())])


def test_no_case_is_awaited_that_does_not_exist() -> None:
    assert set(CASES) >= NOT_YET


@pytest.mark.parametrize("base", BASE_NAMES)
def test_a_clean_series_has_no_warning(base: str) -> None:
    assert _clean(base).texts == ()


@untidy_cases(lambda case: case.decided == "reading")
def test_an_untidy_series_is_read_or_refused_as_is_right(case: UntidyCase, tmp_path: Path) -> None:
    faults = {}
    for base in BASE_NAMES:
        found = read(make_untidy(case, phantom_base(base).slices(), tmp_path / base))
        assert not re.search("|".join(NAMES), " ".join(found.texts), re.IGNORECASE), "a text holds a name"
        faults[base] = faults_of_reading(case, found, _clean(base, is_turned=case.name.startswith("cosines")))
    assert not any(faults.values()), faults


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case.decided == "case"], ids=lambda case: case.name
)
def test_reading_ends_in_a_series_or_a_refusal_where_it_does_not_decide(case: UntidyCase, tmp_path: Path) -> None:
    found = read(make_untidy(case, phantom_base("oblique").slices(), tmp_path / "case"))
    assert found.series is not None or found.codes
