"""Propose what is collected on a day, decide it as another person, and keep the file that went to the bank."""

from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone

from mains.base.target_days import is_target_day
from mains.directdebit.models import Collection, CollectionDecision, CollectionFile, CollectionItem
from mains.directdebit.queries.dues import Due, list_dues
from mains.directdebit.queries.mandates import find_creditor
from mains.kernel.errors import MainsError
from mains.staff.actions.approvals import decide, propose
from mains.staff.values import EVERYTHING, ProposalKind, Scope


class UnableToCollect(MainsError):
    """Nothing may be collected so; nothing was kept."""


def propose_collection(
    *, collect_on: date, creditor_number: int = 1, reason: str, now: datetime, actor_id: int | None,
    scope: Scope = EVERYTHING,
) -> Collection:  # fmt: skip
    """Propose to collect on a day what is due by then, from accounts with an active mandate; another person decides.

    Customers are told `notice_days` before, so the day is that far away at least. What is proposed twice at once is
    proposed once. Raises UnableToCollect, UnableToPropose.
    """
    place = f"day {collect_on.isoformat()}"
    if scope.organisation_ids is not None:
        raise _refusal(
            "collection-scope", "Collections are of the whole utility.", place, "Ask the accountant."
        )
    creditor = find_creditor(number=creditor_number, day=collect_on)
    if creditor is None:
        raise _refusal(
            "creditor-unknown",
            "Nobody collects under this number on that day.",
            place,
            "State the creditor first: mains debit creditor.",
        )
    if not is_target_day(collect_on):
        raise _refusal(
            "collection-day",
            "Banks collect nothing on that day.",
            place,
            "Choose the next business day of the banks.",
        )
    if (collect_on - timezone.localdate(now)).days < creditor.notice_days:
        raise _refusal(
            "collection-notice",
            "Customers are told {days} days before; that day is nearer.",
            place,
            "Choose a later day, or agree on shorter notice and state it.",
            days=creditor.notice_days,
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('directdebit_propose'))")
        dues = list_dues(creditor_number=creditor_number, collect_on=collect_on)
        if not dues:
            raise _refusal(
                "collection-empty",
                "No account with an active mandate owes anything that is due by then and not on its way already.",
                place,
                "Nothing to do.",
            )
        collection = Collection.objects.create(
            creditor_number=creditor_number,
            collect_on=collect_on,
            item_count=len(dues),
            amount_minor=sum(one.amount_minor for one in dues),
            recorded_at=now,
            recorded_by_id=actor_id,
        )
        CollectionItem.objects.bulk_create(_items(collection, dues))
        propose(
            kind=ProposalKind.COLLECTION,
            subject_id=collection.pk,
            amount_minor=collection.amount_minor,
            reason=reason,
            now=now,
            actor_id=actor_id,
        )
        return collection


def decide_collection(
    *, proposal_id: int, agrees: bool, now: datetime, actor_id: int | None, note: str = "",
    scope: Scope = EVERYTHING,
) -> None:  # fmt: skip
    """Approve a collection that somebody else proposed, or refuse it: its debts may then be proposed again.
    Raises UnableToDecide."""
    with transaction.atomic():
        proposal = decide(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
        CollectionDecision.objects.create(
            collection_id=proposal.subject_id, agrees=agrees, recorded_at=now, recorded_by_id=actor_id
        )


def keep_file(
    *, collection_id: int, identifier: str, content: bytes, now: datetime, actor_id: int | None
) -> bytes:
    """Keep the file of an approved collection; the one that is kept already when there is one. Raises UnableToCollect
    when nobody has approved it, or its day has passed."""
    with transaction.atomic():
        collection = Collection.objects.select_for_update().filter(pk=collection_id).first()
        decision = CollectionDecision.objects.filter(collection_id=collection_id, agrees=True).first()
        if collection is None or decision is None:
            raise _refusal(
                "collection-not-approved",
                "This collection is not approved.",
                f"collection {collection_id}",
                "Ask a colleague to decide it.",
            )
        kept = CollectionFile.objects.filter(collection=collection).first()
        if kept is None:
            kept = CollectionFile.objects.create(
                collection=collection,
                identifier=identifier,
                content=content,
                recorded_at=now,
                recorded_by_id=actor_id,
            )
        return bytes(kept.content)


def _items(collection: Collection, dues: list[Due]) -> list[CollectionItem]:
    """Items with their batches: banks want one for each scheme and sequence."""
    kinds = sorted({(one.mandate.scheme, one.sequence.value) for one in dues})
    return [
        CollectionItem(
            collection=collection,
            mandate_id=one.mandate.id,
            account_id=one.mandate.account_id,
            end_to_end_id=f"DD-{collection.pk}-{place}",
            batch=f"DD-{collection.pk}-B{kinds.index((one.mandate.scheme, one.sequence.value)) + 1}",
            sequence=one.sequence,
            amount_minor=one.amount_minor,
            changed_from=one.changed_from,
        )
        for place, one in enumerate(dues, start=1)
    ]


def _refusal(code: str, message: str, place: str, remedy: str, **params: int) -> UnableToCollect:
    return UnableToCollect(
        code=code, message=message.format(**params), place=place, remedy=remedy, params=params
    )
