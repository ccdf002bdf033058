"""The text of a PDF, read by a process of its own: a hostile file takes neither the memory nor the time of others.

Run as `python -m mains.documents.queries.pdf_text FILE`: the text goes to standard output, and the exit code says how
it went.
"""

import resource
import subprocess
import sys
from pathlib import Path

from mains.documents.values import TextState

SECONDS_MAX = 20
MEMORY_BYTES_MAX = 1024**3
TEXT_BYTES_MAX = 4 * 1024**2
_LOCKED, _TOO_MUCH = 3, 4
_STATES = {_LOCKED: TextState.LOCKED, _TOO_MUCH: TextState.TOO_MUCH}


def read_pdf_text(path: Path, *, seconds_max: int = SECONDS_MAX) -> tuple[str, TextState]:
    """The text, and READ, NONE, LOCKED, BROKEN or TOO_MUCH; with all but READ the text is empty."""
    command = [sys.executable, "-m", __name__, str(path), str(seconds_max)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds_max + 10, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return "", TextState.TOO_MUCH
    if done.returncode < 0:
        return "", TextState.TOO_MUCH  # ended by its limits
    if done.returncode:
        # Whatever a damaged file does to the reader ends that process with a traceback.
        return "", _STATES.get(done.returncode, TextState.BROKEN)
    text = done.stdout.decode("utf-8", errors="replace")
    return (text, TextState.READ) if text.strip() else ("", TextState.NONE)


def _limit(seconds_max: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds_max, seconds_max))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _write_text(path: str) -> int:
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, LimitReachedError

    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            return _LOCKED
        size = 0
        for page in reader.pages:
            content = page.extract_text().encode("utf-8", errors="replace") + b"\n"
            size += len(content)
            if size > TEXT_BYTES_MAX:
                return _TOO_MUCH
            sys.stdout.buffer.write(content)
    except FileNotDecryptedError:
        return _LOCKED
    except (MemoryError, RecursionError, LimitReachedError):
        return _TOO_MUCH
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    _limit(int(sys.argv[2]))
    sys.exit(_write_text(sys.argv[1]))
