"""Customers, their accounts and agreements, the parties behind a supply, and who is responsible in the field."""

from django.db import models

from mains.base.facts import DatedFact, one_at_a_time
from mains.customers.values import Category, CustomerKind, PartyKind


class Party(models.Model):
    """An organisation in the provider chain: supplier, management company, the utility itself, a bank."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=PartyKind)
    tax_number = models.CharField(max_length=30, blank=True)
    bank_name = models.CharField(max_length=200, blank=True)
    bank_code = models.CharField(max_length=30, blank=True)
    bank_account = models.CharField(max_length=40, blank=True)
    # The bank's own account at the central bank, in the countries that have one.
    correspondent_account = models.CharField(max_length=40, blank=True, db_default="")

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """A person or organisation that holds accounts."""

    kind = models.CharField(max_length=20, choices=CustomerKind)
    name = models.CharField(max_length=200)
    tax_number = models.CharField(max_length=30, blank=True)
    phone = models.CharField(max_length=30, blank=True)
    email = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=10, default="en")

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """Where a customer's money is kept. `bucket` is the unit of bulk work."""

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="accounts")
    organisation = models.ForeignKey("staff.Organisation", on_delete=models.PROTECT, related_name="accounts")
    cycle = models.CharField(max_length=20, default="monthly")
    bucket = models.SmallIntegerField()
    opened_on = models.DateField()
    closed_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["bucket"], name="account_bucket")]  # bulk reads by slice

    def __str__(self) -> str:
        return self.number


class Agreement(DatedFact):
    """Who pays for a service point, on which tariff, through which provider, over which dates."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="agreements")
    service_point = models.ForeignKey(
        "network.ServicePoint", on_delete=models.PROTECT, related_name="agreements"
    )
    tariff = models.ForeignKey(
        "tariffs.Tariff", on_delete=models.PROTECT, related_name="agreements", db_index=False
    )
    provider = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="agreements", db_index=False)
    manager = models.ForeignKey(
        Party, null=True, on_delete=models.PROTECT, related_name="managed_agreements", db_index=False
    )
    category = models.CharField(max_length=30, choices=Category)
    load_class = models.CharField(max_length=20, blank=True)
    contract_number = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [one_at_a_time(subject="service_point_id", name="one_payer_at_a_time")]


class Responsibility(DatedFact):
    """The field officer (CRO) who answers for an account."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="responsibilities")
    officer = models.ForeignKey("staff.User", on_delete=models.PROTECT, related_name="responsibilities")

    class Meta:
        constraints = [one_at_a_time(subject="account_id", name="one_officer_at_a_time")]


class Erasure(models.Model):
    """Fields of a customer that were emptied on a request, why, and what was kept by law. Append-only; it never holds
    the values."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="erasures")
    fields = models.JSONField()
    reason = models.CharField(max_length=200)
    kept = models.JSONField()
    erased_at = models.DateTimeField()
    erased_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
