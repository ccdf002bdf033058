"""Files that commands read and write, and their faults on the error stream."""

from collections.abc import Sequence
from pathlib import Path

import typer

from mains.base.csv_files import FileFault
from mains.kernel.errors import MainsError

SHOWN_MAX = 1_000


class UnableToReadFile(MainsError):
    """The file cannot be read."""


class UnableToWriteFile(MainsError):
    """The file cannot be written."""


def read_content(file: Path) -> bytes:
    """The bytes of a file. Raises UnableToReadFile."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnableToReadFile(
            code="file-unreadable",
            message=f"The file cannot be read: {error.strerror}.",
            place=str(file),
            remedy="Check the path and the rights.",
        ) from error


def write_content(file: Path, content: bytes) -> None:
    """Write a file whole. Raises UnableToWriteFile."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UnableToWriteFile(
            code="file-not-writable",
            message=f"The file cannot be written: {error.strerror}.",
            place=str(file),
            remedy="Check the path and the rights.",
        ) from error


def print_faults(faults: Sequence[FileFault], *, file_name: str) -> None:
    """Show each fault with its place and remedy."""
    for fault in faults[:SHOWN_MAX]:
        typer.echo(f"{fault.place(file_name)}: {fault.message} {fault.remedy}", err=True)
    if len(faults) > SHOWN_MAX:
        typer.echo(f"{file_name}: and {len(faults) - SHOWN_MAX:,} more faults.", err=True)
