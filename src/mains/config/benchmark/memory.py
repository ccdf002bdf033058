"""Memory of a process and all its children, sampled."""

import os
import threading
from pathlib import Path
from types import TracebackType


class PeakMemory:
    """The largest sum of resident memory of this process and its descendants while the block runs, in MiB.

    Pages shared between processes count once for each of them, so the sum is an upper bound. The database server is
    not a descendant and does not count.
    """

    def __init__(self, *, interval_seconds: float = 0.25) -> None:
        self.peak_mib = 0
        self._interval = interval_seconds
        self._stopped = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._stopped.wait(self._interval):
            self.peak_mib = max(self.peak_mib, _resident_mib(os.getpid()))


def _resident_mib(root: int) -> int:
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue  # ended while we looked
        pid = int(folder.name)
        parents[pid], pages[pid] = int(fields[1]), int(fields[21])
    family = {root}
    while True:
        children = {pid for pid, parent in parents.items() if parent in family} - family
        if not children:
            return sum(pages.get(pid, 0) for pid in family) * os.sysconf("SC_PAGE_SIZE") // 2**20
        family |= children
