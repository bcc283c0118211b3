"""How the work on a case may end without a whole result."""

from collections.abc import Mapping

from base.errors import NoResults, SettingInvalid, SidewallError


class ResultIncomplete(SidewallError):
    """A fault of the program kept a file of the result from being written; the rest of it is there."""

    code = "result_incomplete"


class ResultNotKept(NoResults):
    """Nothing is kept of that job, which never was, has not ended or ended too long ago; or it has no such file."""


class OffsetInvalid(SettingInvalid):
    """A download was to begin behind the end of its file."""

    code = "offset_invalid"


class AnswerNotRead(SidewallError):
    """The case was analysed, but the caller did not read its result, which was dropped."""

    code = "answer_not_read"


class CasesFailed(SidewallError):
    """Of many cases some have no whole result, or one of other settings; `counts` says how many are in which state."""

    code = "cases_failed"

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)
        said = ", ".join(f"{count} {state}" for state, count in counts.items())
        super().__init__(f"cases without a result of this run: {said}; cases.csv says which and why")
