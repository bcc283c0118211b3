"""Choose one series of a study, by its score or by name, or refuse and say why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, overload

from pydicom.dataset import Dataset

from runtime.core.errors import CaseRefused, Reason, RefusalCode
from runtime.core.reading.elements import element_value
from runtime.core.reading.instances import is_image, remove_pixels_and_malformed_elements
from runtime.core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from runtime.core.reading.notes import without_library_warnings
from runtime.core.selection.candidates import ReasonCode, SeriesCandidate, SeriesReason, Verdict
from runtime.core.selection.criteria import DEFAULT_CRITERIA, STUDY_LIMITS, SelectionCriteria
from runtime.core.selection.descriptions import preference
from runtime.core.selection.judging import judge_series
from runtime.core.selection.study import Study, instances_of, read_study

_LISTED: Final = 8
"""Series that a message lists; `candidates` has all."""

_OVERRIDE: Final = "name the one to analyse by its SeriesInstanceUID"


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
        """Return the instances of the chosen series; raises `CaseRefused` when there is none."""
        if self.chosen is None:
            raise CaseRefused(self.refusal, self.refused_headers)
        return self.instances

    def as_source(self) -> Sequence[Path | bytes]:
        """Return the instances for `read_series`, or what raises the refusal as soon as they are read.

        So a refused selection takes the way of every other refusal: into findings that say why.
        """
        return self.instances if self.chosen is not None else _RefusedInstances(self)


class _RefusedInstances(Sequence[Path | bytes]):
    """Stands for the instances of a series that was not chosen: reading them raises why."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def __len__(self) -> int:
        raise CaseRefused(self._selection.refusal, self._selection.refused_headers)

    @overload
    def __getitem__(self, index: int) -> Path | bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Path | bytes]: ...
    def __getitem__(self, index: int | slice) -> Path | bytes | Sequence[Path | bytes]:
        raise CaseRefused(self._selection.refusal, self._selection.refused_headers)


def select_series(
    source: Path | Sequence[Path | bytes],
    *,
    series_uid: str | None = None,
    limits: ReadingLimits = DEFAULT_LIMITS,
    criteria: SelectionCriteria = DEFAULT_CRITERIA,
    study_limits: ReadingLimits = STUDY_LIMITS,
) -> Selection:
    """Choose the axial T2-weighted series of the pelvis from a directory, a zip archive, one file, or instances.

    Headers alone are read. `series_uid` names the series instead, whatever speaks against it; reading it can still
    refuse. The order of the files never matters. Nothing is raised for an unfit input: the selection then has a
    refusal, with `tied_series`, `several_series` (qualifying series of several patients or studies) or
    `no_suitable_series`, or with what `read_series` says of an input that cannot be opened.
    """
    with without_library_warnings():
        try:
            study = read_study(source, study_limits, limits)
            candidates = tuple(judge_series(series, limits, criteria) for series in study.series)
            outcome = _decide(study, candidates, series_uid, criteria)
            if isinstance(outcome, Reason):
                return Selection(_ranked(candidates, None), None, (), (outcome,), _warnings(study), _mr_headers(study))
            series = next(each for each in study.series if each.uid == outcome.series_instance_uid)
            of_one_series = replace(study_limits, max_input_bytes=limits.max_input_bytes)
            instances = tuple(instances_of(series, source, of_one_series))
        except CaseRefused as refusal:
            return Selection((), None, (), refusal.reasons, ())
    return Selection(_ranked(candidates, outcome), outcome, instances, (), _warnings(study, outcome))


def _mr_headers(study: Study) -> tuple[Dataset, ...]:
    """Return the headers of the study's MR images, without malformed elements; of all images when none is MR."""
    images = [header for series in study.series for header in series.headers if is_image(header)]
    found = [header for header in images if element_value(header, "Modality") == "MR"] or images
    for header in found:
        remove_pixels_and_malformed_elements(header)
    return tuple(found)


def _decide(
    study: Study, candidates: Sequence[SeriesCandidate], series_uid: str | None, criteria: SelectionCriteria
) -> SeriesCandidate | Reason:
    """Return the candidate to analyse, with what settled it, or why there is none."""
    if not candidates:
        return _nothing_there(study)
    if series_uid is not None:
        return _named(candidates, series_uid.strip())
    eligible = [candidate for candidate in candidates if candidate.verdict is Verdict.ELIGIBLE]
    if not eligible:
        return _none_eligible(candidates)
    return _several_subjects(study, eligible) or _best(eligible, criteria)


def _nothing_there(study: Study) -> Reason:
    count = study.other_files + study.unreadable_files
    if not count:
        return Reason(RefusalCode.EMPTY_INPUT, "the input holds no file; allowed: the instances of a DICOM study")
    return Reason(
        RefusalCode.NOT_DICOM, f"none of the {count} files belongs to a DICOM series; allowed: the instances of a study"
    )


def _named(candidates: Sequence[SeriesCandidate], uid: str) -> SeriesCandidate | Reason:
    for candidate in candidates:
        if uid and candidate.series_instance_uid == uid:
            return _settled(candidate, ReasonCode.NAMED, "the series was named by its UID")
    return Reason(
        RefusalCode.NO_SUITABLE_SERIES, f"none of the {len(candidates)} series has the given SeriesInstanceUID"
    )


def _none_eligible(candidates: Sequence[SeriesCandidate]) -> Reason:
    """Return the reason that lists the MR series, or the others when there is none, with what excludes each."""
    shown = [each for each in _ranked(candidates, None) if each.modality == "MR"] or _ranked(candidates, None)
    listed = "; ".join(f"{each.label}: {', '.join(_exclusion_codes(each))}" for each in shown[:_LISTED])
    more = f"; and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
    return Reason(
        RefusalCode.NO_SUITABLE_SERIES,
        f"none of the {len(candidates)} series is an axial T2-weighted series of the pelvis without contrast and fat "
        f"saturation ({listed}{more}); to try one all the same, {_OVERRIDE}",
    )


def _several_subjects(study: Study, eligible: Sequence[SeriesCandidate]) -> Reason | None:
    """Return why no score may choose: it must not be what chooses a patient, or the time of a study."""
    uids = {candidate.series_instance_uid for candidate in eligible}
    qualifying = [series for series in study.series if series.uid in uids]
    for keyword, what in (("PatientID", "patients"), ("StudyInstanceUID", "studies")):
        # A series that does not name its patient is told by its study.
        count = len({series.text(keyword) for series in qualifying} - {""})
        if count > 1:
            listed = ", ".join(candidate.label for candidate in _ranked(eligible, None)[:_LISTED])
            return Reason(
                RefusalCode.SEVERAL_SERIES,
                f"series of {count} {what} qualify ({listed}); allowed: one study, or {_OVERRIDE}",
            )
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
        found.append(f"{study.unreadable_files} files that are no readable DICOM were left out; one could be a slice")
    if chosen is not None and chosen.verdict is Verdict.EXCLUDED:
        codes = ", ".join(_exclusion_codes(chosen))
        found.append(f"the named series would not have been chosen: {codes}")
    return tuple(found)


def _exclusion_codes(candidate: SeriesCandidate) -> list[str]:
    return list(dict.fromkeys(str(reason.code) for reason in candidate.exclusions))
