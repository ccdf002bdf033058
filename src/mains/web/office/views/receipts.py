"""A receipt: what it paid, and taking it back."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mains.base.wording import error_text
from mains.kernel.errors import MainsError
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.queries.receipts import ReceiptDetail, find_receipt, list_covered
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.fact_forms import DayField
from mains.web.office.parts import Crumb


class ReversalForm(forms.Form):
    """Why a receipt is taken back, and when the money went."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("The bank's message or the payer's letter."),
    )
    day = DayField(label=gettext_lazy("The money went back on"))


@needs(Permission.SEE_MONEY)
def receipt(request: OfficeRequest, receipt_id: int) -> HttpResponse:
    """The receipt and the debts that it covers now; people who import payments may take it back."""
    found = find_receipt(receipt_id=receipt_id, scope=request.scope)
    if found is None:
        raise Http404(_("There is no such receipt that you may see."))
    reach = request.rights.scope(Permission.IMPORT_PAYMENTS)
    may_reverse = found.organisation_id is None or reach.covers(found.organisation_id)
    may_reverse = may_reverse and Permission.IMPORT_PAYMENTS in request.rights.permissions
    if found.is_of_desk:
        # Else a cashier would go round the supervisor's agreement.
        may_reverse = may_reverse and _supervises(request, found)
    form = ReversalForm(request.POST or None, initial={"day": request.today})
    if request.method == "POST" and may_reverse and form.is_valid():
        try:
            reverse_receipt(
                receipt_id=receipt_id,
                reason=form.cleaned_data["reason"],
                business_date=form.cleaned_data["day"],
                now=now(),
                actor_id=request.user.pk,
                scope=reach,
            )
        except MainsError as error:
            messages.error(request, error_text(error))
        else:
            messages.success(request, _("The receipt is taken back; what it had paid is owed again."))
        return redirect("office:receipt", receipt_id=receipt_id)
    context = {
        "receipt": found,
        "covered": list_covered(receipt_id=receipt_id, account_id=found.account_id),
        "form": form if may_reverse and found.reversed_on is None else None,
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Payments"), reverse("office:registers"))],
    }
    return render(request, "office/receipt.html", context)


def _supervises(request: OfficeRequest, found: ReceiptDetail) -> bool:
    supervised = request.rights.scope(Permission.SUPERVISE_DESKS)
    return found.organisation_id is not None and supervised.covers(found.organisation_id)
