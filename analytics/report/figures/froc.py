"""The FROC curve: sensitivity for nodes against false positives per case."""

import numpy as np

from analytics.accuracy.detection import FrocCurve
from analytics.estimate import Estimate
from analytics.report.blocks import Figure
from analytics.report.figures.drawing import canvas, colour_of, finished, or_said
from analytics.report.wording import estimate_text


@or_said
def draw_froc(
    curve: FrocCurve, at_rates: dict[float, Estimate], point: tuple[Estimate, Estimate], key: str, title: str
) -> Figure:
    """Return the curve with intervals at fixed rates and the point (false positives, sensitivity) of positive nodes."""
    false, sensitivity = point
    with canvas(4.6, 3.8) as figure:
        axes = figure.subplots()
        x = np.concatenate([[0.0], curve.false_per_case])
        y = np.concatenate([[0.0], np.nan_to_num(curve.sensitivity)])
        axes.step(x, y, where="post", color=colour_of(0), linewidth=1.4, label="by the model's probability")
        longest = max(float(x[-1]), false.value if false.defined else 0.0, 0.1) * 1.08
        for rate, estimate in at_rates.items():
            if rate <= longest and estimate.low is not None and estimate.high is not None:
                axes.plot([rate, rate], [estimate.low, estimate.high], color=colour_of(0), linewidth=1.0, alpha=0.7)
                axes.plot(rate, estimate.value, "o", color=colour_of(0), markersize=3.5)
        if false.defined and sensitivity.defined:
            label = "nodes called positive"
            axes.plot(false.value, sensitivity.value, "D", color=colour_of(1), label=label, clip_on=False)
        axes.set(xlim=(0, longest), ylim=(0, 1.02), xlabel="False positives per case", ylabel="Sensitivity for nodes")
        axes.legend(loc="lower right")
        words = f"FROC curve; nodes called positive: sensitivity {estimate_text(sensitivity, 'percent')} at "
        return finished(figure, key, title, f"{words}{estimate_text(false)} false positives per case.")
