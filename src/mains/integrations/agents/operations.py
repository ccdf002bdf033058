"""The operations that agents have in SOAP: their fields, in order. REST offers the same."""

from collections.abc import Mapping

NAMESPACE = "urn:mains:agents:1"

# Field and XML Schema type; a field with ? may be missing, one with * comes many times and has fields of its own.
REQUESTS: Mapping[str, Mapping[str, str]] = {
    "InquireDebt": {"account": "string"},
    "Pay": {"payment_id": "string", "account": "string", "amount_minor": "long", "paid_on": "date?"},
    "CancelPayment": {"payment_id": "string", "reason": "string?"},
    "ReconcileDay": {"day": "date", "payment": "Payment*"},
}
_PAYMENT = {
    "payment_id": "string",
    "account": "string",
    "amount_minor": "long",
    "paid_on": "date",
    "receipt_id": "long",
    "state": "string",
    "is_new": "boolean",
}
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "InquireDebt": {
        "account": "string",
        "name": "string",
        "currency": "string",
        "owed_minor": "long",
        "credit_minor": "long",
        "service": "ServiceDebt*",
        "least_minor": "long",
        "most_minor": "long?",
    },
    "Pay": _PAYMENT,
    "CancelPayment": _PAYMENT,
    "ReconcileDay": {
        "day": "date",
        "our_count": "long",
        "our_minor": "long",
        "their_count": "long",
        "their_minor": "long",
        "difference": "Difference*",
    },
}
PARTS: Mapping[str, Mapping[str, str]] = {
    "Payment": {"payment_id": "string", "account": "string", "amount_minor": "long", "cancelled": "boolean?"},
    "ServiceDebt": {"code": "string", "owed_minor": "long"},
    "Difference": {
        "payment_id": "string",
        "kind": "string",
        "our_account": "string",
        "our_minor": "long?",
        "their_account": "string",
        "their_minor": "long?",
    },
}
