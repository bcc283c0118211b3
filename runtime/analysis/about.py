"""What is said of a case beside its images: the time point, and the findings of an earlier study."""

from pathlib import Path
from typing import get_args

from base.errors import SettingInvalid
from core.findings import Findings, TimePoint
from core.findings_json import from_json


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
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingInvalid(setting, str(path), "a findings.json of this program (it cannot be read)") from error
