"""Seeds as they are written on a command line."""

import typer


def seeds_of_option(text: str) -> tuple[int, ...]:
    """Return the seeds of the option --seeds; raises `typer.BadParameter` naming it on what `parse_seeds` refuses."""
    try:
        return parse_seeds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--seeds") from error


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of a text like `0-99` or `3,5,8-10`, ascending and without repeats.

    Raises `ValueError` for anything else, and for a range that runs backwards.
    """
    seeds: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()) or part.strip().endswith("-"):
            raise ValueError(f"seeds are written like 0-99 or 3,5,8-10, got {text!r}")
        if last and int(last) < int(first):
            raise ValueError(f"a range of seeds must run upwards, got {part.strip()!r}")
        seeds.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(seeds))
