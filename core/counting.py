"""Numbers of things in texts: one file, two files."""

from collections.abc import Iterable


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return e.g. `1 file` or `3 files`; `plural` where it is not the noun with an s."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def named(noun: str, names: Iterable[object]) -> str:
    """Return e.g. `node 3` or `nodes 3, 5`; raises `ValueError` without a name."""
    texts = [str(name) for name in names]
    if not texts:
        raise ValueError(f"no {noun} to name; allowed: at least one")
    return f"{noun if len(texts) == 1 else noun + 's'} {', '.join(texts)}"
