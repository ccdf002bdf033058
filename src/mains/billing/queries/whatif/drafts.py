"""Draft documents beside the editions in force, checked and compiled into one set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from mains.billing.queries.run_tariffs import RunTariffs, declared_balances
from mains.engine.columns import compile_tariffs
from mains.engine.segments import cut_alike
from mains.engine.tariff import Tariff, read_document, read_tariff
from mains.kernel.errors import MainsError
from mains.tariffs.queries.editions import Edition


class UnableToTryTariff(MainsError):
    """The draft cannot stand in the place of a tariff in force."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A tariff document that is tried in the place of the tariff with the code `replaces`."""

    replaces: str
    document: str


@dataclass(frozen=True, kw_only=True)
class TriedTariffs:
    """`run`: editions that are replaced, as a run sees them, compiled together with the drafts. `draft_of`: code under
    which the draft of each replaced tariff stands in that set. `after`: the same set with the drafts' balances."""

    run: RunTariffs
    draft_of: Mapping[str, str]
    after: RunTariffs

    def cuts_alike(self, items: pl.DataFrame) -> bool:
        """Whether the drafts cut the items (period_from, period_to) as the editions in force do. Most change prices
        only, and a slice need not be cut twice."""
        periods = items.select("period_from", "period_to").unique().rows()
        by_code = self.run.compiled.by_code
        return all(cut_alike(by_code[code], by_code[draft], periods) for code, draft in self.draft_of.items())


def check_draft(*, document: str, name: str, editions: Sequence[Edition], replaces: str = "") -> Draft:
    """Read a draft and find the tariff that it replaces: the one named, else the one of the same code.

    `name` is the file in messages. Raises UnableToReadDocument or UnableToReadTariff with every faulty clause, and
    UnableToTryTariff when no such tariff is in force or when its service or currency differs.
    """
    draft = read_tariff(read_document(document, name=name))
    code = replaces or draft.code
    found = next((edition for edition in editions if edition.code == code), None)
    if found is None:
        known = ", ".join(edition.code for edition in editions) or "none"
        raise UnableToTryTariff(
            code="whatif-no-tariff",
            message=f"No tariff {code} is in force, so nobody would pay by the draft.",
            place=name,
            remedy=f"Give the draft the code of a tariff in force, or name one that it replaces: {known}.",
            params={"tariff": code, "known": known},
        )
    present = read_tariff(found.document)
    if (present.service, present.currency) != (draft.service, draft.currency):
        raise UnableToTryTariff(
            code="whatif-other-service",
            message=f"Tariff {code} is for {present.service} in {present.currency}, the draft for {draft.service} in"
            f" {draft.currency}.",
            place=name,
            remedy="A draft replaces a tariff of the same service and currency.",
        )
    return Draft(replaces=code, document=document)


@lru_cache(maxsize=2)
def compile_drafts(editions: tuple[Edition, ...], drafts: tuple[Draft, ...]) -> TriedTariffs:
    """The replaced editions and the drafts as one set. Raises UnableToReadTariff for an invalid document."""
    draft_of = {draft.replaces: f"{draft.replaces} (draft)" for draft in drafts}
    replaced = [edition for edition in editions if edition.code in draft_of]
    tried: list[Tariff] = [read_tariff(edition.document) for edition in replaced]
    tried += [replace(read_tariff(draft.document), code=draft_of[draft.replaces]) for draft in drafts]
    frame = pl.DataFrame(
        [(one.tariff_id, one.code, one.edition_id, None) for one in replaced],
        schema={
            "tariff_id": pl.Int64,
            "tariff": pl.String,
            "tariff_edition_id": pl.Int32,
            "changed_from": pl.Date,
        },
        orient="row",
    )
    draft = dict(zip(draft_of, tried[len(replaced) :], strict=True))
    before = declared_balances({one.tariff_id: read_tariff(one.document) for one in replaced})
    after = declared_balances({one.tariff_id: draft[one.code] for one in replaced})
    run = RunTariffs(
        editions=frame,
        compiled=compile_tariffs(tried),
        balances=before,
        carrying=tuple(sorted({*before["tariff_id"]})),
    )
    return TriedTariffs(
        run=run,
        draft_of=draft_of,
        after=replace(run, balances=after, carrying=tuple(sorted({*after["tariff_id"]}))),
    )
