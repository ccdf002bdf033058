"""A change of payer on a day, and the same move on another day; Anna moves out of her flat, Boris or nobody follows."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mains.customers.actions.moves import Move, NewPayer, UnableToMove, admit_payer, move_out
from mains.customers.actions.registry import UnableToSignAgreement
from mains.customers.models import Account, Agreement, Customer
from money_cast import Cast

NOW = datetime(2021, 6, 7, 9, tzinfo=UTC)
LAST = date(2021, 5, 20)
DAY = timedelta(days=1)


def point_of(cast: Cast, name: str = "anna") -> int:
    return Agreement.objects.filter(account_id=cast.accounts[name]).earliest("pk").service_point_id


def leave(cast: Cast, day: date = LAST, *, follower: str = "", hours: int = 0) -> Move:
    return move_out(
        account_id=cast.accounts["anna"],
        service_point_id=point_of(cast),
        last_date=day,
        next_account_id=cast.accounts[follower] if follower else None,
        actor=None,
        now=NOW + timedelta(hours=hours),
        proof="act 1",
    )


def payers(cast: Cast) -> list[tuple[str, date, date | None]]:
    names = {account_id: name for name, account_id in cast.accounts.items()}
    rows = Agreement.objects.filter(service_point_id=point_of(cast), superseded_at=None).order_by("valid")
    return [
        (names.get(row.account_id, row.account.customer.name), row.valid.lower, row.valid.upper)
        for row in rows
    ]


def terms_of(cast: Cast, place: int) -> dict[str, object]:
    """Tariff and category of the first, second … payer of the point."""
    believed = Agreement.objects.filter(service_point_id=point_of(cast), superseded_at=None)
    return believed.order_by("valid").values("tariff_id", "category")[place]


def began(cast: Cast) -> date:
    return payers(cast)[0][1]


def test_the_next_one_begins_the_day_after_on_the_same_terms(cast: Cast) -> None:
    first = began(cast)
    terms_before = terms_of(cast, 0)
    found = leave(cast, follower="boris")
    assert found == Move(next_number=cast.numbers["boris"], is_new=True, **terms_before)
    assert payers(cast) == [("anna", first, LAST + DAY), ("boris", LAST + DAY, None)]
    old, new = Agreement.objects.filter(service_point_id=point_of(cast), superseded_at=None).order_by("valid")
    terms = [(row.tariff_id, row.provider_id, row.category, row.load_class) for row in (old, new)]
    assert terms[0] == terms[1]
    assert (new.proof, new.contract_number) == ("act 1", "")


def test_the_same_again_changes_nothing(cast: Cast) -> None:
    leave(cast, follower="boris")
    count = Agreement.objects.count()
    for follower in ("boris", ""):
        assert leave(cast, follower=follower, hours=1) == Move(
            next_number=cast.numbers["boris"], is_new=False, **terms_of(cast, 1)
        )
    assert Agreement.objects.count() == count


@pytest.mark.parametrize("days", [-7, 9])
def test_another_day_moves_both(cast: Cast, days: int) -> None:
    first, right = began(cast), LAST + days * DAY
    leave(cast, follower="boris")
    assert leave(cast, right, hours=1).next_number == cast.numbers["boris"]
    assert payers(cast) == [("anna", first, right + DAY), ("boris", right + DAY, None)]


def test_somebody_else_follows_after_all(cast: Cast) -> None:
    first = began(cast)
    leave(cast, follower="boris")
    leave(cast, follower="dilek", hours=1)
    assert payers(cast) == [("anna", first, LAST + DAY), ("dilek", LAST + DAY, None)]


def test_nobody_may_come_next(cast: Cast) -> None:
    first = began(cast)
    assert leave(cast) == Move(next_number="", is_new=True)
    assert payers(cast) == [("anna", first, LAST + DAY)]
    assert leave(cast, LAST + 3 * DAY, hours=1).is_new
    assert payers(cast) == [("anna", first, LAST + 4 * DAY)]


def test_what_was_agreed_for_later_days_goes_with_the_account(cast: Cast) -> None:
    """Another category from June on does not survive a move in May."""
    first = began(cast)
    leave(cast, date(2021, 5, 31))
    agreement = Agreement.objects.get(service_point_id=point_of(cast), superseded_at=None)
    agreement.pk, agreement.category, agreement.valid = None, "large_family", (date(2021, 6, 1), None)
    agreement.save(force_insert=True)
    leave(cast, hours=1)
    assert payers(cast) == [("anna", first, LAST + DAY)]


def test_what_cannot_be_is_refused(cast: Cast) -> None:
    with pytest.raises(UnableToMove) as refusal:
        leave(cast, date(2019, 1, 1))
    assert (refusal.value.code, refusal.value.place) == ("pays-not", f"account {cast.numbers['anna']}")
    with pytest.raises(UnableToMove):
        leave(cast, follower="anna")
    Account.objects.filter(pk=cast.accounts["boris"]).update(closed_on=date(2021, 1, 1))
    with pytest.raises(UnableToSignAgreement):
        leave(cast, follower="boris")
    assert len(payers(cast)) == 1


def test_a_stay_in_between_is_not_wiped_out(cast: Cast) -> None:
    """Boris had the flat from 21 to 31 May, then Dilek: Anna cannot have stayed until June."""
    leave(cast, follower="boris")
    move_out(
        account_id=cast.accounts["boris"], service_point_id=point_of(cast), last_date=date(2021, 5, 31),
        next_account_id=cast.accounts["dilek"], actor=None, now=NOW + timedelta(hours=1),
    )  # fmt: skip
    before = payers(cast)
    with pytest.raises(UnableToMove) as refusal:
        leave(cast, date(2021, 6, 3), hours=2)
    assert refusal.value.code == "paid-between"
    assert payers(cast) == before


def test_a_newcomer_is_registered_once(cast: Cast) -> None:
    nadia = NewPayer(name="Nadia", phone="1")
    anna = Account.objects.get(pk=cast.accounts["anna"])
    admitted = {"payer": nadia, "instead_of_id": anna.pk, "service_point_ids": [point_of(cast)]}
    account_id, number = admit_payer(**admitted, opened_on=LAST + DAY)
    account = Account.objects.get(pk=account_id)
    assert (account.number, account.organisation_id, account.opened_on) == (
        number,
        anna.organisation_id,
        LAST + DAY,
    )
    assert account.customer.language == anna.customer.language
    move_out(
        account_id=anna.pk, service_point_id=point_of(cast), last_date=LAST, next_account_id=account_id,
        actor=None, now=NOW,
    )  # fmt: skip
    assert admit_payer(**admitted, opened_on=LAST - 2 * DAY) == (account_id, number)
    assert Customer.objects.filter(name="Nadia").count() == 1
    leave(cast, LAST - 3 * DAY, hours=1)
    account.refresh_from_db()
    assert account.opened_on == LAST - 2 * DAY, "it was opened for this supply, and moves with it"
