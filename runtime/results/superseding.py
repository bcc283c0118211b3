"""Which earlier report of a study a new one takes the place of."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final, Self

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import Comprehensive3DSRStorage

from base.errors import SettingInvalid
from core.findings import Findings
from runtime.results.settings import ResultSettings
from runtime.results.uids import ReportReference, result_uids

_ALLOWED: Final = "the report.dcm of an earlier analysis"


@dataclass(frozen=True)
class EarlierReport:
    """The report that an earlier analysis left."""

    reference: ReportReference
    supersedes: ReportReference | None
    """The report that it took the place of itself."""

    @classmethod
    def read(cls, data: bytes, setting: str = "earlier report") -> Self:
        """Return what a DICOM file says of itself; raises `SettingInvalid` for that setting when it is none."""
        try:
            report = pydicom.dcmread(BytesIO(data), stop_before_pixels=True)
            if report.SOPClassUID != Comprehensive3DSRStorage:
                raise SettingInvalid(setting, str(report.SOPClassUID.name), _ALLOWED)
            names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
            return cls(ReportReference(*(str(report[name].value) for name in names)), _predecessor(report))
        except (InvalidDicomError, AttributeError, KeyError, IndexError, ValueError, EOFError) as error:
            raise SettingInvalid(setting, f"{len(data)} bytes", _ALLOWED) from error

    def superseded_by(
        self, source_uids: tuple[str, ...], findings: Findings, settings: ResultSettings
    ) -> ReportReference | None:
        """Return what a report of these findings takes the place of; `source_uids` as for `result_uids`.

        A repeat of the same analysis takes the place of nothing new: it names what the earlier report named, and so
        has the same UIDs and bytes. A report of another study is not touched.
        """
        if self.reference.study_instance_uid != source_uids[0]:
            return None
        repeated = result_uids(source_uids, findings, settings, self.supersedes).uid("report", "instance")
        return self.supersedes if repeated == self.reference.sop_instance_uid else self.reference


def _predecessor(report: Dataset) -> ReportReference | None:
    """Return the entry of the Predecessor Documents Sequence (PS3.3, C.17.2), of which we write one at most."""
    if not report.get("PredecessorDocumentsSequence"):
        return None
    study = report.PredecessorDocumentsSequence[0]
    series = study.ReferencedSeriesSequence[0]
    instance = series.ReferencedSOPSequence[0]
    return ReportReference(
        str(study.StudyInstanceUID),
        str(series.SeriesInstanceUID),
        str(instance.ReferencedSOPClassUID),
        str(instance.ReferencedSOPInstanceUID),
    )
