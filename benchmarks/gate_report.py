"""What `benchmarks.quality_gates` found, as Markdown tables."""

from typing import Any


def markdown(report: dict[str, Any]) -> str:
    """Return the report as Markdown: what fired on the cases made for it, and what on clean phantoms."""
    summary, machine, model = report["summary"], report["machine"], report["model"]
    unchanged = ", ".join(report["unchanged"]) or "no gate"
    return "\n".join(
        [
            "# The quality gates on cases made for them, and on clean phantoms",
            "",
            f"Bundle `{model['name']}` {model['version']} (`{model['digest']}`), {model['mode']} mode "
            f"on {model['backend']}; phantoms of generator version {report['generator_version']}. Synthetic images "
            "only: none of this says anything about patients.",
            "",
            "## Cases made for a gate",
            "",
            f"{summary['fired']} of {summary['made_cases']} fired. All are made from the clean phantom of seed "
            f"{report['made_from_seed']}, which as it is, with its true labels, fires {unchanged}. `refuse` means that "
            "the case is not analysed, `warn` that its findings say so (a site can let those refuse too).",
            "",
            "| code | must | made by | fired | with it |",
            "|---|---|---|---|---|",
            *(_made_row(verdict) for verdict in report["made_cases"]),
            "",
            "## Clean phantoms",
            "",
            f"Clean means: {report['clean']}. Seeds {report['seeds']}: {summary['clean_phantoms_without_alarm']} of "
            f"{summary['clean_phantoms']} without any alarm. An alarm that the true labels raise as well is about the "
            "image; one that they do not raise is about the segmentation the model made of it.",
            "",
            "| gate | phantoms | seeds | on the true labels too |",
            "|---|---|---|---|",
            *(_alarm_row(code, found) for code, found in summary["alarms"].items()),
            *([] if summary["alarms"] else ["| none | 0 |  |  |"]),
            "",
            f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"Python {machine['python']}, by `{report['command']}`.",
            "",
        ]
    )


def _made_row(verdict: dict[str, Any]) -> str:
    yes = "yes" if verdict["fired"] else "**no**"
    return (
        f"| {verdict['code']} | {verdict['outcome']} | {verdict['made_by']} | {yes} | {', '.join(verdict['others'])} |"
    )


def _alarm_row(code: str, found: dict[str, Any]) -> str:
    seeds, on_truth = (", ".join(map(str, found[key])) for key in ("seeds", "seeds_on_truth_too"))
    return f"| {code} | {found['phantoms']} | {seeds} | {on_truth} |"
