"""Curves that nothing covers, and residuals that show an effect which moves."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from analytics.report.blocks import Figure, ReportDocument, Section, Text
from analytics.report.figures import curves
from analytics.report.figures.curves import Curve, CurveWords, draw_curves
from analytics.report.figures.residuals import draw_residuals
from analytics.survival.proportional_hazards import ResidualPlot


def curve(label: str) -> Curve:
    time = np.array([6.0, 12.0, 18.0])
    value = np.array([0.6, 0.3, 0.1])
    return Curve(label, time, value, value - 0.1, value + 0.1, np.array([15.0]), np.array([9, 6, 2]))


def test_the_legend_of_four_falling_curves_stands_above_them(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Canvas] = []

    def keep(figure: Canvas, key: str, title: str, alternative: str) -> Figure:
        figure.draw_without_rendering()
        drawn.append(figure)
        return Figure(key, title, alternative, b"", b"", 1.0, 1.0)

    monkeypatch.setattr(curves, "finished", keep)
    words = CurveWords("key", "Survival", "falls", "Time, months", "Survival", "Log-rank test: p < 0.001", 1.0)
    draw_curves([curve(f"group {index}") for index in range(4)], [0, 12, 24], words)
    axes = drawn[0].axes[0]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [f"group {index}" for index in range(4)]
    assert legend.get_window_extent().y0 >= axes.get_window_extent().y1 - 0.5
    assert legend.get_window_extent().y1 <= drawn[0].bbox.y1


def test_a_figure_is_the_same_whatever_somebody_else_has_set_for_all_figures() -> None:
    words = CurveWords("key", "Survival", "falls", "Time, months", "Survival", "Log-rank test: p < 0.001", 1.0)
    alone = draw_curves([curve("all")], [0, 12, 24], words)
    # What nnU-Net does to all figures of its process.
    with mpl.rc_context(
        rc={"axes.labelsize": 30, "xtick.labelsize": 27, "axes.facecolor": "#EAEAF2", "axes.grid": True}
    ):
        beside = draw_curves([curve("all")], [0, 12, 24], words)
        assert mpl.rcParams["axes.labelsize"] == 30
    assert isinstance(alone, Figure)
    assert isinstance(beside, Figure)
    assert (alone.svg, alone.png) == (beside.svg, beside.png)


def test_residuals_have_a_panel_for_each_column_and_words_for_how_its_effect_moves() -> None:
    time = np.arange(1.0, 9.0)
    at = np.linspace(0.0, 1.0, 5)
    smooth = np.linspace(1.5, -0.5, 5)
    plot = ResidualPlot("model", time, time / 8, np.linspace(1.5, -0.5, 8), 0.5, at, smooth, smooth - 1, smooth + 1)
    figure = draw_residuals([("Status", plot)] * 4, "residuals", "Effects", "months")
    assert isinstance(figure, Figure)
    assert figure.alternative.startswith("Effects: Status from 1.50 to \u22120.50, 0.50 in the model; Status from")
    assert "speaks against proportional hazards" in figure.note
    # Two rows of panels, three across.
    assert figure.svg.decode().count("<!-- Status -->") == 4
    assert (figure.width_in, figure.height_in) == (6.8, 0.4 + 1.75 * 2)


def test_a_figure_that_cannot_be_drawn_is_said_with_its_fault_and_costs_nothing_else() -> None:
    words = CurveWords("key", "Survival", "falls", "Time, months", "Survival", "", 1.0)
    lost = draw_curves([curve("all")], [], words)
    assert isinstance(lost, Text)
    assert lost.fault is not None
    assert lost.fault.startswith("IndexError in analytics/report/figures/curves.py, line ")
    section = Section("survival", "Survival", (lost,))
    report = ReportDocument("t", "", True, (section,), {}, {})
    assert report.faults == {"Survival, figure 1": lost.fault}


def test_a_line_ends_where_it_is_cut_and_says_beside_its_name_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Canvas] = []

    def keep(figure: Canvas, key: str, title: str, alternative: str) -> Figure:
        drawn.append(figure)
        return Figure(key, title, alternative, b"", b"", 1.0, 1.0)

    monkeypatch.setattr(curves, "finished", keep)
    words = CurveWords("key", "Survival", "falls", "Time, months", "Survival", "", 1.0)
    draw_curves([replace(curve("all"), remark=": median 12.0", drawn_to=14.0)], [0, 12, 24], words)
    axes = drawn[0].axes[0]
    line = axes.get_lines()[0]
    assert np.asarray(line.get_xdata()).tolist() == [0.0, 6.0, 12.0, 14.0]
    assert np.asarray(line.get_ydata()).tolist() == [1.0, 0.6, 0.3, 0.3]
    # The one censoring, at 15, lies beyond.
    assert np.asarray(axes.get_lines()[1].get_xdata()).size == 0
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["all: median 12.0"]
