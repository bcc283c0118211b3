"""The table of what is no plain T2 as the conformance statement shows it."""

from core.reading.kinds import KINDS


def kinds_table() -> str:
    """Return the table as Markdown, one row per kind, with a line's end after each."""
    rows = ["| A series that is | is | told by | values |", "|---|---|---|---|"]
    for kind in KINDS:
        values = ", ".join(f"`{word}`" for word in sorted(kind.words)) or "see the element"
        rows.append(f"| {kind.name} | {kind.verdict} | {kind.told_by} | {values} |")
    return "\n".join(rows) + "\n"
