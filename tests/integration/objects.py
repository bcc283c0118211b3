"""Every kind of object the results have, of cases that differ in all UIDs."""

from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ResultSettings, SeriesSettings
from tests.runtime.results.cases import Case, build_case, build_refusal, dicom_files

CASES: dict[str, Case] = {
    "positive": build_case(),
    "negative": build_case(status="negative", with_nodes=False),
    "demonstration": build_case(status="demonstration"),
    "nothing segmented": build_case(status="indeterminate", with_nodes=False, with_stations=False),
    "refused": build_refusal(),
}


def all_files() -> dict[str, bytes]:
    """Return `case/object` -> DICOM file, in all cases of one study.

    The cases have the same source, so that only their settings give them UIDs of their own.
    """
    return {
        f"{name}/{file}": data
        for place, (name, case) in enumerate(CASES.items())
        for file, data in dicom_files(case, settings=_numbered(place)).items()
    }


def _numbered(place: int) -> ResultSettings:
    report = DEFAULT_RESULT_SETTINGS.report
    return ResultSettings(report=SeriesSettings(report.number + 100 * place, report.description))
