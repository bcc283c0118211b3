"""Whether a series is what the model was made for: one axial T2-weighted MR series, as acquired.

Criteria: FACTS on series selection (modality, sequence, echo and repetition time, image type), by tags only; what free
text says is a warning at most (`kinds`).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pydicom.uid import EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, MRImageStorage

from core.errors import RefusalCode
from core.reading.concatenations import check_frames, check_parts
from core.reading.derivation import check_derivation
from core.reading.elements import is_stated
from core.reading.frames import Frame
from core.reading.kinds import check_kinds, has_contrast_agent, image_type, shown_word
from core.reading.limits import ReadingLimits
from core.reading.notes import Notes

MR_STORAGE: Final = frozenset({MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage})
SPIN_ECHO: Final = frozenset({"SE", "RM"})
_ECHO_TIMES: Final = ("EffectiveEchoTime", "EchoTime")


def check_suitability(frames: Sequence[Frame], limits: ReadingLimits, notes: Notes) -> None:
    """Note every reason why the frames are no axial T2-weighted MR series as acquired."""
    _check_one_series(frames, notes)
    _check_modality(frames, notes)
    _check_image_type(frames, limits, notes)
    if all(frame.text("Modality").upper() == "MR" for frame in frames):
        _check_sequence(frames, notes)
        _check_timing(frames, limits, notes)
        _check_preparation(frames, notes)
        check_kinds(frames, notes)


def _check_one_series(frames: Sequence[Frame], notes: Notes) -> None:
    for keyword, what in (("SeriesInstanceUID", "series"), ("StudyInstanceUID", "studies")):
        count = len({frame.text(keyword) for frame in frames})
        if count > 1:
            notes.refuse(
                RefusalCode.SEVERAL_SERIES, f"the input mixes {count} {what}; allowed: one series of one patient"
            )
    if any(not frame.text(keyword) for frame in frames for keyword in ("SeriesInstanceUID", "StudyInstanceUID")):
        notes.refuse(RefusalCode.MISSING_GEOMETRY, "an instance does not say which series and study it belongs to")
    instances = list({id(frame.dataset): frame.dataset for frame in frames}.values())
    check_parts(instances, notes)
    check_frames(instances, frames, notes)


def _check_modality(frames: Sequence[Frame], notes: Notes) -> None:
    for modality in _distinct(shown_word(frame.text("Modality").upper()) for frame in frames):
        if modality != "MR":
            notes.refuse(RefusalCode.NOT_MR, f"modality is {modality}; allowed: MR")
    if any(frame.text("SOPClassUID") not in MR_STORAGE for frame in frames):
        notes.refuse(
            RefusalCode.NOT_MR,
            "the storage class is not an MR image; allowed: classic, enhanced or legacy converted enhanced MR image",
        )


def _check_image_type(frames: Sequence[Frame], limits: ReadingLimits, notes: Notes) -> None:
    check_derivation(frames, limits, notes)
    if any("LOCALIZER" in image_type(frame) for frame in frames):
        notes.refuse(RefusalCode.NOT_T2, "the image type says LOCALIZER; allowed: a T2-weighted series")


def _check_sequence(frames: Sequence[Frame], notes: Notes) -> None:
    kinds = {kind for frame in frames for kind in sequence_kinds(frame)}
    foreign = sorted(kinds - SPIN_ECHO)
    if foreign:
        names = ", ".join(_distinct(shown_word(kind) for kind in foreign))
        notes.refuse(
            RefusalCode.NOT_T2, f"the scanning sequence includes {names}; allowed: spin echo (SE) or research mode (RM)"
        )
    elif not kinds:
        notes.warn("the scanning sequence is not stated; read as spin echo")
    contrasts = {word for frame in frames for word in frame.words("AcquisitionContrast")} - {"T2", "UNKNOWN"}
    for contrast in _distinct(shown_word(word) for word in sorted(contrasts)):
        notes.refuse(RefusalCode.NOT_T2, f"the acquisition contrast is {contrast}; allowed: T2")
    if any("3D" in frame.words("MRAcquisitionType") for frame in frames):
        notes.warn("the series was acquired in 3D; the usual protocol is 2D")


def sequence_kinds(frame: Frame) -> set[str]:
    """Return the kinds of echo in the words of the classic attribute (0018,0020), also for enhanced images."""
    kinds = set(frame.words("ScanningSequence"))
    pulse = frame.text("EchoPulseSequence").upper()
    kinds |= {"SPIN": {"SE"}, "GRADIENT": {"GR"}, "BOTH": {"SE", "GR"}}.get(pulse, set())
    if frame.text("EchoPlanarPulseSequence").upper() == "YES":
        kinds.add("EP")
    if frame.text("InversionRecovery").upper() == "YES":
        kinds.add("IR")
    return kinds


def _check_timing(frames: Sequence[Frame], limits: ReadingLimits, notes: Notes) -> None:
    shortest, longest = limits.echo_time_ms
    echo_times = [echo_time_ms(frame) for frame in frames]
    known = sorted({time for time in echo_times if time is not None})
    outside = [time for time in known if not shortest <= time <= longest]
    if outside:
        notes.refuse(
            RefusalCode.NOT_T2, f"the echo time is {_listed(outside)} ms; allowed: {shortest:g} to {longest:g} ms"
        )
    if len(known) > 1:
        notes.refuse(RefusalCode.NOT_T2, f"the series mixes echo times of {_listed(known)} ms; allowed: one echo")
    lacking = [frame for time, frame in zip(echo_times, frames, strict=True) if time is None]
    if any(not states_echo_time(frame) for frame in lacking):
        notes.refuse(RefusalCode.NOT_T2, f"no echo time is stated; allowed: {shortest:g} to {longest:g} ms")
    if any(frame.number(keyword) == 0 for frame in lacking for keyword in _ECHO_TIMES):
        notes.refuse(RefusalCode.NOT_T2, f"the echo time is 0 ms; allowed: {shortest:g} to {longest:g} ms")
    short = sorted(
        {time for frame in frames if (time := frame.number("RepetitionTime")) and time < limits.min_repetition_time_ms}
    )
    if short:
        notes.refuse(
            RefusalCode.NOT_T2,
            f"the repetition time is {_listed(short)} ms; allowed: at least {limits.min_repetition_time_ms:g} ms",
        )


def _check_preparation(frames: Sequence[Frame], notes: Notes) -> None:
    b_values = sorted({b for frame in frames if (b := frame.number("DiffusionBValue"))})
    if b_values:
        notes.refuse(
            RefusalCode.NOT_T2, f"the series is diffusion-weighted (b = {_listed(b_values)} s/mm2); allowed: none"
        )
    if any(has_contrast_agent(frame) for frame in frames):
        notes.warn("a contrast agent is stated; the usual protocol has none")


def echo_time_ms(frame: Frame) -> float | None:
    """Return the effective echo time; None if none is stated."""
    return next((time for keyword in _ECHO_TIMES if (time := frame.number(keyword))), None)


def states_echo_time(frame: Frame) -> bool:
    """Return whether a frame states an echo time, readable or not."""
    return any(is_stated(place, keyword) for place in (*frame.groups, frame.dataset) for keyword in _ECHO_TIMES)


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _listed(numbers: Sequence[float]) -> str:
    shown = ", ".join(f"{number:g}" for number in numbers[:4])
    return shown + (", ..." if len(numbers) > 4 else "")
