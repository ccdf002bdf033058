"""Address of the database: DATABASE_URL when set, else the embedded server of this MAINS_HOME."""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from mains.base.places import home_folder
from mains.kernel.errors import MainsError

ROLE = "mains"
DATABASE = "mains"


class UnableToReadDatabaseUrl(MainsError):
    """DATABASE_URL is set but does not name a PostgreSQL database."""


@dataclass(frozen=True, kw_only=True)
class DatabaseAddress:
    """One database. `host` is a host name or, when it starts with a slash, the folder of a Unix socket."""

    host: str
    port: int
    database: str
    user: str
    password: str = ""
    options: tuple[tuple[str, str], ...] = ()
    is_embedded: bool = False

    def url(self, *, database: str | None = None) -> str:
        """libpq URL, as psycopg, ADBC and psql take it."""
        name = quote(self.database if database is None else database, safe="")
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        query = dict(self.options)
        if self.host.startswith("/"):
            query |= {"host": self.host, "port": str(self.port)}
            return f"postgresql://{quote(self.user, safe='')}{secret}@/{name}?{urlencode(query)}"
        place = f"[{self.host}]" if ":" in self.host else self.host
        tail = f"?{urlencode(query)}" if query else ""
        return f"postgresql://{quote(self.user, safe='')}{secret}@{place}:{self.port}/{name}{tail}"


def socket_folder(home: Path) -> Path:
    """Short private folder of the embedded server's socket; a socket path may have 107 bytes at most."""
    mark = hashlib.sha256(f"{os.getuid()}:{home}".encode()).hexdigest()[:12]
    return Path("/tmp") / f"mains-{mark}"  # noqa: S108 -- owner and mode are checked before each use


def parse_database_url(url: str) -> DatabaseAddress:
    """Parse a `postgresql://user:password@host:port/name?option=value` URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise UnableToReadDatabaseUrl(
            code="database-url",
            message="DATABASE_URL does not name a PostgreSQL database.",
            place="environment variable DATABASE_URL",
            remedy="Write postgresql://user:password@host:5432/name, or unset it for the embedded server.",
        )
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or parts.hostname or "localhost"
    port = options.pop("port", "") or parts.port or 5432
    user = options.pop("user", "") or unquote(parts.username or "") or ROLE
    password = options.pop("password", "") or unquote(parts.password or "")
    return DatabaseAddress(
        host=unquote(host),
        port=int(port),
        database=unquote(parts.path.lstrip("/")),
        user=user,
        password=password,
        options=tuple(sorted(options.items())),
    )


def database_address() -> DatabaseAddress:
    """Address of this process's database; nothing is started or contacted.

    MAINS_DATABASE names another database of the same server (used by tests and benchmarks).
    """
    url = os.environ.get("DATABASE_URL")
    if url:
        address = parse_database_url(url)
        return replace(address, database=os.environ.get("MAINS_DATABASE", address.database))
    return DatabaseAddress(
        host=str(socket_folder(home_folder())),
        port=5432,
        database=os.environ.get("MAINS_DATABASE", DATABASE),
        user=ROLE,
        is_embedded=True,
    )
