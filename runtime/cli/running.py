"""What every command that analyses in this process shares: a monitor on the terminal, and files for the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.cli.case_folder import earlier_report
from runtime.cli.console import ShowProgress
from runtime.cli.earlier import check_time_point, read_findings
from runtime.core.case_names import checked_case_id
from runtime.core.findings import CaseContext, Findings, TimePoint
from runtime.core.progress import Progress
from runtime.pipeline import CaseInput
from runtime.results.superseding import EarlierReport


@dataclass(frozen=True)
class AboutCase:
    """What the command line says about a case beside its images."""

    case_id: str | None = None
    time_point: TimePoint = "unknown"
    prior: Findings | None = None
    """Findings of an earlier study."""

    earlier_report: EarlierReport | None = None
    """The report of an earlier analysis of the same study."""

    def of(self, dicom: Path | Sequence[Path | bytes]) -> CaseInput:
        """Return the case of these images."""
        return CaseInput(
            dicom=dicom,
            case_id=self.case_id,
            context=CaseContext(time_point=self.time_point),
            prior=self.prior,
            earlier_report=self.earlier_report,
        )


def about_case(case_id: str | None, time_point: str, prior: Path | None, out: Path) -> AboutCase:
    """Return what the options say, and which report lies in the folder of the results already.

    Raises `SettingInvalid` on an unknown time point or an unreadable earlier study.
    """
    report = earlier_report(out)
    return AboutCase(
        checked_case_id(case_id),
        check_time_point(time_point),
        None if prior is None else read_findings(prior),
        None if report is None else EarlierReport.read(report),
    )


class TerminalMonitor:
    """Moves the bar; Ctrl-C needs no check, since it interrupts the process."""

    def __init__(self, show: ShowProgress) -> None:
        self._show = show

    def report(self, progress: Progress) -> None:
        """Move the bar."""
        self._show(progress.stage, progress.done, progress.total, progress.remaining_s)

    def check(self) -> None:
        """Never stop the work."""
