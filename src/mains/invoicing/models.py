"""Invoices above the bills: many accounts on one, one account on several, several months on one, and in advance.

Nothing here is money: the accounts' ledgers are, and an invoice names what is posted there.
"""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Func, Q

from mains.base.facts import DatedFact, one_at_a_time, one_value
from mains.customers.values import Category
from mains.invoicing.values import InvoiceKind


class InvoiceGroup(models.Model):
    """Accounts that one customer pays with one invoice: a chain of shops, a housing company."""

    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=200)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey("staff.Organisation", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class GroupMember(DatedFact):
    """An account whose bills of these dates are on the group's invoices."""

    group = models.ForeignKey(InvoiceGroup, on_delete=models.PROTECT, related_name="members")
    account = models.ForeignKey("customers.Account", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [one_at_a_time(subject="account_id", name="one_group_at_a_time")]


class SharePlan(DatedFact):
    """Who pays which part of an account's charges of these dates; what is left the account pays itself.

    `shares`: a list of {payer_id, parts_ppm | amount_minor, service, component}, see `values.Share`.
    """

    account = models.ForeignKey("customers.Account", on_delete=models.PROTECT, related_name="+")
    shares = models.JSONField()

    class Meta:
        constraints = [one_at_a_time(subject="account_id", name="one_share_plan_at_a_time")]


class AccountInterval(DatedFact):
    """How many months one bill of the account covers; 1: every month, whatever holds for its class.

    Bills are drawn up for `closes_in` (the first day of a month) and every `months` before and after. `instalments`: a
    list of {service, amount_minor} that is asked for in advance for each month in between.
    """

    account = models.ForeignKey("customers.Account", on_delete=models.PROTECT, related_name="+")
    months = models.SmallIntegerField()
    closes_in = models.DateField()
    instalments = models.JSONField(default=list)

    class Meta:
        constraints = [one_at_a_time(subject="account_id", name="one_interval_of_account")]


class ClassInterval(DatedFact):
    """How many months one bill covers of accounts that choose nothing themselves and whose agreements are all of
    such classes; where these differ, the shortest one."""

    category = models.CharField(max_length=30, choices=Category)
    months = models.SmallIntegerField()
    closes_in = models.DateField()

    class Meta:
        constraints = [
            # Of a hash, because the embedded server has no btree_gist; the classes are few and their hashes differ.
            ExclusionConstraint(
                name="one_interval_of_class",
                expressions=[
                    (
                        one_value(
                            Func("category", function="hashtext", output_field=models.IntegerField()),
                            function="int4range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(superseded_at__isnull=True),
            )
        ]


class AdvanceVat(DatedFact):
    """The rate of VAT that falls due with an advance for a provider's service, in millionths of the net amount. Where
    none is stated, advances bear no VAT."""

    provider = models.ForeignKey("customers.Party", on_delete=models.PROTECT, related_name="+")
    service = models.CharField(max_length=20)
    rate_ppm = models.IntegerField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_vat_of_advances",
                expressions=[
                    (one_value("provider_id", function="int8range"), RangeOperators.OVERLAPS),
                    (
                        one_value(
                            Func("service", function="hashtext", output_field=models.IntegerField()),
                            function="int4range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(superseded_at__isnull=True),
            )
        ]


class DeferredBill(models.Model):
    """A posted bill whose charges are asked for by a later invoice over several months. Append-only."""

    bill_id = models.BigIntegerField(unique=True)
    bill_month = models.DateField()
    account_id = models.BigIntegerField(db_index=True)
    recorded_at = models.DateTimeField()


class LookedRun(models.Model):
    """A bill run whose bills were looked through for those that wait for a later invoice, once. Append-only."""

    run_id = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()


class Invoice(models.Model):
    """A document that asks for money. Append-only. `account` is who pays; a collective one has a `group` instead.

    One over several months ("period") has an account's bills. `month` is the latest month of the bills on it, or the
    month in which an advance is asked for. `source_bill_id` and `source_month` of a share name the bill that is shared.
    """

    kind = models.CharField(max_length=10, choices=InvoiceKind)
    month = models.DateField()
    group = models.ForeignKey(InvoiceGroup, null=True, on_delete=models.PROTECT, related_name="invoices")
    account = models.ForeignKey("customers.Account", null=True, on_delete=models.PROTECT, related_name="+")
    organisation_id = models.BigIntegerField()
    source_month = models.DateField(null=True)
    source_bill_id = models.BigIntegerField(null=True)
    amount_minor = models.BigIntegerField()
    issued_on = models.DateField()
    due_on = models.DateField()
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # A bill is shared once with each payer.
            models.UniqueConstraint(
                fields=["source_bill_id", "account"],
                condition=models.Q(kind=InvoiceKind.SHARED),
                name="one_share_of_a_bill",
            )
        ]
        indexes = [models.Index(fields=["organisation_id", "-id"], name="invoice_of_unit")]


class InvoicePart(models.Model):
    """What an invoice asks for of one account, provider and service: of one of its bills, or in advance.

    `quantity_micro` is the use that an advance expects, `vat_ppm` the rate of VAT that its amount includes;
    `is_collective`: the invoice has the bill whole, as collective ones and those over several months do.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="parts")
    account_id = models.BigIntegerField()
    bill_month = models.DateField(null=True)
    bill_id = models.BigIntegerField(null=True)
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    quantity_micro = models.BigIntegerField(null=True)
    amount_minor = models.BigIntegerField()
    vat_ppm = models.IntegerField(null=True)
    is_collective = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # A bill is on one collective invoice, or on one over several months.
            models.UniqueConstraint(
                fields=["bill_month", "bill_id", "provider_id", "service"],
                condition=models.Q(is_collective=True),
                name="grouped_once",
            )
        ]


class InvoiceCancellation(models.Model):
    """Why an advance invoice that nobody has paid asks for nothing any more. Append-only."""

    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, related_name="cancellation")
    reason = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class InvoicePayment(models.Model):
    """A receipt that named the invoice, and went to its accounts or became its advance. Append-only."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    receipt_id = models.BigIntegerField(unique=True)
    amount_minor = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class SharedBill(models.Model):
    """A bill that was divided among its payers, once; also one of which nobody else pays anything. Append-only."""

    bill_id = models.BigIntegerField(unique=True)
    bill_month = models.DateField()
    account_id = models.BigIntegerField(db_index=True)
    shared_minor = models.BigIntegerField()
    recorded_at = models.DateTimeField()
