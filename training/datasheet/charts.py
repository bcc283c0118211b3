"""Histograms of short axes as SVG that stands inside the page."""

from collections.abc import Sequence
from html import escape
from typing import Final

from markupsafe import Markup

_BIN_MM: Final = 1.0
_LAST_MM: Final = 16.0
"""From here on nodes share one bar."""

CUTOFF_MM: Final = 7.0
"""Short axis from which the study calls a node positive (Qiao et al. 2025)."""

_WIDTH, _HEIGHT = 300, 120
_LEFT, _BOTTOM, _TOP = 26, 22, 8
NEGATIVE_FILL: Final = "#4a90d9"
POSITIVE_FILL: Final = "#e0b000"


def histogram(title: str, negative_mm: Sequence[float], positive_mm: Sequence[float]) -> Markup:
    """Return an `svg` element: nodes by short axis in bars of 1 mm, negative below positive, the cut-off as a line."""
    bins = int(_LAST_MM / _BIN_MM) + 1
    below, above = _counts(negative_mm, bins), _counts(positive_mm, bins)
    highest = max(1, *(low + high for low, high in zip(below, above, strict=True)))
    step = (_WIDTH - _LEFT) / bins
    scale = (_HEIGHT - _BOTTOM - _TOP) / highest
    parts = [_axis(bins, step, highest)]
    for index, (low, high) in enumerate(zip(below, above, strict=True)):
        base = _HEIGHT - _BOTTOM
        parts.append(_bar(index, step, base, low * scale, NEGATIVE_FILL))
        parts.append(_bar(index, step, base - low * scale, high * scale, POSITIVE_FILL))
    x = _LEFT + CUTOFF_MM / _BIN_MM * step
    parts.append(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#a00" stroke-dasharray="3 3"/>'
    )
    label = f"{title}: {len(negative_mm)} negative and {len(positive_mm)} positive nodes by short axis"
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label, quote=True)}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="9">{"".join(parts)}</svg>'
    )


def _counts(values_mm: Sequence[float], bins: int) -> list[int]:
    counts = [0] * bins
    for value in values_mm:
        counts[min(bins - 1, int(value / _BIN_MM))] += 1
    return counts


def _bar(index: int, step: float, base: float, height: float, fill: str) -> str:
    if not height:
        return ""
    x = _LEFT + index * step + 0.5
    return f'<rect x="{x:.1f}" y="{base - height:.1f}" width="{step - 1:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _axis(bins: int, step: float, highest: int) -> str:
    base = _HEIGHT - _BOTTOM
    parts = [f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{base}" y2="{base}" stroke="#333"/>']
    for index in range(0, bins, 4):
        words = f"{index * _BIN_MM:g}" + ("+ mm" if index == bins - 1 else "")
        anchor = "end" if index == bins - 1 else "middle"
        x = _WIDTH if index == bins - 1 else _LEFT + index * step
        parts.append(f'<text x="{x:.1f}" y="{base + 12}" text-anchor="{anchor}" fill="#555">{words}</text>')
    parts.append(f'<text x="{_LEFT - 4}" y="{_TOP + 8}" text-anchor="end" fill="#555">{highest}</text>')
    return "".join(parts)
