"""What is said of a case beside its images: name, time point, the findings of an earlier study, an earlier report."""

from pathlib import Path
from typing import get_args

from base.errors import SettingInvalid
from core.case_names import checked_case_id
from core.findings import CaseContext, Findings, TimePoint
from core.findings_json import from_json
from runtime.analysis.case import AboutCase
from runtime.analysis.case_folder import earlier_report
from runtime.analysis.images import Images, images_at
from runtime.results.superseding import EarlierReport


def about_case(
    case_id: str | None, time_point: str, prior: Path | None, out: Path, prior_images: Path | None = None
) -> AboutCase:
    """Return what the options say of a case, with the report that lies in the results' folder already.

    The report beside the findings of an earlier study is named with them. Raises `SettingInvalid` on a name or time
    point that is not allowed or an unreadable earlier study.
    """
    findings, report = earlier_study(prior)
    return AboutCase(
        case_id=checked_case_id(case_id),
        context=CaseContext(time_point=check_time_point(time_point)),
        prior=findings,
        earlier_images=None if prior_images is None else earlier_images(prior_images, findings),
        prior_report=report,
        earlier_report=earlier_report(out),
    )


def earlier_images(path: Path, prior: Findings | None) -> Images:
    """Return the images of an earlier study: of the series that its findings name, else of the one that fits best."""
    return images_at(path, None if prior is None else prior.case.series_instance_uid)


def earlier_study(file: Path | None) -> tuple[Findings | None, EarlierReport | None]:
    """Return an earlier study's findings, and the report in their folder if it is of that very study.

    Raises `SettingInvalid` on a file that holds no findings.
    """
    if file is None:
        return None, None
    findings, report = read_findings(file), earlier_report(file.parent)
    study = findings.case.study_instance_uid
    return findings, report if report is not None and report.reference.study_instance_uid == study else None


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
