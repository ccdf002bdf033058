"""What COPY sends, read in one sweep: the driver's own way waits once a row, which takes four times as long.

Only the wait for the next bytes lets go of the interpreter, so other threads run meanwhile and Ctrl+C is heard.
"""

import select
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.pq import ExecStatus


def read_copy(query: str, *, connection: "psycopg.Connection[Any]") -> pa.Buffer:
    """The bytes of `COPY (query) TO STDOUT (FORMAT csv)`, within the connection's transaction.

    Raises what the driver raises for a query that the server refuses. Interrupted, it closes the connection: half of an
    answer cannot be left in it.
    """
    text = pa.BufferOutputStream()
    with connection.lock:
        server = connection.pgconn
        try:
            server.send_query(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode())
            while server.flush():
                select.select([server.socket], [server.socket], [])
                server.consume_input()
            failure = None
            while (result := _next_result(server)) is not None:
                if result.status == ExecStatus.COPY_OUT:
                    _read_rows(server, text)
                elif result.status != ExecStatus.COMMAND_OK:
                    failure = psycopg.errors.error_from_result(result, encoding="utf-8")
        except BaseException:
            connection.close()
            raise
    if failure is not None:
        raise failure
    return text.getvalue()


def _next_result(server: Any) -> Any:
    while server.is_busy():
        _wait(server)
    return server.get_result()


def _read_rows(server: Any, text: pa.BufferOutputStream) -> None:
    while True:
        size, row = server.get_copy_data(1)
        if size > 0:
            text.write(row)
        elif size == 0:
            _wait(server)
        else:
            return


def _wait(server: Any) -> None:
    select.select([server.socket], [], [])
    server.consume_input()
