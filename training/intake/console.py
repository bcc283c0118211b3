"""What of an intake people see in the terminal."""

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from training.intake.study import TakenIn

_SHOWN_REJECTED = 40


def describe_intake(taken: TakenIn) -> RenderableType:
    """Return the rejected cases with their reasons, the kinds of warnings, and where to look further."""
    tested = sum(record.split == "test" for record in taken.accepted)
    parts: list[RenderableType] = [
        Text(
            f"{len(taken.accepted)} cases taken in, {tested} of them for testing; {len(taken.rejected)} rejected",
            "bold",
        )
    ]
    if taken.rejected:
        parts.append(_rejected_table(taken))
    if len(taken.rejected) > _SHOWN_REJECTED:
        parts.append(Text(f"and {len(taken.rejected) - _SHOWN_REJECTED} more; rejected.json has all"))
    warned = Counter(str(fault.code) for record in taken.accepted for fault in record.warnings)
    parts += [Text(f"warning: {code} in {count} cases", "yellow") for code, count in sorted(warned.items())]
    if taken.spare_series:
        parts.append(Text(f"{taken.spare_series} MR series have no mask"))
    if taken.unreadable_archives:
        parts.append(Text(f"warning: {taken.unreadable_archives} archives cannot be read", "yellow"))
    parts.append(Text(f"which files a case was made from: {taken.key}", "dim"))
    return Group(*parts)


def _rejected_table(taken: TakenIn) -> Table:
    table = Table("case", "reason", "what was got, and what is allowed", box=None, padding=(0, 2, 0, 0))
    for record in taken.rejected[:_SHOWN_REJECTED]:
        for fault in record.reasons:
            table.add_row(Text(record.name), Text(str(fault.code), "red"), Text(fault.message))
    return table
