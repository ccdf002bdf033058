"""What the page of each kind shows, who may see it, and who may state it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext_lazy

from mains.debt.values import TermsKind
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest
from mains.web.office.terms import forms, versions
from mains.web.office.terms.versions import Seen, Version


@dataclass(frozen=True, kw_only=True)
class KindOfTerms:
    """A kind of contract or rule. `code` stands in its address. `of_units`: those of one's own units may be stated; the
    others are of the whole utility. `effect` says what a change touches: count, and sum where there is one."""

    kind: TermsKind
    code: str
    title: str | Promise
    lead: str | Promise
    form: type[forms.TermsForm]
    versions: Callable[[Seen], Sequence[Version]]
    seen_by: tuple[Permission, ...]
    stated_by: tuple[Permission, ...]
    of_units: bool = False
    effect: Promise | None = None

    def may_state(self, request: OfficeRequest) -> bool:
        """Whether the person may state it, or decide what others ask for."""
        scope = request.rights.scope(*self.stated_by)
        return bool(request.rights.permissions & set(self.stated_by)) and (
            self.of_units or scope.organisation_ids is None
        )


_BOOKS = (Permission.CLOSE_BOOKS,)
_SEES_BOOKS = (Permission.SEE_REPORTS, Permission.CLOSE_BOOKS)

KINDS = (
    KindOfTerms(
        kind=TermsKind.CONTRACT,
        code="contracts",
        title=gettext_lazy("Contracts"),
        lead=gettext_lazy("Whose the money is that is collected for others, and what the agent keeps."),
        form=forms.ContractForm,
        versions=versions.contracts,
        seen_by=(Permission.SEE_REPORTS, Permission.SETTLE),
        stated_by=(Permission.SETTLE,),
        effect=ngettext_lazy(
            "%(count)s payment of these days is split anew: %(amount)s.",
            "%(count)s payments of these days are split anew: %(amount)s.",
            "count",
        ),
    ),
    KindOfTerms(
        kind=TermsKind.PAYEE,
        code="payees",
        title=gettext_lazy("Payees"),
        lead=gettext_lazy("When money is passed on, and to which account at which bank."),
        form=forms.PayeeForm,
        versions=versions.payees,
        seen_by=(Permission.SETTLE,),
        stated_by=(Permission.SETTLE,),
        effect=ngettext_lazy(
            "%(count)s order that is on its way keeps the account it was prepared with: %(amount)s.",
            "%(count)s orders that are on their way keep the account they were prepared with: %(amount)s.",
            "count",
        ),
    ),
    KindOfTerms(
        kind=TermsKind.INTEREST,
        code="interest",
        title=gettext_lazy("Late interest"),
        lead=gettext_lazy("How debts grow that are due on these days and paid late."),
        form=forms.InterestForm,
        versions=lambda _seen: versions.interest(),
        seen_by=_SEES_BOOKS,
        stated_by=_BOOKS,
        effect=ngettext_lazy(
            "%(count)s open debt is due on these days: %(amount)s. The next run posts what the rule makes of it.",
            "%(count)s open debts are due on these days: %(amount)s. The next run posts what the rule makes of them.",
            "count",
        ),
    ),
    KindOfTerms(
        kind=TermsKind.RATE,
        code="rates",
        title=gettext_lazy("Published rates"),
        lead=gettext_lazy("Rates that others publish and rules of late interest follow."),
        form=forms.RateForm,
        versions=versions.rates,
        seen_by=_SEES_BOOKS,
        stated_by=_BOOKS,
        effect=ngettext_lazy(
            "%(count)s debt has interest posted at this rate: %(amount)s. The next run corrects it.",
            "%(count)s debts have interest posted at this rate: %(amount)s. The next run corrects it.",
            "count",
        ),
    ),
    KindOfTerms(
        kind=TermsKind.LIMITATION,
        code="limitation",
        title=gettext_lazy("Limitation"),
        lead=gettext_lazy("After how many years a debt can no longer be sued for."),
        form=forms.LimitationForm,
        versions=versions.limitation,
        seen_by=_SEES_BOOKS,
        stated_by=_BOOKS,
        effect=ngettext_lazy(
            "%(count)s open debt would be time-barred today: %(amount)s.",
            "%(count)s open debts would be time-barred today: %(amount)s.",
            "count",
        ),
    ),
    KindOfTerms(
        kind=TermsKind.LIMIT,
        code="limits",
        title=gettext_lazy("Approval limits"),
        lead=gettext_lazy("Up to which amount people of a role approve what others propose."),
        form=forms.LimitForm,
        versions=versions.limits,
        seen_by=(Permission.APPROVE_MONEY, Permission.CLOSE_BOOKS, Permission.ADMINISTER),
        stated_by=(Permission.CLOSE_BOOKS, Permission.ADMINISTER),
        effect=ngettext_lazy(
            "%(count)s proposal that waits is above it: %(amount)s.",
            "%(count)s proposals that wait are above it: %(amount)s.",
            "count",
        ),
    ),
    KindOfTerms(
        kind=TermsKind.TARGET,
        code="targets",
        title=gettext_lazy("Collection targets"),
        lead=gettext_lazy("How much of what is billed a unit or a person is to collect."),
        form=forms.TargetForm,
        versions=versions.targets,
        seen_by=(Permission.SEE_REPORTS, Permission.APPROVE_MONEY),
        stated_by=(Permission.APPROVE_MONEY,),
        of_units=True,
    ),
)
