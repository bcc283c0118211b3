"""From the headers of one series to a candidate: what excludes it and what it scores, by tags and geometry alone."""

from collections.abc import Iterator, Sequence

from core.errors import RefusalCode
from core.reading.frames import Frame, frame_count, frames_of
from core.reading.geometry import Stack, locate
from core.reading.identity import check_identity
from core.reading.kinds import has_contrast_agent, is_elsewhere, is_pelvis, shown_word
from core.reading.limits import ReadingLimits
from core.reading.mending import mend_headers
from core.reading.notes import Notes
from core.reading.suitability import check_suitability
from core.selection.candidates import ReasonCode, SeriesCandidate, SeriesReason
from core.selection.criteria import SelectionCriteria
from core.selection.scoring import score_processing, score_stack, score_statements
from core.selection.study import StudySeries


def judge_series(series: StudySeries, limits: ReadingLimits, criteria: SelectionCriteria) -> SeriesCandidate:
    """Return the series as a candidate: what reading would refuse or selection adds excludes it."""
    notes = Notes()
    mend_headers(series.headers, notes)
    frames = _frames(series, limits, notes)
    stack = None
    scored: tuple[SeriesReason, ...] = ()
    excluded: tuple[SeriesReason, ...] = ()
    if frames:
        check_identity([frame.dataset for frame in frames], notes)
        check_suitability(frames, limits, notes)
        if all(frame.text("Modality").upper() == "MR" for frame in frames):
            stack = locate(frames, limits, notes)
            excluded = tuple(_exclusions(frames))
            scored = tuple(_scores(frames, stack, criteria))
    by_reading = tuple(SeriesReason(reason.code, reason.message, None) for reason in notes.reasons)
    return SeriesCandidate(
        series_instance_uid=series.uid,
        series_number=_number(series),
        modality=shown_word(series.text("Modality").upper()),
        instance_count=len(series.headers),
        score=round(sum(reason.points or 0.0 for reason in scored), 1) if stack else 0.0,
        reasons=by_reading + excluded + scored,
        description=" ".join(filter(None, (series.text("SeriesDescription"), series.text("ProtocolName")))),
    )


def _frames(series: StudySeries, limits: ReadingLimits, notes: Notes) -> list[Frame]:
    """Return the frames of the series; none, with the reason noted, where their count is not to be believed."""
    counts = [frame_count(header) for header in series.headers]
    if 0 in counts:
        notes.refuse(RefusalCode.UNREADABLE_PIXELS, "an image states no usable number of frames; allowed: 1 or more")
        return []
    if sum(counts) > limits.max_files:
        notes.refuse(RefusalCode.TOO_LARGE, f"{sum(counts)} slices; allowed: at most {limits.max_files}")
        return []
    return [frame for header in series.headers for frame in frames_of(header)]


def _number(series: StudySeries) -> int | None:
    try:
        return int(series.text("SeriesNumber"))
    except ValueError:
        return None


def _exclusions(frames: Sequence[Frame]) -> Iterator[SeriesReason]:
    """Yield what excludes an MR series from being chosen, though it could be read when it is named."""
    acquisitions = {word for frame in frames for word in frame.words("MRAcquisitionType")} - {""}
    if acquisitions - {"2D"}:
        kinds = ", ".join(sorted({shown_word(word) for word in acquisitions}))
        yield SeriesReason(ReasonCode.NOT_2D, f"the acquisition is {kinds}; allowed: 2D", None)
    if any(has_contrast_agent(frame) for frame in frames):
        yield SeriesReason(ReasonCode.CONTRAST_AGENT, "a contrast agent is stated; allowed: none", None)
    elsewhere = sorted({part for frame in frames for part in frame.words("BodyPartExamined") if is_elsewhere(part)})
    if elsewhere:
        said = ", ".join(shown_word(part) for part in elsewhere)
        yield SeriesReason(ReasonCode.OTHER_BODY_PART, f"the body part is {said}; allowed: the pelvis", None)


def _scores(frames: Sequence[Frame], stack: Stack | None, criteria: SelectionCriteria) -> Iterator[SeriesReason]:
    if stack is not None:
        yield from score_stack(stack, criteria)
    yield from score_statements(frames, criteria)
    yield from score_processing(frames, criteria)
    parts = {part for frame in frames for part in frame.words("BodyPartExamined")} - {""}
    vague = sorted(part for part in parts if not is_pelvis(part) and not is_elsewhere(part))
    if vague:
        said = ", ".join(shown_word(part) for part in vague)
        yield SeriesReason(
            ReasonCode.BODY_PART, f"the body part is {said}; preferred: the pelvis", criteria.body_part_points
        )
