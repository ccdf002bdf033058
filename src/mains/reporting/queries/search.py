"""Search across accounts, customers, phones, meters and addresses, as one types.

Words are joined by AND; the last one may be unfinished. A query is answered in steps, each bounded, until enough
accounts are found: the whole query as one number, all words exact, the last word as a beginning, then the same
for the other keyboard layout.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from mains.reporting.models import TokenKind
from mains.reporting.queries.folding import fold_text, fold_word, split_words, swap_layout
from mains.staff.values import Scope

WORDS_MAX = 8
CANDIDATES = 120  # accounts whose address is looked at to rank them
DRIVER_ROWS = 20_000  # rows of the rarest word that are tried against the others, and the end of counting


@dataclass(frozen=True)
class Found:
    """An account as a line of search results. Texts are as stored; `place` is the latest address, maybe empty."""

    account_id: int
    number: str
    customer: str
    place: str
    serial: str
    is_closed: bool


@dataclass(frozen=True)
class Word:
    """A folded word of the query; `is_beginning` when more letters may follow."""

    token: str
    is_beginning: bool

    @property
    def bounds(self) -> tuple[str, str]:
        """Tokens t with lower ≤ t < upper; no token reaches the last code point."""
        return (self.token, self.token + ("\U0010ffff" if self.is_beginning else "\x01"))


def find_accounts(*, text: str, scope: Scope, limit: int = 20) -> list[Found]:
    """Up to `limit` accounts of the scope for the typed text, the likeliest first; empty for an empty text."""
    for reading in (text, swap_layout(text)):
        ids = _candidates(text=reading, scope=scope, limit=limit)
        if ids:
            return _ranked(ids=ids, text=reading)[:limit]
    return []


def _candidates(*, text: str, scope: Scope, limit: int) -> list[int]:
    """Account ids by falling exactness; more than `limit` only when the ranking may need them."""
    tokens = fold_text(text)[:WORDS_MAX]
    if not tokens or (scope.organisation_ids is not None and not scope.organisation_ids):
        return []
    found: dict[int, None] = {}
    for words, kinds, enough in _steps(text, tokens):
        if len(found) >= (limit if len(tokens) == 1 else CANDIDATES):
            break
        found |= dict.fromkeys(_accounts_with(words=words, kinds=kinds, scope=scope, limit=enough))
    return list(found)


def _steps(text: str, tokens: list[str]) -> Iterator[tuple[list[Word], str | None, int]]:
    """Words, kinds of token (None: any) and how many accounts to take, from the most exact reading to the loosest."""
    numbers = TokenKind.NUMBER + TokenKind.METER + TokenKind.PHONE
    joined = fold_word(text)
    has_digit = any(c.isdigit() for c in joined)
    if has_digit:
        for spelling in _number_spellings(joined):
            yield [Word(spelling, is_beginning=False)], numbers, CANDIDATES
    yield [Word(token, is_beginning=False) for token in tokens], None, CANDIDATES
    last = len(tokens) - 1
    yield [Word(token, is_beginning=place == last) for place, token in enumerate(tokens)], None, CANDIDATES
    if has_digit and len(joined) >= 3 and joined != tokens[0]:
        yield [Word(joined, is_beginning=True)], numbers, CANDIDATES


def _number_spellings(joined: str) -> list[str]:
    """A number as typed; a phone also without its trunk or country code."""
    spellings = [joined]
    if joined.isdigit() and len(joined) >= 10:
        spellings += [joined[-10:], joined.removeprefix("0")]
    return list(dict.fromkeys(spellings))


def _accounts_with(*, words: Sequence[Word], kinds: str | None, scope: Scope, limit: int) -> list[int]:
    """Accounts that have every word. The rarest word drives: its rows are tried against the others, up to a bound."""
    driver = min(words, key=_rarity) if len(words) > 1 else words[0]
    others = [word for word in words if word is not driver]
    lower, upper = driver.bounds
    within, params = _scope_condition(scope)
    params |= {"lower": lower, "upper": upper, "kinds": list(kinds or ""), "rows": DRIVER_ROWS, "limit": limit}
    where = ""
    for place, other in enumerate(others):
        where += (
            " AND EXISTS (SELECT FROM reporting_searchtoken o WHERE o.account_id = d.account_id"
            f" AND o.token >= %(lower_{place})s AND o.token < %(upper_{place})s)"
        )
        params[f"lower_{place}"], params[f"upper_{place}"] = other.bounds
    statement = f"""
        SELECT d.account_id FROM (
            SELECT t.account_id, t.kind FROM reporting_searchtoken t
            WHERE t.token >= %(lower)s AND t.token < %(upper)s{within} ORDER BY t.token, t.account_id LIMIT %(rows)s
        ) d
        WHERE {"d.kind = ANY(%(kinds)s)" if kinds else "TRUE"}{where}
        LIMIT %(limit)s
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(dict.fromkeys(row[0] for row in cursor.fetchall()))


