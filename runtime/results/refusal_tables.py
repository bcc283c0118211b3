"""Tables of what decides whether a series is the right one, beside what is allowed; free text is never shown."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from PIL import Image

from core.reading.derivation import check_derivation
from core.reading.frames import Frame
from core.reading.geometry import tilt_deg
from core.reading.kinds import image_type, is_computed, is_fat_suppressed
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.reading.notes import Notes
from core.reading.suitability import (
    MR_STORAGE,
    SPIN_ECHO,
    echo_time_ms,
    sequence_kinds,
)
from runtime.results.charts import Row, table_panel
from runtime.results.refusal_facts import SliceFacts

_MODALITIES: Final = frozenset(
    [
        "MR",
        "CT",
        "PT",
        "NM",
        "US",
        "CR",
        "DX",
        "MG",
        "XA",
        "RF",
        "OT",
        "SC",
        "SR",
        "KO",
        "PR",
        "SEG",
        "REG",
        "DOC",
        "RTSTRUCT",
        "RTDOSE",
        "RTPLAN",
        "RTIMAGE",
    ]
)
"""The usual ones of PS3.3, C.7.3.1.1.1."""

_IMAGE_TYPES: Final = frozenset(
    ["ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY", "MIXED", "LOCALIZER", "M", "ND", "NORM"]
)
_SEQUENCES: Final = frozenset(["SE", "IR", "GR", "EP", "RM"])
_CONTRASTS: Final = frozenset(
    [
        "DIFFUSION",
        "FLOW_ENCODED",
        "FLUID_ATTENUATED",
        "PERFUSION",
        "PROTON_DENSITY",
        "STIR",
        "TAGGING",
        "T1",
        "T2",
        "T2_STAR",
        "TOF",
        "UNKNOWN",
    ]
)
"""Of PS3.3, C.8.13.3.1.1."""

_KNOWN_WORDS: Final = _MODALITIES | _IMAGE_TYPES | _SEQUENCES | _CONTRASTS
_MAX_SHOWN: Final = 6
_MAX_SERIES: Final = 10


def acquisition_panel(slices: Sequence[SliceFacts], limits: ReadingLimits = DEFAULT_LIMITS) -> Image.Image | None:
    """Return the acquisition of an input beside what is allowed; None without any slice."""
    if not slices:
        return None
    frames = [each.frame for each in slices]
    rows = [*_kind_rows(frames, limits), *_timing_rows(frames)]
    return table_panel(("Attribute", "Stated", "Allowed"), rows, (0.22, 0.4, 0.38))


def _kind_rows(frames: Sequence[Frame], limits: ReadingLimits) -> list[Row]:
    modalities = _distinct(frame.text("Modality").upper() for frame in frames)
    types = {word for frame in frames for word in image_type(frame)}
    is_mr = all(frame.text("SOPClassUID") in MR_STORAGE for frame in frames)
    derivation = Notes()
    check_derivation(frames, limits, derivation)
    as_acquired = not derivation.reasons and "LOCALIZER" not in types
    filtered = " or only filtered" if limits.filtered_images == "warn" else ""
    kinds = {kind for frame in frames for kind in sequence_kinds(frame)}
    contrasts = {word for frame in frames for word in frame.words("AcquisitionContrast")}
    return [
        Row(("Modality", _words(modalities), "MR"), modalities == ["MR"]),
        Row(("Storage class", "MR image" if is_mr else "not an MR image", "MR image"), is_mr),
        Row(("Image type", _words(types), f"as acquired (ORIGINAL){filtered}, no localizer"), as_acquired),
        Row(("Scanning sequence", _words(kinds), "spin echo (SE) or research mode (RM)"), kinds <= SPIN_ECHO),
        Row(("Contrast", _words(contrasts), "T2, where it is stated"), contrasts <= {"T2", "UNKNOWN"}),
    ]


def _timing_rows(frames: Sequence[Frame]) -> list[Row]:
    shortest, longest = DEFAULT_LIMITS.echo_time_ms
    echoes = [echo_time_ms(frame) for frame in frames]
    known = {time for time in echoes if time is not None}
    one_echo = None not in echoes and len(known) == 1 and all(shortest <= time <= longest for time in known)
    repetitions = _numbers(frames, lambda frame: frame.number("RepetitionTime"))
    slow = all(time >= DEFAULT_LIMITS.min_repetition_time_ms for time in repetitions if time)
    b_values = {b for b in _numbers(frames, lambda frame: frame.number("DiffusionBValue")) if b}
    suppressed = any(is_fat_suppressed(frame) for frame in frames)
    least = DEFAULT_LIMITS.min_repetition_time_ms
    return [
        Row(("Echo time", _listed(known, "ms"), f"one echo of {shortest:g} to {longest:g} ms"), one_echo),
        Row(("Repetition time", _listed(repetitions, "ms"), f"at least {least:g} ms, where it is stated"), slow),
        Row(("Diffusion weighting", _listed(b_values, "s/mm2") if b_values else "none", "none"), not b_values),
        Row(("Fat suppression", "yes" if suppressed else "none", "none"), not suppressed),
    ]


def series_panel(slices: Sequence[SliceFacts]) -> Image.Image | None:
    """Return a row per series of an input; None without any slice."""
    if not slices:
        return None
    of_series: dict[int, list[SliceFacts]] = {}
    for each in slices:
        of_series.setdefault(each.series, []).append(each)
    ordered = sorted(of_series.values(), key=lambda own: _natural(own[0].series_name))
    rows = [_series_row(own) for own in ordered[:_MAX_SERIES]]
    if len(ordered) > _MAX_SERIES:
        rows.append(Row((f"and {len(ordered) - _MAX_SERIES} more", *[""] * 6)))
    header = ("Series", "Slices", "Modality", "Sequence", "Echo time", "Repetition time", "Plane")
    return table_panel(header, rows, (0.16, 0.08, 0.11, 0.13, 0.16, 0.18, 0.18))


def _natural(name: str) -> tuple[int, str]:
    """Return what puts names in the order of the numbers that they begin with, those without one last."""
    number = name.split(" ", 1)[0]
    return (int(number), name) if number.isdecimal() else (sys.maxsize, name)


def _series_row(slices: Sequence[SliceFacts]) -> Row:
    frames = [each.frame for each in slices]
    planes = [each.plane for each in slices if each.plane is not None]
    plane = "not stated"
    if planes:
        name = ("sagittal", "coronal", "axial")[int(np.abs(planes[0].normal).argmax())]
        plane = f"{name}, {tilt_deg(planes[0].normal):.0f} degrees"
    return Row(
        (
            slices[0].series_name,
            str(len(slices)),
            _words(_distinct(frame.text("Modality").upper() for frame in frames)),
            _words({kind for frame in frames for kind in sequence_kinds(frame)}),
            _listed(_numbers(frames, echo_time_ms), "ms"),
            _listed(_numbers(frames, lambda frame: frame.number("RepetitionTime")), "ms"),
            plane,
        )
    )


def _numbers(frames: Sequence[Frame], read: Callable[[Frame], float | None]) -> set[float]:
    return {value for frame in frames if (value := read(frame)) is not None}


def _distinct(words: Iterable[str]) -> list[str]:
    return sorted(set(words))


def _words(words: Iterable[str]) -> str:
    """Return code strings in order; one that DICOM does not define could be misplaced free text and is not shown."""
    shown = _distinct(_shown(word) for word in words if word) or ["not stated"]
    return ", ".join(shown[:_MAX_SHOWN]) + (", ..." if len(shown) > _MAX_SHOWN else "")


def _shown(word: str) -> str:
    return word if word in _KNOWN_WORDS or is_computed(word) else "another word"


def _listed(numbers: Iterable[float], unit: str) -> str:
    shown = [f"{number:g}" for number in sorted(numbers)]
    if not shown:
        return "not stated"
    return ", ".join(shown[:_MAX_SHOWN]) + (", ..." if len(shown) > _MAX_SHOWN else "") + f" {unit}"
