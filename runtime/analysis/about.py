"""What is said of a case beside its images: name, time point, the findings of an earlier study, an earlier report."""

from pathlib import Path
from typing import get_args

from base.errors import SettingInvalid
from core.case_names import checked_case_id
from core.findings import CaseContext, Findings, TimePoint
from core.findings_json import from_json
from runtime.analysis.case import AboutCase
from runtime.analysis.case_folder import earlier_report


def about_case(case_id: str | None, time_point: str, prior: Path | None, out: Path) -> AboutCase:
    """Return what the options say of a case, with the report that lies in the results' folder already.

    Raises `SettingInvalid` on a name or time point that is not allowed or an unreadable earlier study.
    """
    return AboutCase(
        case_id=checked_case_id(case_id),
        context=CaseContext(time_point=check_time_point(time_point)),
        prior=None if prior is None else read_findings(prior),
        earlier_report=earlier_report(out),
    )


def check_time_point(text: str) -> TimePoint:
    """Return a time point; raises `SettingInvalid` on another word."""
    for known in get_args(TimePoint):
        if text == known:
            point: TimePoint = known
            return point
    raise SettingInvalid("time_point", text, " or ".join(get_args(TimePoint)))


def read_findings(path: Path, setting: str = "prior") -> Findings:
    """Return the findings of a file; raises `SettingInvalid` for that setting when it holds none."""
    try:
        return from_json(path.read_bytes())
    except OSError as error:
        raise SettingInvalid(setting, str(path), f"a findings.json that can be read ({error.strerror})") from error
    except ValueError as error:
        raise SettingInvalid(setting, str(path), f"a findings.json of this program ({error})") from error
