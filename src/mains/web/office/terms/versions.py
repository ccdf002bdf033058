"""What is stated of each kind, version by version, as pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from django.utils.translation import gettext as _

from mains.base.formats import money_text, number_text, percent_text
from mains.debt.queries.terms import list_key_rates, list_limitation_terms, list_terms
from mains.network.values import Service
from mains.reporting.queries.collection_targets import list_targets
from mains.settlement.queries.parties import list_contracts, list_payees
from mains.staff.queries.approvals import list_limits
from mains.staff.values import Scope
from mains.tariffs.queries.records import currency_of_utility


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Whose eyes they are shown to: scope and language."""

    scope: Scope
    language: str


@dataclass(frozen=True, kw_only=True)
class Version:
    """A fact as stated: what holds over [valid_from, valid_to). `organisation_id` where it is a unit's."""

    fact_id: int
    subject: str
    lines: Sequence[str]
    valid_from: date
    valid_to: date | None
    proof: str
    organisation_id: int | None = None
    text: str = ""
    """A document in full, such as a rule."""

    def when(self, today: date) -> Literal["past", "current", "future"]:
        if self.valid_from > today:
            return "future"
        return "past" if self.valid_to is not None and self.valid_to <= today else "current"


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All versions of one subject, the latest first."""

    subject: str
    versions: Sequence[tuple[Version, str]]


def timelines(versions: Sequence[Version], *, today: date) -> list[Timeline]:
    """The versions by subject, each with when it holds."""
    subjects = dict.fromkeys(one.subject for one in versions)
    return [
        Timeline(
            subject=subject,
            versions=[
                (one, one.when(today))
                for one in sorted(versions, key=lambda one: one.valid_from, reverse=True)
                if one.subject == subject
            ],
        )
        for subject in subjects
    ]


def contracts(seen: Seen) -> list[Version]:
    return [
        Version(
            fact_id=one.contract_id,
            subject=", ".join(filter(None, (one.provider, one.manager, _service(one.service)))),
            lines=(
                one.number,
                _("fee %(fee)s, %(rounding)s")
                % {"fee": _percent(one.fee_ppm, seen.language), "rounding": one.rounding.label},
                "; ".join(f"{name} {_percent(ppm, seen.language)}" for name, ppm in one.shares),
                _("the managing company is paid for all") if one.passes_through else "",
            ),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            proof=one.proof,
        )
        for one in list_contracts()
    ]


def payees(seen: Seen) -> list[Version]:
    currency = currency_of_utility()
    return [
        Version(
            fact_id=one.payee_id,
            subject=f"{one.name} ({one.code})",
            lines=(
                f"{one.holder}, {one.account} {one.bank_code}".strip(),
                _("paid %(cycle)s, from %(amount)s on")
                % {
                    "cycle": one.cycle.label,
                    "amount": money_text(one.minimum_minor, currency=currency, language=seen.language),
                },
            ),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            proof=one.proof,
        )
        for one in list_payees()
    ]


def interest() -> list[Version]:
    return [
        Version(
            fact_id=one.terms_id,
            subject=", ".join(filter(None, (_service(one.service), one.category))),
            lines=(
                one.rule.code,
                one.rule.source,
                _("at the published rate %(code)s") % {"code": one.key_rate} if one.key_rate else "",
            ),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            proof=one.proof,
            text=one.document,
        )
        for one in list_terms()
    ]


def rates(seen: Seen) -> list[Version]:
    return [
        Version(
            fact_id=one.rate_id,
            subject=one.code,
            lines=(_share(one.percent / 100, seen.language),),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            proof=one.proof,
        )
        for one in list_key_rates()
    ]


def limitation(seen: Seen) -> list[Version]:
    return [
        Version(
            fact_id=one.limitation_id,
            subject=_service(one.service),
            lines=(
                _("%(years)s years from the due date")
                % {"years": number_text(one.years, language=seen.language)},
                _("starts anew by: %(what)s") % {"what": one.interruption.label},
            ),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            proof=one.proof,
        )
        for one in list_limitation_terms()
    ]


def limits(seen: Seen) -> list[Version]:
    currency = currency_of_utility()
    return [
        Version(
            fact_id=one.limit_id,
            subject=f"{one.kind.label}, {one.role}",
            lines=(
                _("up to %(amount)s")
                % {"amount": money_text(one.amount_minor, currency=currency, language=seen.language)},
            ),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            proof=one.proof,
        )
        for one in list_limits()
    ]


def targets(seen: Seen) -> list[Version]:
    return [
        Version(
            fact_id=one.target_id,
            subject=one.name,
            lines=(_("to collect %(percent)s") % {"percent": _percent(one.rate_ppm, seen.language)},),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            proof=one.proof,
            organisation_id=one.organisation_id,
        )
        for one in list_targets(scope=seen.scope)
    ]


def _service(service: str) -> str:
    return str(Service(service).label) if service else _("all services")


def _percent(ppm: int, language: str) -> str:
    return _share(Decimal(ppm).scaleb(-6), language)


def _share(fraction: Decimal, language: str) -> str:
    """A share of one in percent, with the decimals that it has."""
    exponent = (fraction * 100).normalize().as_tuple().exponent
    return percent_text(fraction, language=language, decimals=max(0, -int(exponent)))
