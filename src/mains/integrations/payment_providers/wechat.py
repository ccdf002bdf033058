"""WeChat Pay, API v3: signed requests and answers, encrypted call-backs.

Rules: pay.weixin.qq.com, "APIv3" – the signature is over lines that each end in a line feed, the last one too, and over
the body as it came; answers and call-backs are signed with the platform's key, which the header `Wechatpay-Serial`
names (a certificate's serial number, or the id of a public key), never with the merchant's.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mains.base.clock import read_clock
from mains.integrations.payment_providers.refusals import not_sure, refused, untrusted
from mains.integrations.payment_providers.signatures import (
    is_signed,
    read_certificates,
    read_private_key,
    read_public_key,
    sign,
)
from mains.integrations.payment_providers.transport import Answer, call
from mains.payments.values.online import (
    Acknowledgement,
    Notice,
    OrderAsked,
    Outcome,
    ProviderRefusal,
    ProviderSettings,
    Started,
)

WINDOW_SECONDS = 300
_OUTCOMES = {
    "SUCCESS": Outcome.PAID,
    "REFUND": Outcome.REFUNDED,
    "NOTPAY": Outcome.UNPAID,
    "CLOSED": Outcome.CLOSED,
    "REVOKED": Outcome.CLOSED,
    "USERPAYING": Outcome.PENDING,
    "ACCEPT": Outcome.PENDING,
    "PAYERROR": Outcome.CLOSED,
}


class WeChatPay:
    """Orders that the customer pays by QR code (`product` native) or inside WeChat (jsapi).

    Settings: appid, mchid, serial (of the merchant's certificate), product, base_url, public_key_id. Secrets:
    PRIVATE_KEY, APIV3_KEY, PLATFORM_KEYS (certificates, or the public key of public_key_id).
    """

    def __init__(self, settings: ProviderSettings) -> None:
        place = f"channel {settings.code}"
        self._appid, self._mchid = settings.text("appid"), settings.text("mchid")
        self._serial, self._currency = settings.text("serial"), settings.currency
        self._product = str(settings.values.get("product") or "native")
        self._base = str(settings.values.get("base_url") or "https://api.mch.weixin.qq.com").rstrip("/")
        self._key = read_private_key(settings.secret("PRIVATE_KEY"), place=place)
        self._cipher = _cipher(settings.secret("APIV3_KEY").strip(), place)
        platform, key_id = settings.secret("PLATFORM_KEYS"), settings.values.get("public_key_id")
        self._platform = (
            {str(key_id): read_public_key(platform, place=place)}
            if key_id
            else read_certificates(platform, place=place)
        )

    def start(self, order: OrderAsked) -> Started:
        asked: dict[str, object] = {
            "appid": self._appid,
            "mchid": self._mchid,
            "description": order.subject,
            "out_trade_no": order.number,
            "time_expire": order.expires_at.isoformat(timespec="seconds"),
            "notify_url": order.notify_url,
            "amount": {"total": order.amount_minor, "currency": order.currency},
        }
        if self._product == "jsapi":
            asked["payer"] = {"openid": order.payer_id}
        found = self._call("POST", f"/v3/pay/transactions/{self._product}", content=asked)
        if self._product == "jsapi":
            return Started(pay_url=self._jsapi_parameters(str(found.get("prepay_id", ""))))
        return Started(pay_url=str(found.get("code_url", "")))

    def query(self, number: str) -> Notice:
        path = (
            f"/v3/pay/transactions/out-trade-no/{quote(number, safe='')}?mchid={quote(self._mchid, safe='')}"
        )
        found = self._call("GET", path, absent_codes=("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"))
        return self._notice(found, number) if found else Notice(order_number=number, outcome=Outcome.UNPAID)

    def refund(self, number: str, *, refund_number: str, amount_minor: int, reason: str) -> bool:
        found = self._call(
            "POST",
            "/v3/refund/domestic/refunds",
            content={
                "out_trade_no": number,
                "out_refund_no": refund_number,
                "reason": reason[:80],
                "amount": {"refund": amount_minor, "total": amount_minor, "currency": self._currency},
            },
        )
        status = found.get("status")
        if status in ("ABNORMAL", "CLOSED"):
            raise refused(number, f"refund {status}")
        return bool(status == "SUCCESS")

    def read_callback(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        fault = self._fault_of_signature(headers, body, now)
        if fault:
            raise untrusted(fault)
        try:
            event = json.loads(body)
            resource = event["resource"]
            if resource["algorithm"] != "AEAD_AES_256_GCM":
                raise untrusted("callback-unreadable")
            plain = self._cipher.decrypt(
                resource["nonce"].encode(),
                base64.b64decode(resource["ciphertext"], validate=True),
                (resource.get("associated_data") or "").encode(),
            )
            found = json.loads(plain)
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, InvalidTag) as error:
            raise untrusted("callback-unreadable") from error
        if not isinstance(found, dict) or found.get("mchid") != self._mchid:
            raise untrusted("callback-of-others")
        number = str(found.get("out_trade_no", ""))
        if str(event.get("event_type", "")).startswith("REFUND."):
            is_done = found.get("refund_status") == "SUCCESS"
            return Notice(order_number=number, outcome=Outcome.REFUNDED if is_done else Outcome.PENDING)
        if found.get("appid") != self._appid:
            raise untrusted("callback-of-others")
        return self._notice(found, number)

    def acknowledge(self, *, is_taken: bool) -> Acknowledgement:
        said = (
            {"code": "SUCCESS", "message": "OK"} if is_taken else {"code": "FAIL", "message": "not accepted"}
        )
        return Acknowledgement(
            status=200 if is_taken else 400,
            content_type="application/json",
            body=json.dumps(said).encode(),
        )

    def _call(
        self,
        method: str,
        path: str,
        *,
        content: Mapping[str, object] | None = None,
        absent_codes: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The answer to a signed request, its own signature checked; {} for one of `absent_codes`."""
        body = json.dumps(content, ensure_ascii=False).encode() if content is not None else b""
        headers = {
            "Authorization": self._authorization(method, path, body),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "mains",
        }
        answer = call(method, self._base + path, headers=headers, body=body or None)
        found = _json_of(answer)
        if answer.status >= 400:
            code = str(found.get("code", answer.status))
            if code in absent_codes:
                return {}
            if code in ("SYSTEM_ERROR", "FREQUENCY_LIMITED"):
                raise not_sure(path, code)
            raise refused(path, code)
        if self._fault_of_signature(answer.headers, answer.body, None):
            raise not_sure(path, "answer not signed by the platform")
        return found

    def _authorization(self, method: str, path: str, body: bytes) -> str:
        # The provider compares with its own clock, so the true time counts, whatever day the books have.
        stamp, nonce = str(int(read_clock().timestamp())), secrets.token_hex(16)
        whole = urlsplit(self._base).path + path
        signature = sign(self._key, f"{method}\n{whole}\n{stamp}\n{nonce}\n".encode() + body + b"\n")
        return (
            f'WECHATPAY2-SHA256-RSA2048 mchid="{self._mchid}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{stamp}",serial_no="{self._serial}"'
        )

    def _fault_of_signature(self, headers: Mapping[str, str], body: bytes, now: datetime | None) -> str:
        """What is wrong with the platform's signature, '' for nothing; with `now`, old ones are refused too."""
        stamp, nonce = headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", "")
        key = self._platform.get(headers.get("wechatpay-serial", "").upper()) or self._platform.get(
            headers.get("wechatpay-serial", "")
        )
        if key is None:
            return "signature-key-unknown"
        if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
            return "signature-wrong"
        if now is not None and abs(now.timestamp() - int(stamp)) > WINDOW_SECONDS:
            return "callback-stale"
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        return "" if is_signed(key, message, headers.get("wechatpay-signature", "")) else "signature-wrong"

    def _notice(self, found: Mapping[str, Any], number: str) -> Notice:
        amount, payer = found.get("amount") or {}, found.get("payer") or {}
        total = amount.get("total")
        return Notice(
            order_number=number,
            outcome=_OUTCOMES.get(str(found.get("trade_state")), Outcome.PENDING),
            external_id=str(found.get("transaction_id", "")),
            amount_minor=total if isinstance(total, int) else 0,
            currency=str(amount.get("currency") or "CNY"),
            paid_on=_day(str(found.get("success_time", ""))),
            payer=str(payer.get("openid", "")),
        )

    def _jsapi_parameters(self, prepay_id: str) -> str:
        """What the page in WeChat hands to WeixinJSBridge, as JSON."""
        stamp, nonce, package = (
            str(int(read_clock().timestamp())),
            secrets.token_hex(16),
            f"prepay_id={prepay_id}",
        )
        pay_sign = sign(self._key, f"{self._appid}\n{stamp}\n{nonce}\n{package}\n".encode())
        return json.dumps(
            {
                "appId": self._appid,
                "timeStamp": stamp,
                "nonceStr": nonce,
                "package": package,
                "signType": "RSA",
                "paySign": pay_sign,
            }
        )


def _cipher(key: str, place: str) -> AESGCM:
    if len(key.encode()) != 32:
        raise ProviderRefusal(
            code="channel-key",
            message="A key of this channel cannot be read.",
            place=place,
            remedy="The API v3 key has 32 characters.",
        )
    return AESGCM(key.encode())


def _json_of(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body or b"{}")
    except ValueError as error:
        raise not_sure("answer", "not JSON") from error
    return found if isinstance(found, dict) else {}


def _day(text: str) -> date | None:
    """The day as written, in the provider's own time zone."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
