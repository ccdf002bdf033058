"""Alipay, open platform: RSA2 signed forms in both directions.

Rules: opendocs.alipay.com – what is signed are the parameters sorted by name as name=value joined by &, without `sign`
(in call-backs without `sign_type` too) and without empty values; of an answer, the text of its one object exactly as it
came. A call-back is acknowledged by the seven characters "success" and comes again for 25 hours otherwise.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mains.base.clock import read_clock
from mains.integrations.payment_providers.refusals import not_sure, refused, untrusted
from mains.integrations.payment_providers.signatures import (
    is_signed,
    read_private_key,
    read_public_key,
    sign,
)
from mains.integrations.payment_providers.transport import call
from mains.payments.values.online import (
    Acknowledgement,
    Notice,
    OrderAsked,
    Outcome,
    ProviderSettings,
    Started,
)

CHINA = timezone(timedelta(hours=8))
# Call-backs are repeated for 25 hours, each with the time of its sending; what is older is none of them.
WINDOW = timedelta(hours=26)
_AHEAD = timedelta(minutes=5)
_TIME = "%Y-%m-%d %H:%M:%S"
_OUTCOMES = {
    "TRADE_SUCCESS": Outcome.PAID,
    "TRADE_FINISHED": Outcome.PAID,
    "TRADE_CLOSED": Outcome.CLOSED,
    "WAIT_BUYER_PAY": Outcome.UNPAID,
}
_NOT_SURE_CODES = ("20000", "ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR")
_FIELDS_MAX = 200


class Alipay:
    """Orders paid by QR code (`product` precreate) or on Alipay's own page (page).

    Settings: app_id, seller_id, product, gateway. Secrets: PRIVATE_KEY (ours), PUBLIC_KEY (Alipay's, not ours).
    """

    def __init__(self, settings: ProviderSettings) -> None:
        place = f"channel {settings.code}"
        self._app_id = settings.text("app_id")
        self._seller_id = str(settings.values.get("seller_id") or "")
        self._product = str(settings.values.get("product") or "precreate")
        self._gateway = str(settings.values.get("gateway") or "https://openapi.alipay.com/gateway.do")
        self._key = read_private_key(settings.secret("PRIVATE_KEY"), place=place)
        self._alipay_key = read_public_key(settings.secret("PUBLIC_KEY"), place=place)

    def start(self, order: OrderAsked) -> Started:
        asked = {
            "out_trade_no": order.number,
            "total_amount": _amount_text(order.amount_minor),
            "subject": order.subject,
            "time_expire": order.expires_at.astimezone(CHINA).strftime(_TIME),
        }
        if self._product == "page":
            asked["product_code"] = "FAST_INSTANT_TRADE_PAY"
            form = self._signed("alipay.trade.page.pay", asked, notify_url=order.notify_url)
            return Started(pay_url=f"{self._gateway}?{urlencode(form)}")
        found = self._call("alipay.trade.precreate", asked, notify_url=order.notify_url)
        return Started(pay_url=str(found.get("qr_code", "")))

    def query(self, number: str) -> Notice:
        found = self._call(
            "alipay.trade.query", {"out_trade_no": number}, absent_codes=("ACQ.TRADE_NOT_EXIST",)
        )
        return self._notice(found, number) if found else Notice(order_number=number, outcome=Outcome.UNPAID)

    def refund(self, number: str, *, refund_number: str, amount_minor: int, reason: str) -> bool:
        # An answer without a change of funds says that this refund was made before.
        self._call(
            "alipay.trade.refund",
            {
                "out_trade_no": number,
                "out_request_no": refund_number,
                "refund_amount": _amount_text(amount_minor),
                "refund_reason": reason[:250],
            },
        )
        return True

    def read_callback(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        del headers  # the form is signed within itself
        try:
            pairs = parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=_FIELDS_MAX
            )
        except (ValueError, UnicodeDecodeError) as error:
            raise untrusted("callback-unreadable") from error
        form = dict(pairs)
        if len(form) < len(pairs) or form.get("sign_type") != "RSA2":
            raise untrusted("signature-wrong")
        message = _joined({name: value for name, value in form.items() if name not in ("sign", "sign_type")})
        if not is_signed(self._alipay_key, message, form.get("sign", "")):
            raise untrusted("signature-wrong")
        sent = _instant(form.get("notify_time", ""))
        if sent is None or not -_AHEAD <= now - sent <= WINDOW:
            raise untrusted("callback-stale")
        is_ours = form.get("app_id") == self._app_id
        if not is_ours or (self._seller_id and form.get("seller_id") != self._seller_id):
            raise untrusted("callback-of-others")
        return self._notice(form, form.get("out_trade_no", ""))

    def acknowledge(self, *, is_taken: bool) -> Acknowledgement:
        return Acknowledgement(
            status=200, content_type="text/plain; charset=utf-8", body=b"success" if is_taken else b"fail"
        )

    def _call(
        self,
        method: str,
        content: Mapping[str, str],
        *,
        notify_url: str = "",
        absent_codes: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The signed object of the answer; {} for one of `absent_codes`."""
        form = self._signed(method, content, notify_url=notify_url)
        answer = call(
            "POST",
            f"{self._gateway}?charset=utf-8",
            headers={"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"},
            body=urlencode(form).encode(),
        )
        found = self._checked(answer.body, method)
        code, sub_code = str(found.get("code", "")), str(found.get("sub_code", ""))
        if code == "10000":
            return found
        if sub_code in absent_codes:
            return {}
        if code in _NOT_SURE_CODES or sub_code in _NOT_SURE_CODES:
            raise not_sure(method, sub_code or code)
        raise refused(method, sub_code or code)

    def _signed(self, method: str, content: Mapping[str, str], *, notify_url: str) -> dict[str, str]:
        form = {
            "app_id": self._app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": read_clock().astimezone(CHINA).strftime(_TIME),
            "version": "1.0",
            "biz_content": json.dumps(dict(content), ensure_ascii=False, separators=(",", ":")),
        }
        if notify_url:
            form["notify_url"] = notify_url
        return form | {"sign": sign(self._key, _joined(form))}

    def _checked(self, body: bytes, method: str) -> dict[str, Any]:
        """The object of the answer, signed exactly as its text came."""
        name = f'"{method.replace(".", "_")}_response"'
        try:
            text = body.decode("utf-8")
            begin = text.index("{", text.index(name) + len(name))
            found, end = json.JSONDecoder().raw_decode(text, begin)
            signature = json.loads(text)["sign"]
        except (ValueError, KeyError, TypeError) as error:
            raise not_sure(method, "answer without signature") from error
        if not isinstance(found, dict) or not is_signed(
            self._alipay_key, text[begin:end].encode(), str(signature)
        ):
            raise not_sure(method, "answer not signed by Alipay")
        return found

    def _notice(self, found: Mapping[str, Any], number: str) -> Notice:
        outcome = _OUTCOMES.get(str(found.get("trade_status", "")), Outcome.PENDING)
        if outcome is Outcome.CLOSED and found.get("gmt_refund"):
            outcome = Outcome.REFUNDED
        paid = _instant(str(found.get("gmt_payment") or found.get("send_pay_date") or ""))
        return Notice(
            order_number=number,
            outcome=outcome,
            external_id=str(found.get("trade_no", "")),
            amount_minor=_amount_minor(str(found.get("total_amount", ""))),
            currency="CNY",
            paid_on=paid.date() if paid else None,
            payer=str(found.get("buyer_logon_id", "")),
        )


def _joined(form: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in sorted(form.items()) if value != "").encode()


def _amount_text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _amount_minor(text: str) -> int:
    """Exact; 0 for what is no amount of at most two decimals."""
    try:
        minor = Decimal(text) * 100
    except InvalidOperation:
        return 0
    is_amount = minor.is_finite() and minor == minor.to_integral_value() and 0 < minor < 10**15
    return int(minor) if is_amount else 0


def _instant(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=CHINA)
    except ValueError:
        return None
