"""What becomes of untidy series on the whole way, with the true labels in the place of a model's."""

import functools
from pathlib import Path

from core.findings import Findings
from tests.fixtures.untidy.bases import Base, block_base, phantom_base
from tests.fixtures.untidy.case import UntidyCase, make_untidy
from tests.fixtures.untidy.outcomes import analyse, faults_of_findings
from tests.runtime.untidy.marks import untidy_cases

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
    assert faults_of_findings(case, analyse(source, base).findings, _clean(base)) == []
