"""Cards by redirect: the customer types the card on the acquirer's page, and we never see it.

A general form of what acquirers do, to be narrowed per acquirer: a signed address takes the customer there, a signed
call-back brings the result, and the order can be asked about and refunded. Signatures are HMAC with SHA-256; in
call-backs and calls over `timestamp.method.path.body` and `timestamp.body` with a window of five minutes.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mains.base.clock import read_clock
from mains.integrations.payment_providers.refusals import not_sure, refused, untrusted
from mains.integrations.payment_providers.signatures import is_keyed_hash, keyed_hash
from mains.integrations.payment_providers.transport import call, check_host
from mains.payments.values.online import (
    Acknowledgement,
    Notice,
    OrderAsked,
    Outcome,
    ProviderSettings,
    Started,
)

WINDOW_SECONDS = 300


class CardRedirect:
    """Settings: merchant, page_url (the acquirer's page), api_url, return_url, and of instalments: instalments (the
    numbers offered), first_days, every_days. Secret: SECRET."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._merchant = settings.text("merchant")
        self._page, self._api = settings.text("page_url"), settings.text("api_url").rstrip("/")
        self._return_url = str(settings.values.get("return_url") or "")
        self._secret = settings.secret("SECRET").strip()

    def start(self, order: OrderAsked) -> Started:
        check_host(self._page)
        asked = {
            "merchant": self._merchant,
            "order": order.number,
            "amount": str(order.amount_minor),
            "currency": order.currency,
            "instalments": str(order.instalments),
            "notify_url": order.notify_url,
            "return_url": self._return_url,
            "expires": order.expires_at.isoformat(timespec="seconds"),
        }
        query = urlencode(sorted(asked.items()))
        return Started(pay_url=f"{self._page}?{query}&signature={keyed_hash(self._secret, query.encode())}")

    def query(self, number: str) -> Notice:
        found = self._call("GET", f"/orders/{quote(number, safe='')}")
        return self._notice(found, number) if found else Notice(order_number=number, outcome=Outcome.UNPAID)

    def refund(self, number: str, *, refund_number: str, amount_minor: int, reason: str) -> bool:
        found = self._call(
            "POST",
            f"/orders/{quote(number, safe='')}/refunds",
            content={"refund": refund_number, "amount": amount_minor, "reason": reason},
        )
        if found.get("status") == "refused":
            raise refused(number, "refund")
        return bool(found.get("status") == "refunded")

    def read_callback(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        stamp = headers.get("x-timestamp", "")
        if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
            raise untrusted("signature-wrong")
        if not is_keyed_hash(self._secret, f"{stamp}.".encode() + body, headers.get("x-signature", "")):
            raise untrusted("signature-wrong")
        if abs(now.timestamp() - int(stamp)) > WINDOW_SECONDS:
            raise untrusted("callback-stale")
        found = _object(body)
        if found is None:
            raise untrusted("callback-unreadable")
        if found.get("merchant") != self._merchant:
            raise untrusted("callback-of-others")
        return self._notice(found, str(found.get("order", "")))

    def acknowledge(self, *, is_taken: bool) -> Acknowledgement:
        return Acknowledgement(
            status=200 if is_taken else 400,
            content_type="application/json",
            body=json.dumps({"taken": is_taken}).encode(),
        )

    def _call(self, method: str, path: str, *, content: Mapping[str, object] | None = None) -> dict[str, Any]:
        body = json.dumps(content).encode() if content is not None else b""
        stamp = str(int(read_clock().timestamp()))
        whole = urlsplit(self._api).path + path
        signature = keyed_hash(self._secret, f"{stamp}.{method}.{whole}.".encode() + body)
        answer = call(
            method,
            self._api + path,
            headers={"X-Timestamp": stamp, "X-Signature": signature, "Content-Type": "application/json"},
            body=body or None,
        )
        if answer.status == 404:
            return {}
        if answer.status >= 400:
            raise refused(path, str(answer.status))
        signed = f"{answer.headers.get('x-timestamp', '')}.".encode() + answer.body
        found = _object(answer.body)
        if found is None or not is_keyed_hash(self._secret, signed, answer.headers.get("x-signature", "")):
            raise not_sure(path, "answer not signed by the acquirer")
        return found

    def _notice(self, found: Mapping[str, Any], number: str) -> Notice:
        amount = found.get("amount")
        return Notice(
            order_number=number,
            outcome=_outcome(str(found.get("status", ""))),
            external_id=str(found.get("payment", "")),
            amount_minor=amount if isinstance(amount, int) and not isinstance(amount, bool) else 0,
            currency=str(found.get("currency", "")),
            paid_on=_day(str(found.get("paid_on", ""))),
        )


def _outcome(status: str) -> Outcome:
    try:
        return Outcome(status)
    except ValueError:
        return Outcome.PENDING


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
