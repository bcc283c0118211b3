"""What a site may set about the DICOM results."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final, Literal, Self, get_args

from base.errors import SettingInvalid
from base.settings import Section
from runtime.results.words import RESEARCH_WORDS

Role = Literal["segmentation", "report", "captures", "key_objects", "document", "structure_set"]
"""The kinds of objects of a result; each has a series of its own, since one series holds one modality."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_MOST_SERIES_NUMBER: Final = 2**31 - 1
"""Largest value of IS (PS3.5, 6.2)."""

_MOST_DESCRIPTION: Final = 64 - len(f": {RESEARCH_WORDS}")
"""What LO (PS3.5, 6.2) leaves beside the words that every series carries."""


@dataclass(frozen=True)
class SeriesChoices(Section):
    """How a site has the series of the results present themselves."""

    series_numbers: Mapping[str, int] = field(default_factory=dict)
    """Series numbers of the DICOM results, such as `report=9102`: of segmentation, report, captures, key_objects,
    document (the PDF), structure_set.
    """

    series_descriptions: Mapping[str, str] = field(default_factory=dict)
    """Start of their series descriptions, at most 34 characters; "RESEARCH - NOT FOR DIAGNOSIS" always follows."""

    report_names_study: bool = True
    """Whether page and PDF say the study's date, its accession number and the last digits of its UID, by which a
    printed report is matched. Off where reports are to name no study; never of images whose identity was removed.
    """

    encapsulated_pdf: bool = False
    """Whether the report for people is written as a DICOM object, too (Encapsulated PDF, `document.dcm`). Off by
    default, as an archive that takes no documents would refuse a part of every result.
    """

    structure_set: bool = False
    """Whether stations and nodes are written as contours, too (RT Structure Set, `structure_set.dcm`), for planning
    systems. Off by default: whoever shows the segmentation would show everything twice.
    """

    def check(self) -> None:
        """Raise `SettingInvalid` on what DICOM does not allow, and on a series that is none of ours."""
        ResultSettings.chosen(self.series_numbers, self.series_descriptions)

    @property
    def results(self) -> "ResultSettings":
        """How the series of the results present themselves."""
        chosen = ResultSettings.chosen(self.series_numbers, self.series_descriptions)
        return replace(
            chosen,
            names_study=self.report_names_study,
            writes_document=self.encapsulated_pdf,
            writes_structure_set=self.structure_set,
        )


@dataclass(frozen=True)
class SeriesSettings:
    """How one series of the results presents itself; raises `SettingInvalid` on a value DICOM does not allow."""

    number: int
    """Series Number, 1 to 2147483647."""

    description: str
    """Start of the Series Description, 1 to 34 characters; "RESEARCH - NOT FOR DIAGNOSIS" always follows."""

    def __post_init__(self) -> None:
        """Check both values."""
        if isinstance(self.number, bool) or not 1 <= self.number <= _MOST_SERIES_NUMBER:
            raise SettingInvalid("series number", self.number, f"1 to {_MOST_SERIES_NUMBER}")
        if not re.fullmatch(rf"[^\\\x00-\x1f\x7f]{{1,{_MOST_DESCRIPTION}}}", self.description):
            allowed = f"1 to {_MOST_DESCRIPTION} characters without backslash and control characters"
            raise SettingInvalid("series description", self.description, allowed)

    @property
    def full_description(self) -> str:
        """Series Description as written."""
        return f"{self.description}: {RESEARCH_WORDS}"


@dataclass(frozen=True)
class ResultSettings:
    """The series of the results; other settings make other UIDs.

    The default numbers lie above those that scanners give, so that the results sort behind the images.
    """

    segmentation: SeriesSettings = field(default=SeriesSettings(9001, "Sidewall segmentation"))
    report: SeriesSettings = field(default=SeriesSettings(9002, "Sidewall report"))
    """For the report of a refusal, too."""

    captures: SeriesSettings = field(default=SeriesSettings(9003, "Sidewall key images"))
    key_objects: SeriesSettings = field(default=SeriesSettings(9004, "Sidewall key objects"))
    document: SeriesSettings = field(default=SeriesSettings(9005, "Sidewall printed report"))
    structure_set: SeriesSettings = field(default=SeriesSettings(9006, "Sidewall contours"))
    names_study: bool = True
    """Whether the report for people names the study; of the DICOM objects the printed report alone depends on it."""

    writes_document: bool = False
    writes_structure_set: bool = False
    """Which further objects are written; key objects name them."""

    taken_numbers: frozenset[int] = frozenset()
    """Series numbers that other series of the study have, as far as they are known."""

    @classmethod
    def chosen(cls, numbers: Mapping[str, int], descriptions: Mapping[str, str]) -> Self:
        """Return the defaults with a site's series numbers and descriptions, by role; raises `SettingInvalid`."""
        defaults = cls()
        series: dict[str, Any] = {role: defaults.of(role) for role in ROLES}
        for setting, values in (("number", numbers), ("description", descriptions)):
            for role, value in values.items():
                name = f"series_{setting}s.{role}"
                if role not in series:
                    raise SettingInvalid(name, value, f"no such series; the series are {', '.join(series)}")
                try:
                    series[role] = replace(series[role], **{setting: value})
                except SettingInvalid as error:
                    raise SettingInvalid(name, value, error.allowed) from error
        return replace(defaults, **series)

    def avoiding(self, source_numbers: Collection[int]) -> Self:
        """Return the settings with a number for each series that neither the source nor another known series has.

        Where the number of a series is taken it gets the next free one, upwards, that no other series is meant to have.
        """
        used = self.taken_numbers.union(source_numbers)
        reserved = used.union(self.of(role).number for role in ROLES)
        moved: dict[str, Any] = {}
        for role in ROLES:
            series = self.of(role)
            if series.number in used:
                upwards = chain(range(series.number + 1, _MOST_SERIES_NUMBER + 1), range(1, series.number))
                moved[role] = replace(series, number=next(each for each in upwards if each not in reserved))
                reserved = reserved | {moved[role].number}
        return replace(self, **moved)

    def of(self, role: Role) -> SeriesSettings:
        """Return the settings of one series."""
        series: SeriesSettings = getattr(self, role)
        return series


DEFAULT_RESULT_SETTINGS: Final = ResultSettings()
