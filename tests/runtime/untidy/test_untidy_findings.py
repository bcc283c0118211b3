"""What becomes of untidy series on the whole way, with the true labels in the place of a model's."""

import functools
from pathlib import Path

import pytest

from benchmarks.dciodvfy import check_artefacts, find_dciodvfy
from core.findings import Findings
from runtime.analysis.case import CaseResult
from tests.fixtures.drawing import fuzz_factor
from tests.fixtures.untidy.bases import Base, block_base, phantom_base
from tests.fixtures.untidy.case import UntidyCase, make_untidy
from tests.fixtures.untidy.catalogue import CASES
from tests.fixtures.untidy.outcomes import analyse, faults_of_findings
from tests.runtime.untidy.marks import untidy_cases

_ACCEPTED = [
    name for name, case in CASES.items() if case.decided == "reading" and {"clean", "warned"} & set(case.right)
]
"""Of these `make test` takes one in eight, `make fuzz` all."""

_IMAGES_THAT_ARE_NONE = ("no_verdict", "not_negative")


def _base(case: UntidyCase) -> Base:
    """Return a negative phantom where a verdict would be wrong, else a few blocks."""
    image_is_none = set(case.right) & set(_IMAGES_THAT_ARE_NONE) and not case.name.startswith("phantom")
    return phantom_base("negative") if image_is_none else block_base("oblique")


@functools.cache
def _clean(base: Base) -> Findings:
    return analyse(base.files, base).findings


def test_clean_series_are_judged_by_their_nodes() -> None:
    assert _clean(block_base("oblique")).status == "positive"
    assert _clean(phantom_base("negative")).status == "negative"


@untidy_cases(lambda case: case.decided == "case")
def test_an_untidy_series_is_judged_or_not_as_is_right(case: UntidyCase, tmp_path: Path) -> None:
    base = _base(case)
    source = make_untidy(case, base.slices(), tmp_path / "case")
    result = analyse(source, base)
    assert faults_of_findings(case, result.findings, _clean(base)) == []
    assert _complaints(result) == []


@pytest.mark.hypothesis
@untidy_cases(lambda case: case.name in _ACCEPTED[:: 8 if fuzz_factor() is None else 1])
def test_the_objects_of_an_accepted_series_are_valid(case: UntidyCase, tmp_path: Path) -> None:
    if find_dciodvfy() is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    base = block_base("oblique")
    result = analyse(make_untidy(case, base.slices(), tmp_path / "case"), base)
    assert result.findings.status != "refused" or "refused" in {word.partition(":")[0] for word in case.right}
    assert _complaints(result) == []


def _complaints(result: CaseResult) -> list[str]:
    """Return the errors that dciodvfy finds in the DICOM objects of a result; none where it is not installed."""
    tool = find_dciodvfy()
    checked = () if tool is None else check_artefacts(result.artefacts, tool)
    return [line for of_class in checked for line in of_class.distinct_errors]
