"""A lost database is told without a traceback; every other error with it."""

import logging
import sys

import psycopg
from procrastinate.exceptions import ConnectorException

from mains.base.logs import WithoutTracesOfALostDatabase


def record_of(error: Exception, cause: Exception | None = None) -> logging.LogRecord:
    try:
        raise error from cause
    except type(error):
        return logging.LogRecord("x", logging.ERROR, "x.py", 1, "It failed.", None, sys.exc_info())


def test_a_lost_database_has_no_traceback() -> None:
    for record in (
        record_of(psycopg.OperationalError("gone")),
        record_of(ConnectorException(), cause=psycopg.OperationalError("gone")),
        record_of(psycopg.errors.AdminShutdown("gone")),
        record_of(RuntimeError("no job"), cause=psycopg.OperationalError("gone")),
    ):
        assert WithoutTracesOfALostDatabase().filter(record)
        assert record.exc_info is None


def test_other_errors_keep_theirs() -> None:
    for record in (record_of(ValueError("wrong")), record_of(psycopg.errors.DeadlockDetected("twice"))):
        assert WithoutTracesOfALostDatabase().filter(record)
        assert record.exc_info is not None
