"""Electronic invoices: what a bill would state, its documents, and what suppliers and customers state of themselves."""

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.base.wording import error_text
from mains.customers.queries.records import find_party_id
from mains.integrations.einvoice.actions.legal_data import record_buyer_data, record_seller_data
from mains.integrations.einvoice.queries.factur_x import factur_x_pdf
from mains.integrations.einvoice.queries.invoices import make_invoice
from mains.integrations.einvoice.queries.legal_data import SellerRecord, find_buyer_data, list_sellers
from mains.integrations.einvoice.queries.profiles import CII_PROFILE, PROFILES, write_document
from mains.integrations.einvoice.values.invoice import Invoice
from mains.integrations.einvoice.values.legal import BuyerData, SellerData
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs, sees
from mains.web.office.clock import now
from mains.web.office.einvoice_forms import BuyerForm, SellerForm
from mains.web.office.parts import Crumb
from mains.web.office.views.account import book_page, open_book
from mains.web.office.views.bills import account_of, open_bill


@needs(Permission.SEE_MONEY)
def bill_einvoice(request: OfficeRequest, number: str) -> HttpResponse:
    """What the bill is as an electronic invoice: sums, and for each kind of document whether it can be written."""
    found = open_bill(request, number)
    account = account_of(request, found)
    context: dict[str, Any] = {
        "bill": found,
        "number": number,
        "account": account,
        "may_fill_in": Permission.RUN_BILLING in request.rights.permissions,
        "may_fill_in_sellers": Permission.ADMINISTER in request.rights.permissions,
        "crumbs": [
            Crumb(account.number, reverse("office:account", args=[account.number])),
            Crumb(number, reverse("office:bill", args=[number])),
            Crumb(_("E-invoice")),
        ],
    }
    try:
        invoice = make_invoice(month=found.month, bill_id=found.id)
    except MainsError as error:
        context["refusal"] = error_text(error)
    else:
        context |= {"invoice": invoice, "kinds": _kinds(invoice, number)}
    return render(request, "office/einvoice.html", context)


def _kinds(invoice: Invoice, number: str) -> list[dict[str, Any]]:
    kinds = [
        {
            "title": profile.title,
            "url": reverse("office:bill_einvoice_xml", args=[number, name]),
            "problems": profile.list_problems(invoice),
        }
        for name, profile in PROFILES.items()
        if profile.suits(invoice)
    ]
    hybrid = {
        "title": _("PDF with the invoice in it (Factur-X, ZUGFeRD)"),
        "url": reverse("office:bill_factur_x", args=[number]),
        "problems": CII_PROFILE.list_problems(invoice),
    }
    return [kinds[0], hybrid, *kinds[1:]]


@needs(Permission.SEE_MONEY)
def bill_einvoice_xml(request: OfficeRequest, number: str, profile: str) -> HttpResponse:
    """The document as XML; a page that says what is missing where it cannot be written."""
    sees(request, Permission.SEE_NAMES)
    sees(request, Permission.SEE_CONTACTS)
    found = open_bill(request, number)
    if profile not in PROFILES:
        raise Http404(_("There is no such kind of e-invoice."))
    try:
        invoice = make_invoice(month=found.month, bill_id=found.id)
        content = write_document(invoice, profile=PROFILES[profile])
    except MainsError:
        return redirect("office:bill_einvoice", number=number)
    return _file(content, "application/xml", f"{number}-{profile}.xml")


@needs(Permission.SEE_MONEY)
def bill_factur_x(request: OfficeRequest, number: str) -> HttpResponse:
    """The bill's PDF with the invoice in it; as `bill_einvoice_xml` where it cannot be written."""
    sees(request, Permission.SEE_NAMES)
    sees(request, Permission.SEE_CONTACTS)
    found = open_bill(request, number)
    try:
        invoice = make_invoice(month=found.month, bill_id=found.id)
        content = factur_x_pdf(invoice=invoice, month=found.month, bill_id=found.id)
    except MainsError:
        return redirect("office:bill_einvoice", number=number)
    return _file(content, "application/pdf", f"{number}-factur-x.pdf")


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@needs(Permission.ADMINISTER)
def einvoice_sellers(request: OfficeRequest) -> HttpResponse:
    """The suppliers, and what their invoices state."""
    context = {"sellers": list_sellers(on_date=request.today)}
    return render(request, "office/einvoice_sellers.html", context)


@needs(Permission.ADMINISTER)
def einvoice_seller(request: OfficeRequest, code: str) -> HttpResponse:
    """One supplier's form."""
    sellers = {seller.code: seller for seller in list_sellers(on_date=request.today)}
    party_id = find_party_id(code=code)
    if code not in sellers or party_id is None:
        raise Http404(_("There is no supplier %(code)s.") % {"code": code})
    form = SellerForm(request.POST or None, initial=_initial(request, sellers[code].data))
    if form.is_valid():
        try:
            record_seller_data(
                party_id=party_id,
                data=SellerData(**form.data_of_party()),
                valid_from=form.cleaned_data["valid_from"],
                now=now(),
                actor=request.user,
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(request, _("What invoices state is recorded."))
            return redirect("office:einvoice_sellers")
    return render(
        request,
        "office/einvoice_seller.html",
        {"form": form, "seller": sellers[code], **_seller_crumbs(sellers[code])},
    )


def _seller_crumbs(seller: SellerRecord) -> dict[str, Any]:
    return {"crumbs": [Crumb(_("E-invoices"), reverse("office:einvoice_sellers")), Crumb(seller.name)]}


@needs(Permission.RUN_BILLING)
def einvoice_buyer(request: OfficeRequest, number: str) -> HttpResponse:
    """What invoices to the account's customer state."""
    sees(request, Permission.SEE_NAMES)
    sees(request, Permission.SEE_CONTACTS)
    book = open_book(request, number)
    customer_id = book.account.customer_id
    data = find_buyer_data(customer_id=customer_id, on_date=request.today) or BuyerData()
    form = BuyerForm(request.POST or None, initial=_initial(request, data))
    if form.is_valid():
        try:
            record_buyer_data(
                customer_id=customer_id,
                data=BuyerData(**form.data_of_party()),
                valid_from=form.cleaned_data["valid_from"],
                now=now(),
                actor=request.user,
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(request, _("What invoices state is recorded."))
            return redirect("office:account_money", number=number)
    return book_page(book, "office/account/einvoice.html", tab="money", form=form)


def _initial(request: OfficeRequest, data: SellerData | BuyerData) -> dict[str, Any]:
    return asdict(data) | {"valid_from": request.today}
