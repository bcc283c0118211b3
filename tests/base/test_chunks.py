"""Content in parts is read up to a limit, and no further."""

from collections.abc import Iterator

import pytest

from base.chunks import read_whole
from base.errors import SettingInvalid

TOO_LARGE = SettingInvalid("file", "more", "4 bytes")


def test_parts_are_put_together_up_to_the_limit_itself() -> None:
    assert read_whole([b"ab", b"", b"cd"], 4, TOO_LARGE) == b"abcd"
    assert read_whole([], 0, TOO_LARGE) == b""


def test_nothing_is_asked_for_after_the_limit() -> None:
    asked = []

    def endless() -> Iterator[bytes]:
        while True:
            asked.append(1)
            yield b"abc"

    with pytest.raises(SettingInvalid) as refused:
        read_whole(endless(), 4, TOO_LARGE)
    assert refused.value is TOO_LARGE
    assert len(asked) == 2
