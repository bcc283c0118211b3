"""What the words of a status column mean."""

from analytics.study.data import UNINTERPRETABLE
from analytics.study.spec import StatusWords


def status_meanings(words: StatusWords) -> dict[str, str]:
    """Return what each word of a rater means: positive, negative or uninterpretable."""
    meanings = dict.fromkeys(words.positive, "positive") | dict.fromkeys(words.negative, "negative")
    return meanings | dict.fromkeys(words.uninterpretable, UNINTERPRETABLE)
