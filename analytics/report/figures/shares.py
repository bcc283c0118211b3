"""Forest plots of shares: one figure of accuracy by level or by group."""

from collections.abc import Sequence

from analytics.estimate import Estimate
from analytics.report.blocks import Figure
from analytics.report.figures.drawing import canvas, colour_of, finished, or_said
from analytics.report.wording import estimate_text

ShareRow = tuple[str, tuple[Estimate | None, ...]]
"""Label, and one estimate for each panel; a heading where all are None."""


@or_said
def draw_shares(rows: Sequence[ShareRow], panels: Sequence[str], key: str, title: str, note: str = "") -> Figure:
    """Return panels beside each other, one line per row with its share and interval on a scale from 0 to 100 %."""
    with canvas(2.2 + 2.6 * len(panels), 0.85 + 0.25 * len(rows)) as figure:
        every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for place, (axes, name) in enumerate(zip(every, panels, strict=True)):
            for position, (_, estimates) in enumerate(rows):
                estimate = estimates[place]
                if estimate is None:
                    continue
                words = estimate_text(estimate, "percent").replace(" %", "")
                axes.text(1.05, position, words, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
                if not estimate.defined:
                    continue
                if estimate.low is not None and estimate.high is not None:
                    axes.plot([estimate.low, estimate.high], [position] * 2, color=colour_of(0), linewidth=1.3)
                axes.plot(estimate.value, position, "s", color=colour_of(0), markersize=4.5, clip_on=False)
            axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel=f"{name}, %")
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
            axes.grid(axis="x", color="#dddddd", linewidth=0.6)
            axes.set_axisbelow(True)
            # A square on 0 keeps clear of its label.
            axes.tick_params(axis="y", length=0, pad=7)
            axes.spines["left"].set_visible(False)
        every[0].set_yticks(range(len(rows)), [label for label, _ in rows])
        for label, (_, estimates) in zip(every[0].get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if all(each is None for each in estimates) else "normal")
        return finished(figure, key, title, _alternative(rows, panels, title), note)


def _alternative(rows: Sequence[ShareRow], panels: Sequence[str], title: str) -> str:
    parts = [
        f"{label}, {name[0].lower() + name[1:]} {estimate_text(estimate, 'percent')}"
        for label, estimates in rows
        for name, estimate in zip(panels, estimates, strict=True)
        if estimate is not None
    ]
    return f"Forest plot, {title}: " + "; ".join(parts) + "."
