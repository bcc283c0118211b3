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
    """Time of the analysis on this machine's clock, without a zone, as DICOM has it."""

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

    def complete(self, result: Dataset) -> None:
        """Give a result all of its patient and study, and one time for all that happened, so that the bytes repeat."""
        for name, element in self.source.patient_and_study.items():
            result[name] = element
        # A new element: highdicom lets the results share those of the source images, which hold no name.
        result.add_new("PatientName", "PN", self.source.patient_name)
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
    """Return the context of one case; DICOM times are local: a `created` with a zone becomes this machine's clock."""
    created = created.astimezone().replace(tzinfo=None) if created.tzinfo else created
    uids = result_uids(source.uids, findings, settings, supersedes)
    return ResultContext(source, findings, uids, created, settings, supersedes)
