"""What all objects of one result share: where they belong, who made them, when, and under which UIDs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset

from core.findings import Findings
from runtime.results.settings import ResultSettings, Role
from runtime.results.source import SourceImages
from runtime.results.uids import ReportReference, ResultUids, result_uids
from runtime.results.words import MANUFACTURER, MODEL_NAME, SERIAL_NUMBER


@dataclass(frozen=True, eq=False)
class ResultContext:
    """One case on its way into DICOM objects."""

    source: SourceImages
    findings: Findings
    uids: ResultUids
    created: datetime
    """Time that the objects say, without a zone, as DICOM has it: the study's, or else that of the analysis."""

    settings: ResultSettings
    supersedes: ReportReference | None

    def attributes(self, role: Role, instance: str = "instance", number: int = 1) -> dict[str, Any]:
        """Return highdicom's arguments for series, instance, equipment and time of one object."""
        series = self.settings.of(role)
        return {
            "series_instance_uid": self.uids.uid(role, "series"),
            "series_number": series.number,
            "series_description": series.full_description,
            "sop_instance_uid": self.uids.uid(role, instance),
            "instance_number": number,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": MODEL_NAME,
            "software_versions": self.findings.software_version,
            "device_serial_number": SERIAL_NUMBER,
            "content_date": self.created.date(),
            "content_time": self.created.time(),
            "series_date": self.created.date(),
            "series_time": self.created.time(),
        }

    def complete_patient_and_study(self, result: Dataset) -> None:
        """Give a result all that is kept of its patient and study."""
        for name, element in self.source.patient_and_study.items():
            result[name] = element
        # A new element: highdicom lets the results share those of the source images, which hold no name.
        result.add_new("PatientName", "PN", self.source.patient_name)

    def complete(self, result: Dataset) -> None:
        """Give a result all of its patient and study, and one time for all that happened, so that the bytes repeat."""
        self.complete_patient_and_study(result)
        result.InstanceCreationDate, result.InstanceCreationTime = result.ContentDate, result.ContentTime
        for equipment in result.get("ContributingEquipmentSequence", ()):
            equipment.ContributionDateTime = self.created.strftime("%Y%m%d%H%M%S.%f")


def result_context(
    source: SourceImages,
    findings: Findings,
    created: datetime,
    settings: ResultSettings,
    supersedes: ReportReference | None,
) -> ResultContext:
    """Return the context of one case.

    The objects have the time of the study, so that a repeat of the analysis gives the same bytes under the same UIDs;
    when it was made stands in the findings. A study without a date has the time of the analysis, in the zone that the
    source states, which the results repeat (0008,0201), else of this machine's clock.
    """
    uids = result_uids(uid_parts(source, created), findings, settings, supersedes)
    created = _content_time(source, created)
    return ResultContext(source, findings, uids, created, settings, supersedes)


def uid_parts(source: SourceImages, created: datetime) -> tuple[str, ...]:
    """Return what the UIDs of the results derive from of their source: what no UID says may not differ.

    So the time of the analysis is among it where the objects have it, for want of a study's date.
    """
    if source.study_time is not None:
        return source.uids
    return (*source.uids, _content_time(source, created).isoformat())


def _content_time(source: SourceImages, created: datetime) -> datetime:
    """Return the time that the objects say, without a zone."""
    if source.study_time is not None:
        return source.study_time
    return created.astimezone(source.zone).replace(tzinfo=None) if created.tzinfo or source.zone else created
