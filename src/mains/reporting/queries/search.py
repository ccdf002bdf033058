"""Search across accounts, customers, phones, meters and addresses, as one types.

Words are joined by AND; the last one may be unfinished. A query is answered in steps, each bounded, until enough
accounts are found: the whole query as one number, all words exact, the last word as a beginning, then the same
for the other keyboard layout.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from mains.base.folding import fold_text, fold_word, split_words, swap_layout
from mains.base.masking import CONTACTS, NAMES, is_masked
from mains.reporting.models import TokenKind
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

    def condition(self, alias: str, name: str) -> tuple[str, dict[str, Any]]:
        """SQL that an index row matches the word, and its parameters; no token reaches the last code point."""
        if not self.is_beginning:
            return f"{alias}.token = %({name})s", {name: self.token}
        bounds = {name: self.token, f"{name}_end": self.token + "\U0010ffff"}
        return f"{alias}.token >= %({name})s AND {alias}.token < %({name}_end)s", bounds


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
    # Only numbers of a house and a flat are ranked by their order.
    most = CANDIDATES if len(tokens) > 1 and any(token[0].isdigit() for token in tokens) else limit
    found: dict[int, None] = {}
    counts: dict[Word, int] = {}
    for words, kinds in _steps(text, tokens):
        if len(found) >= most:
            break
        for word in words:
            if word not in counts:
                counts[word] = _count(word)
        if all(counts[word] for word in words):
            rarest_first = sorted(words, key=counts.__getitem__)
            found |= dict.fromkeys(_accounts_with(words=rarest_first, kinds=kinds, scope=scope, limit=most))
    return list(found)


def _steps(text: str, tokens: list[str]) -> Iterator[tuple[list[Word], str]]:
    """Words and kinds of token (empty: any), from the most exact reading of the text to the loosest."""
    numbers = TokenKind.NUMBER + TokenKind.METER + TokenKind.PHONE
    joined = fold_word(text)
    has_digit = any(c.isdigit() for c in joined)
    if has_digit:
        for spelling in _number_spellings(joined):
            yield [Word(spelling, is_beginning=False)], numbers
    yield [Word(token, is_beginning=False) for token in tokens], ""
    last = len(tokens) - 1
    yield [Word(token, is_beginning=place == last) for place, token in enumerate(tokens)], ""
    if has_digit and len(joined) >= 3 and len(tokens) > 1:
        yield [Word(joined, is_beginning=True)], numbers


def _number_spellings(joined: str) -> list[str]:
    """A number as typed; a phone also without its trunk or country code."""
    spellings = [joined]
    if joined.isdigit() and len(joined) >= 10:
        spellings += [joined[-10:], joined.removeprefix("0")]
    return list(dict.fromkeys(spellings))


def _accounts_with(*, words: Sequence[Word], kinds: str, scope: Scope, limit: int) -> list[int]:
    """Accounts that have every word. The first word, the rarest, drives: its rows are tried against the others.

    Each trial is a lateral subquery with a limit, which the planner can only run as one probe of the index; left
    free it reads all rows of a common word.
    """
    driver, *others = words
    where, params = driver.condition("t", "driver")
    within, scope_params = _scope_condition(scope)
    params |= scope_params | {"kinds": list(kinds), "rows": DRIVER_ROWS, "limit": limit}
    probes = ""
    for place, other in enumerate(others):
        condition, values = other.condition("o", f"other_{place}")
        probes += (
            " JOIN LATERAL (SELECT FROM reporting_searchtoken o WHERE o.account_id = d.account_id"
            f" AND {condition} LIMIT 1) p{place} ON TRUE"
        )
        params |= values
    statement = f"""
        SELECT d.account_id FROM (
            SELECT t.account_id, t.kind FROM reporting_searchtoken t
            WHERE {where}{within}{_unmasked()} ORDER BY t.token, t.account_id LIMIT %(rows)s
        ) d{probes}
        WHERE {"d.kind = ANY(%(kinds)s)" if kinds else "TRUE"}
        LIMIT %(limit)s
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(dict.fromkeys(row[0] for row in cursor.fetchall()))


def _unmasked() -> str:
    """Names and phones are no way to an account for those who may not see them."""
    hidden = [TokenKind.NAME] * is_masked(NAMES) + [TokenKind.PHONE] * is_masked(CONTACTS)
    return "".join(f" AND t.kind <> '{kind.value}'" for kind in hidden)


def _count(word: Word) -> int:
    """Rows of the word, counted up to DRIVER_ROWS."""
    condition, params = word.condition("t", "word")
    statement = (
        f"SELECT count(*) FROM (SELECT FROM reporting_searchtoken t WHERE {condition} LIMIT %(most)s) counted"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params | {"most": DRIVER_ROWS})
        return int(cursor.fetchall()[0][0])


def _scope_condition(scope: Scope) -> tuple[str, dict[str, Any]]:
    if scope.organisation_ids is None:
        return "", {}
    return " AND t.organisation_id = ANY(%(organisations)s)", {
        "organisations": sorted(scope.organisation_ids)
    }


DETAILS = """
SELECT DISTINCT ON (a.id) a.id, a.number, mains_name(c.name), b.city, b.street, b.house, p.flat, m.serial, a.closed_on
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
