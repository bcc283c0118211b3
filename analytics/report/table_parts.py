"""Tables that are wider than a page, in parts that each repeat the first column."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from analytics.report.blocks import Table
from analytics.report.language import say


def parts_within(block: Table, width: float, widths: Callable[[Table], Sequence[float]]) -> list[Table]:
    """Return a table in as few parts as fit into `width`, each with the first column; the note stands below the last.

    `widths` gives the least width of every column in the unit of `width`. One column beside the first may be too wide
    all the same and is then a part of its own.
    """
    first, *others = widths(block)
    parts: list[list[int]] = []
    room = 0.0
    for column, wanted in enumerate(others, 1):
        if not parts or wanted > room:
            parts.append([])
            room = width - first
        parts[-1].append(column)
        room -= wanted
    if len(parts) < 2:
        return [block]
    return [_part(block, [0, *columns], place, len(parts)) for place, columns in enumerate(parts, 1)]


def _part(block: Table, columns: list[int], place: int, parts: int) -> Table:
    def chosen(row: Sequence[str]) -> tuple[str, ...]:
        return tuple(row[column] for column in columns)

    return replace(
        block,
        key=block.key if place == 1 else f"{block.key}-part-{place}",
        title=f"{block.title} {say(f'(part {place})')}",
        header=chosen(block.header),
        rows=tuple(map(chosen, block.rows)),
        note=block.note if place == parts else "",
    )
