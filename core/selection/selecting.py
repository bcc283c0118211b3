"""Choose one series of a study, by its score or by name, or refuse and say why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset

from core.counting import counted
from core.errors import CaseRefused, Reason, RefusalCode
from core.reading.elements import element_value
from core.reading.files import NameAside, name_no_file
from core.reading.identity import differing_identity
from core.reading.instances import is_image, parse_instance, remove_pixels_and_malformed_elements
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.reading.notes import without_library_warnings
from core.selection.candidates import ReasonCode, SeriesCandidate, SeriesReason, Verdict
from core.selection.criteria import DEFAULT_CRITERIA, STUDY_LIMITS, SelectionCriteria
from core.selection.descriptions import preference
from core.selection.judging import judge_series
from core.selection.study import Study, instances_of, read_study

_LISTED: Final = 8
"""Series that a message lists; `candidates` has all."""

_THE_KIND: Final = "an axial T2-weighted series of the pelvis without contrast and fat saturation"

_FAULTS: Final = frozenset(
    {
        RefusalCode.MISSING_SLICE,
        RefusalCode.DUPLICATE_SLICE,
        RefusalCode.MIXED_GEOMETRY,
        RefusalCode.MISSING_GEOMETRY,
        RefusalCode.TOO_FEW_SLICES,
        RefusalCode.TOO_COARSE,
        RefusalCode.TOO_LARGE,
        RefusalCode.UNREADABLE_PIXELS,
    }
)
"""What is wrong with the slices of a series, rather than with what kind of series it is."""

_OVERRIDE: Final = "name the one to analyse by its SeriesInstanceUID"


class NoSeriesChosen(CaseRefused):
    """No series of a study can be analysed; `candidates` are all that it holds, of whatever kind."""

    def __init__(
        self, reasons: Iterable[Reason], headers: Iterable[Dataset], candidates: Iterable[SeriesCandidate]
    ) -> None:
        super().__init__(reasons, headers)
        self.candidates = tuple(candidates)


@dataclass(frozen=True, eq=False)
class Selection:
    """What came of choosing: either `chosen` with its instances, or a refusal."""

    candidates: tuple[SeriesCandidate, ...]
    """All series, the chosen one first, then eligible ones by score, then the excluded ones."""

    chosen: SeriesCandidate | None
    instances: tuple[Path | bytes, ...]
    """The chosen series for `read_series`: paths, or contents where they lay in an archive or came as such."""

    refusal: tuple[Reason, ...]
    """Why none was chosen; empty when one was."""

    warnings: tuple[str, ...]
    """What was left out or overruled; no patient data."""

    refused_headers: tuple[Dataset, ...] = ()
    """Headers of the MR images among which none was chosen: whom the refusal is about; empty when one was."""

    def require(self) -> tuple[Path | bytes, ...]:
        """Return the instances of the chosen series; raises `NoSeriesChosen` when there is none."""
        if self.chosen is None:
            raise NoSeriesChosen(self.refusal, self.refused_headers, self.candidates)
        return self.instances


@dataclass(frozen=True, eq=False)
class RefusedStudy:
    """A study of which no series was chosen: nothing of it is read."""

    reasons: tuple[Reason, ...]
    headers: tuple[Dataset, ...]
    """Those of the images, without pixels and malformed elements: whom the refusal is about."""


def refused_by_caller(instances: Sequence[bytes], reasons: Sequence[Reason]) -> RefusedStudy:
    """Return a study of which whoever called chose no series, for these reasons.

    The instances tell whom the refusal is about; those that are no readable images tell nothing.
    """
    with without_library_warnings():
        parsed = (parse_instance(each, DEFAULT_LIMITS) for each in instances)
        headers = [each for each in parsed if each is not None and is_image(each)]
        for header in headers:
            remove_pixels_and_malformed_elements(header)
    return RefusedStudy(tuple(reasons), tuple(headers))


def select_series(
    source: Path | Sequence[Path | bytes],
    *,
    series_uid: str | None = None,
    limits: ReadingLimits = DEFAULT_LIMITS,
    criteria: SelectionCriteria = DEFAULT_CRITERIA,
    study_limits: ReadingLimits = STUDY_LIMITS,
    name_aside: NameAside = name_no_file,
) -> Selection:
    """Choose the axial T2-weighted series of the pelvis from a directory, a zip archive, one file, or instances.

    Headers alone are read. `series_uid` names the series instead, whatever speaks against it; reading it can still
    refuse, and so it can one with slices at one place, which may be copies. Files of no series are told to `name_aside`
    by name. The order of the files never matters. Nothing is raised for an unfit input: the selection then has a
    refusal, with `tied_series`, `several_series` (qualifying series of several patients or studies) or
    `no_suitable_series`, or with what `read_series` says of an input that cannot be opened.
    """
    with without_library_warnings():
        try:
            study = read_study(source, study_limits, limits, name_aside)
            candidates = tuple(judge_series(series, limits, criteria) for series in study.series)
            outcome = _decide(study, candidates, series_uid, criteria)
            if isinstance(outcome, _NoChoice):
                headers = _mr_headers(study, outcome.about)
                return Selection(_ranked(candidates, None), None, (), outcome.reasons, _warnings(study), headers)
            series = next(each for each in study.series if each.uid == outcome.series_instance_uid)
            of_one_series = replace(study_limits, max_input_bytes=limits.max_input_bytes)
            instances = tuple(instances_of(series, source, of_one_series))
        except CaseRefused as refusal:
            return Selection((), None, (), refusal.reasons, ())
    return Selection(_ranked(candidates, outcome), outcome, instances, (), _warnings(study, outcome))


@dataclass(frozen=True)
class _NoChoice:
    """Why no series is analysed."""

    reasons: tuple[Reason, ...]
    about: SeriesCandidate | None = None
    """The one series that the reasons speak of; None when they speak of the study."""


def _mr_headers(study: Study, about: SeriesCandidate | None) -> tuple[Dataset, ...]:
    """Return the headers of the study's MR images, or of one series, without malformed elements.

    Those of all images when none is MR.
    """
    uids = {each.uid for each in study.series} if about is None else {about.series_instance_uid}
    series = [each for each in study.series if each.uid in uids]
    images = [header for each in series for header in each.headers if is_image(header)]
    found = [header for header in images if element_value(header, "Modality") == "MR"] or images
    for header in found:
        remove_pixels_and_malformed_elements(header)
    return tuple(found)


def _decide(
    study: Study, candidates: Sequence[SeriesCandidate], series_uid: str | None, criteria: SelectionCriteria
) -> SeriesCandidate | _NoChoice:
    """Return the candidate to analyse, with what settled it, or why there is none."""
    if not candidates:
        return _NoChoice((_nothing_there(study),))
    if series_uid is not None:
        named = _named(candidates, series_uid.strip())
        return _NoChoice((named,)) if isinstance(named, Reason) else named
    eligible = [candidate for candidate in candidates if candidate.verdict is Verdict.ELIGIBLE]
    if not eligible:
        return _perhaps_copies(candidates) or _none_eligible(candidates)
    outcome = _several_subjects(study, eligible) or _best(eligible, criteria)
    return _NoChoice((outcome,)) if isinstance(outcome, Reason) else outcome


def _nothing_there(study: Study) -> Reason:
    count = study.other_files + study.unreadable_files
    if not count:
        return Reason(RefusalCode.EMPTY_INPUT, "the input holds no file; allowed: the instances of a DICOM study")
    return Reason(
        RefusalCode.NOT_DICOM, f"no DICOM series among {counted(count, 'file')}; allowed: the instances of a study"
    )


def _named(candidates: Sequence[SeriesCandidate], uid: str) -> SeriesCandidate | Reason:
    for candidate in candidates:
        if uid and candidate.series_instance_uid == uid:
            return _settled(candidate, ReasonCode.NAMED, "the series was named by its UID")
    return Reason(
        RefusalCode.NO_SUITABLE_SERIES,
        f"the given SeriesInstanceUID is in none of {counted(len(candidates), 'series', 'series')}",
    )


def _perhaps_copies(candidates: Sequence[SeriesCandidate]) -> SeriesCandidate | None:
    """Return the one series of the wanted kind whose only fault is slices at one place; None where there is none.

    Headers cannot tell a copy, which reading takes once, from a real double, which it refuses: the pixels do.
    """
    of_the_kind = [each for each in candidates if _is_only_faulty(each)]
    if len(of_the_kind) != 1 or {each.code for each in of_the_kind[0].exclusions} != {RefusalCode.DUPLICATE_SLICE}:
        return None
    return _settled(of_the_kind[0], ReasonCode.PIXELS_DECIDE, "reading tells whether slices at one place are copies")


def _none_eligible(candidates: Sequence[SeriesCandidate]) -> _NoChoice:
    """Return why none may be chosen: what is wrong with the series of the wanted kind, else that there is none."""
    of_the_kind = [each for each in _ranked(candidates, None) if _is_only_faulty(each)]
    if len(of_the_kind) == 1:
        (only,) = of_the_kind
        of_several = f"of {len(candidates)} series only {only.label} could be {_THE_KIND}"
        which = of_several if len(candidates) > 1 else only.label
        faults = (Reason(RefusalCode(each.code), f"{which}: {each.message}") for each in only.exclusions)
        return _NoChoice(tuple(faults), about=only)
    if of_the_kind:
        said = f"{len(of_the_kind)} series are {_THE_KIND}, but none can be analysed as it is"
        return _NoChoice((_unsuitable(said, of_the_kind, "allowed: one that is whole"),))
    shown = [each for each in _ranked(candidates, None) if each.modality == "MR"] or _ranked(candidates, None)
    # What reading refuses it refuses of a named series as well.
    could_be_read = any(all(isinstance(reason.code, ReasonCode) for reason in each.exclusions) for each in shown)
    advice = f"to try one all the same, {_OVERRIDE}" if could_be_read else "allowed: one that is"
    count = len(candidates)
    said = f"{'the only series is not' if count == 1 else f'none of the {count} series is'} {_THE_KIND}"
    return _NoChoice((_unsuitable(said, shown, advice),))


def _is_only_faulty(candidate: SeriesCandidate) -> bool:
    """Return whether a series is of the wanted kind and excluded for faults of its slices alone."""
    return candidate.modality == "MR" and all(reason.code in _FAULTS for reason in candidate.exclusions)


def _unsuitable(said: str, candidates: Sequence[SeriesCandidate], advice: str) -> Reason:
    """Return the reason that lists series with what excludes each."""
    listed = "; ".join(f"{each.label}: {', '.join(_exclusion_codes(each))}" for each in candidates[:_LISTED])
    more = f"; and {len(candidates) - _LISTED} more" if len(candidates) > _LISTED else ""
    return Reason(RefusalCode.NO_SUITABLE_SERIES, f"{said} ({listed}{more}); {advice}")


def _several_subjects(study: Study, eligible: Sequence[SeriesCandidate]) -> Reason | None:
    """Return why no score may choose: it must not be what chooses a patient, or the time of a study."""
    uids = {candidate.series_instance_uid for candidate in eligible}
    qualifying = [series for series in study.series if series.uid in uids]
    listed = ", ".join(candidate.label for candidate in _ranked(eligible, None)[:_LISTED])
    allowed = f"({listed}); allowed: one study, or {_OVERRIDE}"
    for keyword, what in (("PatientID", "patients"), ("StudyInstanceUID", "studies")):
        # A series that does not name its patient is told by its study.
        count = len({series.text(keyword) for series in qualifying} - {""})
        if count > 1:
            return Reason(RefusalCode.SEVERAL_SERIES, f"series of {count} {what} qualify {allowed}")
    if differing_identity((series.headers[0] for series in qualifying), absent_differs=False):
        return Reason(RefusalCode.SEVERAL_SERIES, f"series of several patients qualify {allowed}")
    return None


def _best(eligible: Sequence[SeriesCandidate], criteria: SelectionCriteria) -> SeriesCandidate | Reason:
    """Return the one of the highest score; where several tie, the one that its description prefers, or the tie."""
    highest = max(candidate.score for candidate in eligible)
    tied = [candidate for candidate in eligible if round(highest - candidate.score, 1) < criteria.tie_margin_points]
    if len(tied) == 1:
        return tied[0]
    preferences = [preference(candidate.description) for candidate in tied]
    if preferences.count(max(preferences)) == 1:
        preferred = tied[preferences.index(max(preferences))]
        return _settled(preferred, ReasonCode.DESCRIPTION, f"its description settled a tie of {len(tied)} series")
    listed = ", ".join(f"{each.label} with {each.score:g} points" for each in _ranked(tied, None)[:_LISTED])
    return Reason(
        RefusalCode.TIED_SERIES,
        f"{len(tied)} series tie and their descriptions do not settle it: {listed}; allowed: one best series, or "
        f"{_OVERRIDE}",
    )


def _settled(candidate: SeriesCandidate, code: ReasonCode, message: str) -> SeriesCandidate:
    return replace(candidate, reasons=(*candidate.reasons, SeriesReason(code, message, 0.0)))


def _ranked(candidates: Iterable[SeriesCandidate], chosen: SeriesCandidate | None) -> tuple[SeriesCandidate, ...]:
    """Return the candidates in the order of `Selection.candidates`; `chosen` takes the place of its former self."""
    uid = None if chosen is None else chosen.series_instance_uid
    others = [each for each in candidates if each.series_instance_uid != uid]
    others.sort(
        key=lambda each: (
            each.verdict is Verdict.EXCLUDED,
            -each.score,
            each.series_number is None,
            each.series_number or 0,
            each.series_instance_uid,
        )
    )
    return (*(() if chosen is None else (chosen,)), *others)


def _warnings(study: Study, chosen: SeriesCandidate | None = None) -> tuple[str, ...]:
    found = []
    if study.unreadable_files:
        found.append(f"left out: {counted(study.unreadable_files, 'file')} without readable DICOM, possibly a slice")
    named = chosen is not None and any(each.code is ReasonCode.NAMED for each in chosen.reasons)
    if chosen is not None and named and chosen.verdict is Verdict.EXCLUDED:
        codes = ", ".join(_exclusion_codes(chosen))
        found.append(f"the named series would not have been chosen: {codes}")
    return tuple(found)


def _exclusion_codes(candidate: SeriesCandidate) -> list[str]:
    return list(dict.fromkeys(str(reason.code) for reason in candidate.exclusions))
