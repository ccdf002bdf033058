"""How people sign in: delays, sessions, second factors."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession

from mains.staff.models import SignInDelay, User

_SHOWN = 20
# Marks of agents, the telling ones first: Edge calls itself Chrome, and every browser Safari.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class SessionRecord:
    """A browser in which a person is signed in."""

    id: int
    key: str
    created_at: datetime
    last_seen_at: datetime
    address: str
    browser: str


@dataclass(frozen=True)
class FactorRecord:
    """A second factor: `kind` is `totp`, `webauthn` or `recovery_codes`."""

    id: int
    kind: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    codes_left: int | None


def subject_of_account(username: str) -> str:
    """The fingerprint under which the failures of an account are counted; case does not tell accounts apart."""
    return sha256(f"account {username.strip().casefold()}".encode()).hexdigest()


def subject_of_address(address: str) -> str:
    """The fingerprint under which the failures from an address are counted."""
    return sha256(f"address {address}".encode()).hexdigest()


def locked_until(*, username: str, address: str, now: datetime) -> datetime | None:
    """Until when nobody may try to sign in as this account or from this address; None when one may."""
    subjects = [subject_of_account(username), subject_of_address(address)]
    locks = SignInDelay.objects.filter(subject__in=subjects, locked_until__gt=now)
    return max(filter(None, locks.values_list("locked_until", flat=True)), default=None)


def list_locks(*, username: str) -> SignInDelay | None:
    """The failures of an account, if any are remembered."""
    return SignInDelay.objects.filter(subject=subject_of_account(username)).first()


def list_sessions(*, user_id: int) -> list[SessionRecord]:
    """Where the person is signed in, the latest first."""
    found = UserSession.objects.filter(user_id=user_id).order_by("-last_seen_at")[:_SHOWN]
    return [
        SessionRecord(
            each.pk,
            each.session_key,
            each.created_at,
            each.last_seen_at,
            each.ip,
            browser_of(each.user_agent),
        )
        for each in found
    ]


def list_factors(*, user_id: int) -> list[FactorRecord]:
    """The person's second factors."""
    return [
        FactorRecord(
            each.pk,
            each.type,
            str(each.data.get("name", "")),
            each.created_at,
            each.last_used_at,
            len(each.wrap().get_unused_codes()) if each.type == Authenticator.Type.RECOVERY_CODES else None,
        )
        for each in Authenticator.objects.filter(user_id=user_id).order_by("type", "created_at")
    ]


def people_with_second_factor(*, user_ids: Collection[int]) -> set[int]:
    """Who of them has an app or a key."""
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return set(
        Authenticator.objects.filter(user_id__in=user_ids, type__in=kinds).values_list("user_id", flat=True)
    )


def has_second_factor(*, user_id: int) -> bool:
    """Whether the person has an app or a key."""
    return bool(people_with_second_factor(user_ids=[user_id]))


def user_by_id(user_id: int) -> User:
    """The person as Django knows them. Raises User.DoesNotExist."""
    return User.objects.get(pk=user_id)


def find_user_by_verified_email(email: str) -> User | None:
    """The one active person of that e-mail address; None when nobody or several have it."""
    found = list(User.objects.filter(email__iexact=email, is_active=True)[:2]) if email else []
    return found[0] if len(found) == 1 else None


def browser_of(agent: str) -> str:
    """Browser and system, in short: what a person recognises."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), agent.split("/", maxsplit=1)[0][:40])
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return ", ".join(part for part in (browser, system) if part)