def _rarity(word: Word) -> int:
    lower, upper = word.bounds
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM reporting_searchtoken"
            " WHERE token >= %(lower)s AND token < %(upper)s LIMIT %(most)s) counted",
            {"lower": lower, "upper": upper, "most": DRIVER_ROWS},
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _scope_condition(scope: Scope) -> tuple[str, dict[str, object]]:
    if scope.organisation_ids is None:
        return "", {}
    return " AND t.organisation_id = ANY(%(organisations)s)", {"organisations": sorted(scope.organisation_ids)}


DETAILS = """
SELECT DISTINCT ON (a.id) a.id, a.number, c.name, b.city, b.street, b.house, p.flat, m.serial, a.closed_on
FROM customers_account a
JOIN customers_customer c ON c.id = a.customer_id
LEFT JOIN customers_agreement g ON g.account_id = a.id AND g.superseded_at IS NULL
LEFT JOIN network_servicepoint s ON s.id = g.service_point_id
LEFT JOIN network_premise p ON p.id = s.premise_id
LEFT JOIN network_building b ON b.id = p.building_id
LEFT JOIN metering_installation i
    ON i.service_point_id = s.id AND i.superseded_at IS NULL AND i.valid && g.valid
LEFT JOIN metering_meter m ON m.id = i.meter_id
WHERE a.id = ANY(%(ids)s)
ORDER BY a.id, upper(g.valid) DESC NULLS FIRST, upper(i.valid) DESC NULLS FIRST
"""


def _ranked(*, ids: list[int], text: str) -> list[Found]:
    """The candidates with their details; where the query names a house and a flat, those in that order come first."""
    with connection.cursor() as cursor:
        cursor.execute(DETAILS, {"ids": ids})
        rows = {row[0]: row for row in cursor.fetchall()}
    numbers = [fold_word(word) for word in split_words(text) if word[0].isdigit()]
    order = {account_id: place for place, account_id in enumerate(ids)}

    def misfit(account_id: int) -> tuple[int, bool, int]:
        house, flat, closed_on = rows[account_id][5], rows[account_id][6], rows[account_id][8]
        said = [fold_word(word) for word in split_words(f"{house or ''} {flat or ''}")]
        agreeing = sum(1 for have, want in zip(said, numbers, strict=False) if have == want)
        return (-agreeing, closed_on is not None, order[account_id])

    chosen = sorted((account_id for account_id in ids if account_id in rows), key=misfit)
    return [_found(rows[account_id]) for account_id in chosen]


def _found(row: tuple[object, ...]) -> Found:
    account_id, number, name, city, street, house, flat, serial, closed_on = row
    place = ", ".join(str(part) for part in (street, house, flat, city) if part)
    return Found(
        account_id=int(str(account_id)),
        number=str(number),
        customer=str(name),
        place=place,
        serial=str(serial or ""),
        is_closed=closed_on is not None,
    )
