"""What all objects of one result share: where they belong, who made them, when, and under which UIDs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset

from core.findings import Findings
from runtime.results.settings import ROLES, ResultSettings, Role
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
    """Time of the analysis without a zone, as DICOM has it: in the source's zone, else on this machine's clock."""

    settings: ResultSettings
    supersedes: ReportReference | None

    def attributes(self, role: Role, instance: str = "instance", number: int = 1) -> dict[str, Any]:
        """Return highdicom's arguments for series, instance, equipment and time of one object."""
        series = self.settings.of(role)
        return {
            "series_instance_uid": self.uids.uid(role, "series"),
            "series_number": self._series_number(role),
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

    def _series_number(self, role: Role) -> int:
        """Return the site's number of a series, or the next that neither the source nor another series has."""
        number = self.settings.of(role).number
        used = self.source.series_numbers
        if number not in used:
            return number
        used |= {self.settings.of(each).number for each in ROLES}
        return next(each for each in range(number + 1, number + len(used) + 2) if each not in used)

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
    """Return the context of one case.

    DICOM times have no zone of their own: `created` becomes the time in the zone that the source states, which the
    results repeat (0008,0201), else the time of this machine's clock. Without a zone it is of this machine's clock.
    """
    created = created.astimezone(source.zone).replace(tzinfo=None) if created.tzinfo or source.zone else created
    uids = result_uids(source.uids, findings, settings, supersedes)
    return ResultContext(source, findings, uids, created, settings, supersedes)
