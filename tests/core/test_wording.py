"""Words that several parts of the program say."""

import pytest

from core.errors import RefusalCode
from core.site_choices import CHANGEABLE_GATES
from core.wording import REFUSAL_MEANINGS, name_check, name_reason


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_reason_to_refuse_has_words(code: RefusalCode) -> None:
    assert name_reason(str(code)) == REFUSAL_MEANINGS[code]
    assert "_" not in REFUSAL_MEANINGS[code]


@pytest.mark.parametrize("code", [RefusalCode.TOO_COARSE, *CHANGEABLE_GATES])
def test_a_check_is_named_by_what_it_looks_at_whatever_its_outcome(code: RefusalCode) -> None:
    assert name_check(str(code)) != name_reason(str(code))


def test_a_code_of_a_later_version_is_shown_as_words() -> None:
    assert name_check("slice_profile") == name_reason("slice_profile") == "Slice profile"
