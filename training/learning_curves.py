"""The learning curves of a training, as one page and one picture that are renewed while it goes on."""

import base64
import html
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from training.jobs import Job
from training.workspace import Workspace

PAGE: Final = "learning_curves.html"
PICTURE: Final = "learning_curves.png"

_LEAST_BETWEEN_S: Final = 10.0
"""Drawing takes about a second of a processor that trains."""

_RENEWED_S: Final = 15
"""After which an open page asks for itself again, while runs go on."""

_STYLE: Final = (
    "body{font:15px sans-serif;margin:2em;max-width:110em}img{max-width:100%}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ccc}"
    "td:first-child,th:first-child{text-align:left}"
)


class LearningCurves:
    """Draws the curves of some runs when they have changed."""

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.model
        self._seen: tuple[float, ...] = ()
        self._drawn_s = float("-inf")

    def report(self, jobs: Sequence[Job]) -> None:
        """Draw them anew where an epoch has ended since, but not all the time."""
        if time.monotonic() - self._drawn_s >= _LEAST_BETWEEN_S:
            self.draw(jobs)

    def draw(self, jobs: Sequence[Job], *, over: bool = False) -> None:
        """Draw them anew where they changed; without a whole epoch there is nothing to draw.

        While the training is not `over`, the page renews itself.
        """
        state = (over, *(path.stat().st_mtime_ns for path in (job.curves for job in jobs) if path.is_file()))
        curves = curves_of(jobs)
        if state == self._seen or not curves:
            return
        self._seen, self._drawn_s = state, time.monotonic()
        self._folder.mkdir(parents=True, exist_ok=True)
        write_page(self._folder, curves, over=over)


def curves_of(jobs: Sequence[Job]) -> dict[str, dict[str, Any]]:
    """Return the curves of the runs that have a whole epoch behind them, by the runs' names."""
    read = {job.name: json.loads(job.curves.read_text()) for job in jobs if job.curves.is_file()}
    return {name: curves for name, curves in read.items() if curves["train_loss"]}


def write_page(folder: Path, curves: dict[str, dict[str, Any]], *, over: bool) -> None:
    """Write picture and page; the page holds the picture, and renews itself while the training is not `over`."""
    from training.plots import curves_png  # it loads matplotlib

    picture = curves_png(curves)
    _replace(folder / PICTURE, picture)
    _replace(folder / PAGE, _page(curves, picture, over=over).encode())


def _page(curves: dict[str, dict[str, Any]], picture: bytes, *, over: bool) -> str:
    renew = "" if over else f'<meta http-equiv="refresh" content="{_RENEWED_S}">'
    names = list(next(iter(curves.values()))["dice"])
    head = "".join(f"<th>{html.escape(each)}" for each in ("run", "epoch", "loss", "validation", *names, "rate", "s"))
    rows = "".join(f"<tr>{''.join(f'<td>{each}' for each in _row(name, each))}" for name, each in curves.items())
    image = base64.b64encode(picture).decode()
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{renew}<title>Learning curves</title>'
        f"<style>{_STYLE}</style><h1>Learning curves</h1>"
        "<p>Dice is of random patches of the cases that each fold watches: for whole cases, and whether the "
        "model is worth anything, see <code>sidewall-train evaluate</code>.</p>"
        f'<img alt="Loss, Dice per class, rate and time per epoch" src="data:image/png;base64,{image}">'
        f"<h2>Last epochs</h2><table><tr>{head}{rows}</table></html>\n"
    )


def _row(name: str, curves: dict[str, Any]) -> list[str]:
    dice = [_told(values[-1]) for values in curves["dice"].values()]
    losses = [_told(curves[each][-1]) for each in ("train_loss", "validation_loss")]
    epoch = f"{len(curves['train_loss'])} of {curves['epochs']}"
    return [html.escape(name), epoch, *losses, *dice, f"{curves['rate'][-1]:.2g}", _told(curves["epoch_s"][-1])]


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
