"""Which studies are on their way right now: an instance that takes long must not let its study seem complete."""

import threading
import time


class Activity:
    """When data last came on the associations that sent instances of a study; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._studies: dict[int, set[str]] = {}
        self._last_s: dict[int, float] = {}

    def data_came(self, association: int) -> None:
        """Take note of data on an association."""
        self._last_s[association] = time.monotonic()

    def instance_came(self, association: int, study_uid: str) -> None:
        """Take note that an association sends instances of a study."""
        with self._lock:
            self._studies.setdefault(association, set()).add(study_uid)

    def ended(self, association: int) -> None:
        """Forget an association."""
        with self._lock:
            self._studies.pop(association, None)
            self._last_s.pop(association, None)

    def quiet_s(self, study_uid: str) -> float:
        """Return for how long nothing has come on any association that sent instances of a study, s."""
        with self._lock:
            open_ones = [each for each, uids in self._studies.items() if study_uid in uids]
            last = max((self._last_s.get(each, 0.0) for each in open_ones), default=0.0)
        return time.monotonic() - last
