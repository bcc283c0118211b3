"""Headers with bad values through reading and every object written: a result or a refusal, never a fault, all valid.

`make fuzz` tries every element with every value; `make test` lets each have its turn.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from benchmarks.dciodvfy import complaints_about, find_dciodvfy
from core.errors import CaseRefused
from core.reading import read_series
from core.reading.mending import IDENTITY, SECONDARY
from core.series import Series
from runtime.analysis.case import AboutCase, CaseInput, CaseResult
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from tests.fixtures.bad_headers import (
    BAD_VALUES,
    COMPARED,
    CREATED,
    DECIDING,
    Fault,
    KnownRegions,
    all_faults,
    complete,
    some_faults,
    with_faults,
)
from tests.fixtures.bundles import make_tiny_volume
from tests.fixtures.drawing import fuzz_factor
from tests.fixtures.tiny_series import write_tiny_series

pytestmark = pytest.mark.hypothesis
"""What `make fuzz` takes."""

WHOLE = fuzz_factor() is not None
FAULTS = list(all_faults() if WHOLE else some_faults())
GROUPS = {
    keyword: [fault for fault in FAULTS if fault.keyword == keyword] for keyword in {f.keyword: 0 for f in FAULTS}
}
TOGETHER = BAD_VALUES if WHOLE else BAD_VALUES[1::8]


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    """Return a series of twelve slices with every element that results can carry."""
    paths = write_tiny_series(tmp_path_factory.mktemp("series"))
    return complete([path.read_bytes() for path in paths])


@pytest.fixture(scope="module")
def clean(series: list[Dataset]) -> Series:
    return read_series(with_faults(series, []))


@pytest.mark.parametrize("keyword", GROUPS)
def test_a_bad_value_is_left_out_with_one_warning_or_refused_where_it_decides(
    keyword: str, series: list[Dataset], clean: Series
) -> None:
    for fault in GROUPS[keyword]:
        warnings, reasons = _read(with_faults(series, [fault]))
        assert not reasons or keyword in DECIDING, (fault, reasons)
        _assert_quotes_numbers_alone(fault, (*warnings, *reasons))
        if keyword in SECONDARY and not reasons:
            # A mark that one slice lacks makes no phantom of the others' patient: told beside what was left out.
            new = {each for each in set(warnings) - set(clean.warnings) if not each.endswith("taken for a patient")}
            tag = f"({tag_for_keyword(keyword) or 0:08X}"
            assert len(new) <= 1, fault
            assert all(warning.endswith(": left out") and f"{tag[:5]},{tag[5:]})" in warning for warning in new), fault


@pytest.mark.parametrize("everywhere", [False, True], ids=["one slice", "all slices"])
@pytest.mark.parametrize("value", TOGETHER)
def test_with_a_bad_value_in_every_secondary_element_every_object_is_written_and_valid(
    value: str, everywhere: bool, series: list[Dataset], clean: Series, tmp_path: Path
) -> None:
    faults = [
        Fault(keyword, value, everywhere)
        for keyword in SECONDARY
        if dictionary_VR(tag_for_keyword(keyword) or 0) != "SQ"
        and (keyword not in DECIDING or (everywhere and keyword in COMPARED))
    ]
    result = _analyzed(with_faults(series, faults))
    assert result.findings.status != "refused"
    assert len(result.findings.nodes) == 2
    _assert_valid(result, tmp_path)


@pytest.mark.parametrize("keyword", [keyword for keyword in GROUPS if WHOLE or keyword in IDENTITY])
def test_a_bad_value_of_one_element_gives_valid_objects_or_a_refusal(
    keyword: str, series: list[Dataset], tmp_path: Path
) -> None:
    written: set[str] = set()
    for fault in GROUPS[keyword] if WHOLE else GROUPS[keyword][:1]:
        files = with_faults(series, [fault])
        read_as = _read_as(files)
        # What reads alike is written alike: each of the bad values of an element that is left out.
        if read_as not in written:
            written.add(read_as)
            _assert_valid(_analyzed(files), tmp_path)


def _read(files: Sequence[bytes]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the warnings of a series, and why it is refused."""
    try:
        return read_series(files).warnings, ()
    except CaseRefused as refused:
        return (), tuple(reason.message for reason in refused.reasons)


def _read_as(files: Sequence[bytes]) -> str:
    try:
        return "\n".join(str(header) for header in read_series(files).headers)
    except CaseRefused as refused:
        return "refused: " + "\n".join(str(header) for header in refused.headers)


def _analyzed(files: Sequence[bytes]) -> CaseResult:
    labels = make_tiny_volume()[1]
    return analyze_case(CaseInput(DicomSeries(files), AboutCase("fuzz", created=CREATED)), KnownRegions(labels))


def _assert_quotes_numbers_alone(fault: Fault, messages: Sequence[str]) -> None:
    shown = any(f"({fault.value})" in message for message in messages)
    is_number = dictionary_VR(tag_for_keyword(fault.keyword) or 0) in ("DS", "IS", "FD", "US")
    assert not shown or is_number, (fault, messages)


def _assert_valid(result: CaseResult, folder: Path) -> None:
    tool = find_dciodvfy()
    if tool is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    for artefact in result.artefacts:
        if artefact.media_type == "application/dicom":
            path = folder / "object.dcm"
            path.write_bytes(artefact.data)
            assert complaints_about(path, tool).errors == (), artefact.name
