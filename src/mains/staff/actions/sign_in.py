"""Signing in: delays that grow with failures, sessions, second factors."""

from datetime import datetime, timedelta
from importlib import import_module

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import connection, transaction

from mains.staff.models import SignInDelay
from mains.staff.queries.sign_in import subject_of_account, subject_of_address

# Failures that cost nothing, the first delay, the longest, and when all is forgotten. An address may stand for a whole
# office behind one router, so it has more of them.
FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 5, 30
FIRST_DELAY_S, DELAY_MAX_S, FORGOTTEN_AFTER = 30, 3600, timedelta(hours=24)

NOTE_FAILURE = """
INSERT INTO staff_signindelay AS d (subject, failures, last_failed_at, locked_until)
VALUES (%(subject)s, 1, %(now)s, NULL)
ON CONFLICT (subject) DO UPDATE SET
    failures = CASE WHEN d.last_failed_at < %(forgotten)s THEN 1 ELSE d.failures + 1 END,
    last_failed_at = %(now)s,
    locked_until = CASE
        WHEN d.last_failed_at < %(forgotten)s OR d.failures + 1 < %(free)s THEN NULL
        ELSE %(now)s::timestamptz + make_interval(
            secs => least(%(most)s, %(first)s * power(2, least(d.failures + 1 - %(free)s, 20))::int))
    END
"""


def note_failure(*, username: str, address: str, now: datetime) -> None:
    """Count a failed sign-in for the account, whether it exists or not, and for the address it came from."""
    free_of = {subject_of_account(username): FREE_OF_ACCOUNT, subject_of_address(address): FREE_OF_ADDRESS}
    with connection.cursor() as cursor:
        for subject, free in sorted(free_of.items()):
            cursor.execute(
                NOTE_FAILURE,
                {
                    "subject": subject,
                    "now": now,
                    "forgotten": now - FORGOTTEN_AFTER,
                    "free": free,
                    "first": FIRST_DELAY_S,
                    "most": DELAY_MAX_S,
                },
            )


def lift_lock(*, username: str) -> None:
    """Forget the failures of an account: it signed in, or an administrator says so. Those of addresses stay, so that
    one known password buys no further guesses."""
    SignInDelay.objects.filter(subject=subject_of_account(username)).delete()


@transaction.atomic
def end_sessions(*, user_id: int, except_key: str = "") -> int:
    """Sign a person out everywhere, or everywhere else; how many sessions ended."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    ended = UserSession.objects.filter(user_id=user_id).exclude(session_key=except_key)
    keys = list(ended.values_list("session_key", flat=True))
    for key in keys:
        store(key).delete()
    ended.delete()
    return len(keys)


def forget_second_factors(*, user_id: int) -> int:
    """Forget apps, keys and recovery codes of a person; how many."""
    count, _by_table = Authenticator.objects.filter(user_id=user_id).delete()
    return int(count)


def note_seen(*, session_key: str, now: datetime) -> None:
    """Note that a session is in use."""
    UserSession.objects.filter(session_key=session_key).update(last_seen_at=now)
