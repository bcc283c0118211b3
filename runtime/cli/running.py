"""What every command that analyses in this process shares: the case that its options describe, and a monitor."""

from pathlib import Path

from core.case_names import checked_case_id
from core.findings import CaseContext
from core.progress import Progress
from runtime.analysis.about import check_time_point, read_findings
from runtime.analysis.case import CaseInput
from runtime.analysis.case_folder import earlier_report
from runtime.cli.console import ShowProgress


def about_case(case_id: str | None, time_point: str, prior: Path | None, out: Path) -> CaseInput:
    """Return a case without its images: what the options say, and the report that lies in the results' folder already.

    Raises `SettingInvalid` on a name or time point that is not allowed or an unreadable earlier study.
    """
    return CaseInput(
        case_id=checked_case_id(case_id),
        context=CaseContext(time_point=check_time_point(time_point)),
        prior=None if prior is None else read_findings(prior),
        earlier_report=earlier_report(out),
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
