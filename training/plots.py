"""The pictures of an evaluation: curves as SVG text, cases as PNG bytes."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from core.labels import NODE_LABELS, STATION_LABELS
from training.boxes import bounding_box
from training.calibration import Reliability
from training.detection import FrocPoint

TRUTH, PREDICTION = "#2ca02c", "#d62728"
"""Colours of outlines."""

_MARGIN_VOXELS = (0, 12, 12)

LabelArray = npt.NDArray[np.uint8]


def froc_svg(curves: Mapping[str, Sequence[FrocPoint]], chosen: tuple[float, float] | None) -> str:
    """Draw sensitivity against false alarms per case; `chosen` is the operating point on the curve of all nodes."""
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot()
    for name, points in curves.items():
        axes.step(
            [0.0, *(p.false_alarms_per_case for p in points)],
            [0.0, *(p.sensitivity for p in points)],
            where="post",
            label=name,
        )
    if chosen is not None:
        axes.plot(*chosen, "ko", label="chosen, all sizes")
    axes.set(xlabel="false alarms per case", ylabel="node sensitivity", ylim=(0, 1.02), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    return _svg(figure)


def reliability_svg(results: Mapping[str, Reliability]) -> str:
    """Draw what came true against what was foretold; on the diagonal a posterior can be taken at its word."""
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    for name, result in results.items():
        axes.plot(
            [mean for mean, _, _ in result.bins],
            [share for _, share, _ in result.bins],
            "o-",
            markersize=4,
            label=f"{name} (n = {result.count})",
        )
    axes.set(xlabel="mean probability of the bin", ylabel="share that is true", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", fontsize=8)
    return _svg(figure)


def bland_altman_svg(true_mm: Sequence[float], found_mm: Sequence[float]) -> str:
    """Draw the error of the short axis against the mean of both, with bias and limits of agreement."""
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot()
    errors = np.subtract(found_mm, true_mm)
    axes.plot((np.asarray(found_mm) + np.asarray(true_mm)) / 2, errors, ".", alpha=0.6)
    if len(errors) > 1:
        spread = 1.96 * errors.std(ddof=1)
        for level, style in ((0.0, "-"), (-spread, "--"), (spread, "--")):
            axes.axhline(float(errors.mean() + level), color="k", linestyle=style, linewidth=1)
    axes.set(xlabel="mean of true and reported short axis, mm", ylabel="reported - true, mm")
    axes.grid(alpha=0.3)
    return _svg(figure)


def case_png(image: npt.NDArray[Any], truth: LabelArray, predicted: LabelArray) -> bytes:
    """Draw the slice with most wrong node voxels, bare and with outlines; arrays are (z, y, x) of one shape.

    Patients are seen from their feet, as in radiology: their right side is on the left. Thick lines are nodes, thin
    ones stations.
    """
    wrong = np.isin(truth, NODE_LABELS) != np.isin(predicted, NODE_LABELS)
    z = int(np.argmax(wrong.sum(axis=(1, 2))))
    _, rows, columns = bounding_box((truth > 0) | (predicted > 0), _MARGIN_VOXELS)
    plane = image[z][rows, columns]
    figure = Figure(figsize=(10, 10 * plane.shape[0] / plane.shape[1] / 2), dpi=100)
    for place in (1, 2):
        axes = figure.add_axes((0.5 * (place - 1), 0, 0.5, 1))
        axes.imshow(plane, cmap="gray", vmin=np.percentile(plane, 1), vmax=np.percentile(plane, 99.5))
        axes.set_axis_off()
    for labels, colour, style in ((truth, TRUTH, "solid"), (predicted, PREDICTION, "dashed")):
        _outline(figure, labels[z][rows, columns], colour, style)
    return _png(figure)


def _outline(figure: Figure, plane: LabelArray, colour: str, style: str) -> None:
    for values, width in (((value,), 0.5) for value in STATION_LABELS):
        _contour(figure, np.isin(plane, values), colour, style, width)
    _contour(figure, np.isin(plane, NODE_LABELS), colour, style, 1.6)


def _contour(figure: Figure, mask: npt.NDArray[np.bool_], colour: str, style: str, width: float) -> None:
    if mask.any() and not mask.all():
        figure.axes[1].contour(mask.astype(float), levels=[0.5], colors=colour, linewidths=width, linestyles=style)


def curves_png(curves: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Draw loss, Dice of each class, rate and time of the epochs of some runs, by the runs' names."""
    classes = list(next(iter(curves.values()))["dice"])
    figure = Figure(figsize=(18, 8), dpi=80)
    figure.set_layout_engine("constrained")
    panels = list(figure.subplots(2, -(-(3 + len(classes)) // 2)).flat)
    for colour, (name, run) in enumerate(curves.items()):
        drawn = {"color": f"C{colour}", "linewidth": 1.2, "marker": "." if len(run["train_loss"]) < 20 else None}
        _line(panels[0], run["train_loss"], label=name, **drawn)
        _line(panels[0], run["validation_loss"], linestyle="--", **drawn)
        for panel, each in zip(panels[1:], classes, strict=False):
            _line(panel, run["dice"][each], **drawn)
        _line(panels[-2], run["rate"], **drawn)
        _line(panels[-1], run["epoch_s"], **drawn)
    titles = ["loss (dashed: validation)", *(f"Dice, {each}" for each in classes), "learning rate", "s per epoch"]
    for panel in panels[1 + len(classes) : -2]:
        panel.set_axis_off()
    for panel, title in zip([*panels[: 1 + len(classes)], *panels[-2:]], titles, strict=True):
        panel.set(title=title, xlabel="epoch", **({"ylim": (0, 1)} if title.startswith("Dice") else {}))
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize=8)
    return _png(figure)


def _line(axes: Any, values: Sequence[float | None], **drawn: Any) -> None:
    axes.plot(range(1, len(values) + 1), [np.nan if value is None else value for value in values], **drawn)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.set_layout_engine("constrained")
    # A fixed salt and no date: the same figures give the same file.
    with mpl.rc_context({"svg.hashsalt": "sidewall", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
