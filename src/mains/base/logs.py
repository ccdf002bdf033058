"""What the log leaves out: where a lost database was noticed says nothing that the message does not."""

import logging

import psycopg


class WithoutTracesOfALostDatabase(logging.Filter):
    """Keeps every message; takes the traceback from those whose error, or what caused it, is a lost connection."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        while error is not None and not _is_lost_connection(error):
            error = error.__cause__
        if error is not None:
            record.exc_info, record.exc_text = None, None
        return True


def _is_lost_connection(error: BaseException) -> bool:
    """A failed connection has no code; classes 08 and 57P tell that the server went away."""
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
