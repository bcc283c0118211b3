"""The streams of a command: its answer alone on the standard output, everything else on the standard error.

Libraries in C, and processes that a command starts, write to descriptor 1 without asking anybody. So descriptor 1
becomes a second standard error, and what the command itself answers goes to a copy of it that nobody else knows.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

from base.errors import SidewallError
from base.exit_status import exit_status
from base.system_errors import system_error

_OUTPUT: Final = 1
_ERRORS: Final = 2


class _Stream(io.FileIO):
    """A descriptor whose reader may go away: what comes after that is dropped, and the command ends as it would have.

    One that is `tolerant` drops whatever cannot be written, as on a full disk: a line of a log that is lost must not
    cost the case that it speaks of. What is written after a loss begins a new line.
    """

    def __init__(self, descriptor: int, *, tolerant: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._tolerant, self._reader_gone = tolerant, False
        self.lost: OSError | None = None
        """Why the last bytes were lost; None where they were written."""

    def write(self, content: Any) -> int:
        """Return how many bytes need not be offered again."""
        size = memoryview(content).nbytes
        if self._reader_gone:
            return size
        try:
            if self.lost is not None:
                super().write(b"\n")
                self.lost = None
            return super().write(content)
        except BrokenPipeError as error:
            self._reader_gone, self.lost = True, error
        except OSError as error:
            if not self._tolerant:
                raise
            self.lost = error
        return size

    def give_up(self) -> None:
        """Drop everything from now on."""
        self._reader_gone = True


@contextmanager
def answer_alone() -> Iterator[None]:
    """Keep the standard output for the command's answer while the context is open; for the `main` of a program.

    A reader of either stream that goes away ends nothing and is not mentioned. An answer that cannot be written for
    another reason, such as a full disk, is told on the standard error and ends the process with the error's status.
    """
    if not (_is_open(_OUTPUT) and _is_open(_ERRORS)):
        # There is nothing to keep apart, and descriptors 1 and 2 may be other files by now.
        yield
        return
    errors = _Stream(_ERRORS, tolerant=True)
    sys.stderr = _text(errors, sys.stderr, "backslashreplace")
    answers = _Stream(os.dup(_OUTPUT), tolerant=False)
    sys.stdout = _text(answers, sys.stdout, "replace")
    os.dup2(_ERRORS, _OUTPUT)
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            answers.give_up()
            failure = system_error(error, "the standard output") or SidewallError("the answer could not be written")
            sys.stderr.write(f"{failure.code}: {failure}\n")
            sys.exit(exit_status(failure))


def lost_log_lines() -> OSError | None:
    """Return why the last line on the standard error was lost; None where it was written."""
    raw = getattr(getattr(sys.stderr, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, _Stream) else None


def _text(stream: _Stream, before: TextIO, errors: str) -> TextIO:
    """Return a text stream in the terminal's encoding; programs, which read files and pipes, get UTF-8."""
    is_terminal = stream.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding=before.encoding if is_terminal else "utf-8",
        errors=errors,
        line_buffering=is_terminal or stream.fileno() == _ERRORS,
    )


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
