"""Demo logins: one person of each role gets a random password, kept in a file that only its owner can read."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from mains.staff.models import Assignment, User


@dataclass(frozen=True)
class Login:
    role: str
    username: str
    password: str


def ensure_demo_logins(*, file: Path) -> list[Login]:
    """A login for the first person of each role; passwords in the file that fit this database stay.

    Others are set anew and noted in the file, which only its owner can read.
    """
    known, people, logins = _read(file), _first_people(), []
    # Hashes are slow on purpose. Passwords are set together, so one that fits speaks for the file's others.
    fits = any(user.check_password(known.get(user.username, "")) for user in list(people.values())[:1])
    for role, user in people.items():
        password = known.get(user.username, "") if fits else ""
        if not password:
            password = secrets.token_urlsafe(9)
            user.set_password(password)
            user.save(update_fields=["password"])
        logins.append(Login(role, user.username, password))
    _write(file, logins)
    return logins


def _first_people() -> dict[str, User]:
    people: dict[str, User] = {}
    assignments = Assignment.objects.filter(superseded_at=None).select_related("user", "role")
    for assignment in assignments.order_by("role_id", "user_id").distinct("role_id"):
        people[assignment.role.code] = assignment.user
    return people


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    rows = [line.split() for line in file.read_text("utf-8").splitlines()]
    return {row[1]: row[2] for row in rows if len(row) == 3}


def _write(file: Path, logins: list[Login]) -> None:
    text = "".join(f"{login.role} {login.username} {login.password}\n" for login in logins)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    file.chmod(0o600)
