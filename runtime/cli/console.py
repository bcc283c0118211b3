"""What people see in the terminal: findings (in the form of findings.json) as a table, progress as a bar."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from core.counting import counted
from core.progress import Tell

RESEARCH_USE = "Research use only: not a medical device."

_COLOURS = {
    "positive": "bold red",
    "borderline": "yellow",
    "indeterminate": "yellow",
    "negative": "green",
    "demonstration": "cyan",
    "refused": "bold red",
    "refuse": "bold red",
    "warn": "yellow",
    "pass": "green",
}

_SHOWN_DIFFERENCES = 20

ShowProgress = Callable[[str, int, int, float | None], None]
"""Takes stage, done, total and the estimated seconds to the end of the analysis."""

_STDERR = Console(stderr=True)


def tell(text: str) -> None:
    """Print one line to the standard error, above the bar if there is one."""
    _STDERR.print(text, highlight=False, markup=False, soft_wrap=True)


def naming_aside(tell: Tell) -> Callable[[str, str], None]:
    """Return what tells the person at the terminal, and nobody else, name and kind of a file that is left aside."""

    def name_aside(name: str, kind: str) -> None:
        """Tell one file; what could move the cursor is shown as its number."""
        shown = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in name)
        if shown:
            tell(f"left aside: {shown} ({kind})")

    return name_aside


def describe_findings(findings: Mapping[str, Any]) -> RenderableType:
    """Return a case's findings for the terminal: verdict, nodes, refusal, warnings."""
    parts: list[RenderableType] = [_verdict(findings)]
    comparison = findings["comparison"]
    if findings["nodes"]:
        parts.append(_node_table(findings["nodes"], compared=comparison is not None))
    if comparison is not None:
        parts += _comparison_lines(comparison)
    parts += [Text(f"refused ({reason['code']}): {reason['message']}", "red") for reason in findings["refusal"]]
    parts += [Text(f"warning: {warning}", "yellow") for warning in findings["warnings"]]
    parts.append(Text(RESEARCH_USE, "dim"))
    return Group(*parts)


def describe_replay(replay: Mapping[str, Any]) -> RenderableType:
    """Return what came of running a case again (`Replay.to_mapping`) for the terminal."""
    count = len(replay["compared_files"])
    if replay["verdict"] == "identical":
        return Text(f"the same: every value of the findings, and {counted(count, 'file')} byte for byte", "green")
    if replay["same"]:
        said = f"numbers of the findings to {replay['tolerance']['numbers']:g}, and what shows them"
        return Text(f"the same within the tolerance: {said}; --json has the differences", "green")
    counting = [each for each in replay["differences"] if not each["within_tolerance"]]
    shown = counting[:_SHOWN_DIFFERENCES]
    found = counted(len(counting), "difference")
    lines = [Text(f"NOT the same: {found} in the findings and {counted(count, 'file')}", "bold red")]
    lines += [Text(f"  {each['what']}: was {_short(each['then'])}, is {_short(each['now'])}") for each in shown]
    if len(counting) > len(shown):
        lines.append(Text(f"  and {len(counting) - len(shown)} more; --json has all", "dim"))
    return Group(*lines)


@contextmanager
def progress_bar(console: Console = _STDERR) -> Iterator[ShowProgress]:
    """Show a bar while the block runs and yield what moves it; shows nothing when the console is not a terminal.

    On the console of `tell`, unless another is given: its lines then stand above the bar.
    """
    # What refuses from headers is done before this is imported.
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<9}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remaining]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("start", total=None, remaining="")

        def show(stage: str, done: int, total: int, estimate_s: float | None) -> None:
            """Move the bar to `done` of `total` parts of a stage."""
            remaining = "" if estimate_s is None else f"about {estimate_s:.0f} s left"
            bar.update(task, description=stage, completed=done, total=total, remaining=remaining)

        yield show


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _verdict(findings: Mapping[str, Any]) -> Text:
    status, probability, model = findings["status"], findings["probability"], findings["model"]
    text = Text.assemble("case ", (findings["case"]["case_id"], "bold"), ": ", (status, _COLOURS.get(status, "")))
    if findings.get("incompletely_seen"):
        text.append(", incompletely seen", "yellow")
    if probability is not None and findings["nodes"]:
        text.append(f", highest probability {probability:.2f}")
    if model is not None:
        text.append(f"  ({model['bundle_name']} {model['bundle_version']}, {model['backend']}, {model['mode']})", "dim")
    return text


def _node_table(nodes: list[Mapping[str, Any]], *, compared: bool) -> Table:
    # Narrow enough for a terminal of 80 columns; beside a change, sizes and stations take two lines there.
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold underline")
    for heading in ("node", "side", "station", "status"):
        table.add_column(heading, no_wrap=heading != "station")
    for heading in ("short mm (folds)", *(["change mm (folds)"] if compared else []), "long mm", "mm³", "prob."):
        table.add_column(heading, justify="right", no_wrap=not heading.endswith("(folds)"))
    for node in nodes:
        interval = node["short_axis_interval_mm"]
        change = [_change(node["prior"])] if compared else []
        table.add_row(
            str(node["id"]),
            node["side"],
            _words(node["station"] or "none"),
            Text(node["status"], _COLOURS.get(node["status"], "")),
            f"{node['short_axis_mm']:.1f}" + (f" ({interval[0]:.1f}-{interval[1]:.1f})" if interval else ""),
            *change,
            f"{node['long_axis_mm']:.1f}",
            f"{node['volume_mm3']:.0f}",
            "-" if node["probability"] is None else f"{node['probability']:.2f}",
        )
    return table


def _change(prior: Mapping[str, Any] | None) -> str:
    """Return how much a node changed since the earlier study; `?` where another node lay nearly as close."""
    if prior is None:
        return "new"
    interval = prior["change_interval_mm"]
    doubt = "" if prior["certain"] else " ?"
    return f"{prior['change_mm']:+.1f}" + (f" ({interval[0]:+.1f} to {interval[1]:+.1f})" if interval else "") + doubt


def _comparison_lines(comparison: Mapping[str, Any]) -> Iterator[Text]:
    """Yield what the change is measured from, and the nodes of then that are not there now."""
    methods = comparison["between_methods"]
    then = f"{'difference to' if methods else 'change since'} {comparison['prior_case_id']}"
    if comparison["prior_time_point"] != "unknown":
        then += f" ({comparison['prior_time_point']})"
    if comparison["interval_days"] is not None:
        then += f", {counted(comparison['interval_days'], 'day')} before"
    yield Text(then, "dim")
    if methods:
        yield Text(f"made otherwise ({', '.join(methods)}): no growth and no shrinkage can be told", "yellow")
    for node in comparison["vanished"]:
        where = f"{node['side']} {_words(node['station'] or 'none')}, {node['short_axis_mm']:.1f} mm"
        yield Text(f"earlier node {node['id']} ({where}): not found again", "yellow")


def _words(name: str) -> str:
    return name.replace("_", " ")
