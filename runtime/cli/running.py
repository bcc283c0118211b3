"""What every command that analyses in this process shares: a monitor on the terminal, and files for the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.cli.console import ShowProgress
from runtime.cli.earlier import check_time_point, read_findings
from runtime.core.findings import CaseContext, Findings, TimePoint
from runtime.core.progress import Progress
from runtime.pipeline import CaseInput, CaseResult


@dataclass(frozen=True)
class AboutCase:
    """What the command line says about a case beside its images."""

    case_id: str | None = None
    time_point: TimePoint = "unknown"
    prior: Findings | None = None
    """Findings of an earlier study."""

    def of(self, dicom: Path | Sequence[Path | bytes]) -> CaseInput:
        """Return the case of these images."""
        return CaseInput(
            dicom=dicom, case_id=self.case_id, context=CaseContext(time_point=self.time_point), prior=self.prior
        )


def about_case(case_id: str | None, time_point: str, prior: Path | None) -> AboutCase:
    """Return what the options say; raises `SettingInvalid` on an unknown time point or an unreadable earlier study."""
    return AboutCase(case_id, check_time_point(time_point), None if prior is None else read_findings(prior))


class TerminalMonitor:
    """Moves the bar; Ctrl-C needs no check, since it interrupts the process."""

    def __init__(self, show: ShowProgress) -> None:
        self._show = show

    def report(self, progress: Progress) -> None:
        """Move the bar."""
        self._show(progress.stage, progress.done, progress.total, progress.remaining_s)

    def check(self) -> None:
        """Never stop the work."""


def write_result(result: CaseResult, out: Path) -> None:
    """Write every artefact of a result below `out`."""
    for artefact in result.artefacts:
        target = out / artefact.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artefact.data)
