"""How the work on a case may end without a whole result."""

from base.errors import SidewallError


class ResultIncomplete(SidewallError):
    """A fault of the program kept a file of the result from being written; the rest of it is there."""

    code = "result_incomplete"


class AnswerNotRead(SidewallError):
    """The case was analysed, but the caller did not read its result, which was dropped."""

    code = "answer_not_read"
