"""What sellers and buyers state of themselves on electronic invoices, dated: an old bill keeps what held then."""

from django.db import models

from mains.base.facts import DatedFact, one_at_a_time
from mains.integrations.einvoice.values.legal import UntaxedCategory


class _PartyLegalData(DatedFact):
    legal_name = models.CharField(max_length=200, blank=True)
    vat_number = models.CharField(max_length=30, blank=True)
    registration = models.CharField(max_length=50, blank=True)
    registration_scheme = models.CharField(max_length=4, blank=True)
    endpoint = models.CharField(max_length=100, blank=True)
    endpoint_scheme = models.CharField(max_length=4, blank=True)
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    subdivision = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, blank=True)

    class Meta:
        abstract = True


class SellerLegalData(_PartyLegalData):
    """A supplier as its invoices state it."""

    party = models.ForeignKey("customers.Party", on_delete=models.PROTECT, related_name="+", db_index=False)
    legal_form = models.CharField(max_length=200, blank=True)
    tax_office = models.CharField(max_length=100, blank=True)
    contact_name = models.CharField(max_length=100, blank=True)
    contact_phone = models.CharField(max_length=40, blank=True)
    contact_email = models.CharField(max_length=120, blank=True)
    iban = models.CharField(max_length=34, blank=True)
    bic = models.CharField(max_length=11, blank=True)
    untaxed_category = models.CharField(max_length=1, choices=UntaxedCategory)
    exemption_reason = models.CharField(max_length=200, blank=True)
    exemption_code = models.CharField(max_length=30, blank=True)
    vat_components = models.CharField(max_length=200, blank=True)
    tax_codes = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [one_at_a_time(subject="party_id", name="one_seller_data_at_a_time")]


class BuyerLegalData(_PartyLegalData):
    """A customer as invoices state it."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reference = models.CharField(max_length=100, blank=True)
    is_reverse_charge = models.BooleanField(default=False)

    class Meta:
        constraints = [one_at_a_time(subject="customer_id", name="one_buyer_data_at_a_time")]
