"""The providers' side of their rules: answers and call-backs as they sign them."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mains.integrations.payment_providers.signatures import is_signed, keyed_hash, sign
from mains.integrations.payment_providers.simulator.orders import SimulatedOrder, SimulatedOrders

Reply = tuple[int, Mapping[str, str], bytes]
_CHINA = timezone(timedelta(hours=8))
_TIME = "%Y-%m-%d %H:%M:%S"


class Dialect(Protocol):
    """One provider's rules from its own side."""

    orders: SimulatedOrders

    def settings(self, base: str) -> dict[str, object]:
        """Settings of a channel that talks to this simulator at `base`."""
        ...

    def secrets(self) -> dict[str, str]:
        """Secrets of the channel by name."""
        ...

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The answer to a call; None hangs up."""
        ...

    def callback(
        self, order: SimulatedOrder, *, at: datetime, amount_minor: int | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a call-back sent at that instant, with another amount than paid if one is given."""
        ...


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def _private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(kw_only=True)
class WeChatDialect:
    """WeChat Pay, API v3, in the mode of a public key."""

    orders: SimulatedOrders = field(default_factory=SimulatedOrders)
    merchant: RSAPrivateKey = field(default_factory=_new_key)
    platform: RSAPrivateKey = field(default_factory=_new_key)
    api_key: str = field(default_factory=lambda: secrets.token_hex(16))
    key_id: str = "PUB_KEY_ID_0000000001"

    def settings(self, base: str) -> dict[str, object]:
        return {
            "appid": "wx-simulated", "mchid": "1900000001", "serial": "5A5A", "public_key_id": self.key_id,
            "base_url": base,
        }  # fmt: skip

    def secrets(self) -> dict[str, str]:
        return {
            "PRIVATE_KEY": _private_pem(self.merchant),
            "APIV3_KEY": self.api_key,
            "PLATFORM_KEYS": _public_pem(self.platform),
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        if not self._is_authorised(method, path, headers.get("authorization", ""), body):
            return 401, {}, b'{"code":"SIGN_ERROR","message":"wrong signature"}'
        asked: dict[str, Any] = json.loads(body or b"{}")
        if path.startswith("/v3/pay/transactions/out-trade-no/"):
            operation, reply = "query", self._query(path.rpartition("/")[2].partition("?")[0])
        elif path == "/v3/refund/domestic/refunds":
            operation, reply = "refund", self._refund(asked)
        else:
            operation, reply = "start", self._start(asked)
        return None if self.orders.is_silent(operation) else reply

    def _query(self, number: str) -> Reply:
        order = self.orders.by_number.get(number)
        if order is None:
            return self._signed(404, {"code": "ORDER_NOT_EXIST", "message": "no such order"})
        return self._signed(200, self._transaction(order, order.amount_minor))

    def _refund(self, asked: Mapping[str, Any]) -> Reply:
        refunded = self.orders.refund(asked["out_trade_no"], asked["out_refund_no"])
        if refunded is None:
            return self._signed(400, {"code": "RESOURCE_NOT_EXISTS", "message": "not paid"})
        return self._signed(200, {"status": "SUCCESS", "out_refund_no": asked["out_refund_no"]})

    def _start(self, asked: Mapping[str, Any]) -> Reply:
        amount = asked["amount"]
        order = self.orders.start(
            asked["out_trade_no"],
            amount_minor=amount["total"],
            currency=amount["currency"],
            notify_url=asked["notify_url"],
        )
        return self._signed(200, {"code_url": f"weixin://wxpay/bizpayurl?pr={order.number[:10]}"})

    def callback(
        self, order: SimulatedOrder, *, at: datetime, amount_minor: int | None = None
    ) -> tuple[dict[str, str], bytes]:
        plain = json.dumps(self._transaction(order, amount_minor or order.amount_minor)).encode()
        nonce = secrets.token_hex(6)
        sealed = AESGCM(self.api_key.encode()).encrypt(nonce.encode(), plain, b"transaction")
        event = {
            "id": secrets.token_hex(16),
            "event_type": "TRANSACTION.SUCCESS",
            "resource_type": "encrypt-resource",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": "transaction",
                "nonce": nonce,
            },
        }
        body = json.dumps(event).encode()
        return self._signature(body, at), body

    def _transaction(self, order: SimulatedOrder, amount_minor: int) -> dict[str, object]:
        states = {"open": "NOTPAY", "paid": "SUCCESS", "closed": "CLOSED", "refunded": "REFUND"}
        return {
            "appid": "wx-simulated",
            "mchid": "1900000001",
            "out_trade_no": order.number,
            "transaction_id": order.payment,
            "trade_state": states[order.status],
            "success_time": datetime.now(_CHINA).isoformat(timespec="seconds"),
            "payer": {"openid": "o-simulated"},
            "amount": {"total": amount_minor, "currency": order.currency},
        }

    def _is_authorised(self, method: str, path: str, header: str, body: bytes) -> bool:
        parts = dict(part.partition("=")[::2] for part in header.partition(" ")[2].split('",'))
        said = {name: value.strip('"') for name, value in parts.items()}
        message = (
            f"{method}\n{path}\n{said.get('timestamp')}\n{said.get('nonce_str')}\n".encode() + body + b"\n"
        )
        return is_signed(self.merchant.public_key(), message, said.get("signature", ""))

    def _signed(self, status: int, content: Mapping[str, object]) -> Reply:
        body = json.dumps(content).encode()
        return status, self._signature(body, datetime.now(UTC)), body

    def _signature(self, body: bytes, at: datetime) -> dict[str, str]:
        stamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
        return {
            "Wechatpay-Serial": self.key_id,
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": sign(self.platform, f"{stamp}\n{nonce}\n".encode() + body + b"\n"),
            "Content-Type": "application/json",
        }


@dataclass(kw_only=True)
class AlipayDialect:
    """Alipay's gateway with RSA2."""

    orders: SimulatedOrders = field(default_factory=SimulatedOrders)
    merchant: RSAPrivateKey = field(default_factory=_new_key)
    platform: RSAPrivateKey = field(default_factory=_new_key)

    def settings(self, base: str) -> dict[str, object]:
        return {
            "app_id": "2021000000000001",
            "seller_id": "2088000000000001",
            "gateway": f"{base}/gateway.do",
        }

    def secrets(self) -> dict[str, str]:
        return {"PRIVATE_KEY": _private_pem(self.merchant), "PUBLIC_KEY": _public_pem(self.platform)}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        del method, path, headers
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        signature = form.pop("sign", "")
        if not is_signed(self.merchant.public_key(), _joined(form), signature):
            return 200, {}, b'{"error_response":{"code":"40002","sub_code":"isv.invalid-signature"}}'
        asked = json.loads(form["biz_content"])
        operation = {"precreate": "start", "query": "query", "refund": "refund"}[
            form["method"].rpartition(".")[2]
        ]
        found = self._carry_out(operation, asked, form.get("notify_url", ""))
        if self.orders.is_silent(operation):
            return None
        text = json.dumps(found, ensure_ascii=False)
        name = form["method"].replace(".", "_") + "_response"
        signed = sign(self.platform, text.encode())
        return 200, {"Content-Type": "application/json"}, f'{{"{name}":{text},"sign":"{signed}"}}'.encode()

    def _carry_out(self, operation: str, asked: Mapping[str, Any], notify_url: str) -> dict[str, object]:
        number = asked["out_trade_no"]
        done: dict[str, object] = {"code": "10000", "msg": "Success", "out_trade_no": number}
        if operation == "start":
            minor = int(asked["total_amount"].replace(".", ""))
            self.orders.start(number, amount_minor=minor, currency="CNY", notify_url=notify_url)
            return done | {"qr_code": f"https://qr.alipay.com/{number[:12]}"}
        order = (
            self.orders.refund(number, asked["out_request_no"])
            if operation == "refund"
            else self.orders.by_number.get(number)
        )
        if order is None:
            return {"code": "40004", "msg": "Business Failed", "sub_code": "ACQ.TRADE_NOT_EXIST"}
        return done | self._trade(order, order.amount_minor)

    def callback(
        self, order: SimulatedOrder, *, at: datetime, amount_minor: int | None = None
    ) -> tuple[dict[str, str], bytes]:
        form = {
            "notify_time": at.astimezone(_CHINA).strftime(_TIME),
            "notify_type": "trade_status_sync",
            "notify_id": secrets.token_hex(16),
            "app_id": "2021000000000001",
            "seller_id": "2088000000000001",
            "subject": "счёт & 账单",
            "charset": "utf-8",
            "version": "1.0",
            **{
                name: str(value)
                for name, value in self._trade(order, amount_minor or order.amount_minor).items()
            },
        }
        form |= {"sign": sign(self.platform, _joined(form)), "sign_type": "RSA2"}
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return headers, urlencode(form).encode()

    def _trade(self, order: SimulatedOrder, amount_minor: int) -> dict[str, object]:
        states = {
            "open": "WAIT_BUYER_PAY",
            "paid": "TRADE_SUCCESS",
            "closed": "TRADE_CLOSED",
            "refunded": "TRADE_CLOSED",
        }
        trade: dict[str, object] = {
            "out_trade_no": order.number,
            "trade_no": order.payment,
            "trade_status": states[order.status],
            "total_amount": f"{amount_minor // 100}.{amount_minor % 100:02d}",
            "buyer_logon_id": "ali***@example.com",
        }
        if order.status == "refunded":
            trade["gmt_refund"] = datetime.now(_CHINA).strftime(_TIME)
        return trade


@dataclass(kw_only=True)
class RedirectDialect:
    """An acquirer of cards with a page of its own."""

    orders: SimulatedOrders = field(default_factory=SimulatedOrders)
    secret: str = field(default_factory=lambda: secrets.token_hex(32))

    def settings(self, base: str) -> dict[str, object]:
        return {"merchant": "M-1", "page_url": f"{base}/page", "api_url": f"{base}/api"}

    def secrets(self) -> dict[str, str]:
        return {"SECRET": self.secret}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        stamp = headers.get("x-timestamp", "")
        if keyed_hash(self.secret, f"{stamp}.{method}.{path}.".encode() + body) != headers.get("x-signature"):
            return 403, {}, b"{}"
        number = path.removeprefix("/api/orders/").partition("/")[0]
        operation = "refund" if path.endswith("/refunds") else "query"
        if operation == "refund":
            order = self.orders.refund(number, json.loads(body)["refund"])
        else:
            order = self.orders.by_number.get(number)
        if self.orders.is_silent(operation):
            return None
        if order is None:
            return 404, {}, b"{}"
        content = json.dumps(self._payment(order, order.amount_minor)).encode()
        return 200, self._signature(content, datetime.now(UTC)), content

    def open_page(self, pay_url: str) -> SimulatedOrder:
        """The customer's browser arrives at the page with the signed address."""
        query, _sign, signature = pay_url.partition("?")[2].rpartition("&signature=")
        assert keyed_hash(self.secret, query.encode()) == signature, "The address is not signed."
        asked = dict(parse_qsl(query))
        return self.orders.start(
            asked["order"],
            amount_minor=int(asked["amount"]),
            currency=asked["currency"],
            notify_url=asked["notify_url"],
        )

    def callback(
        self, order: SimulatedOrder, *, at: datetime, amount_minor: int | None = None
    ) -> tuple[dict[str, str], bytes]:
        body = json.dumps(self._payment(order, amount_minor or order.amount_minor)).encode()
        return self._signature(body, at), body

    def _payment(self, order: SimulatedOrder, amount_minor: int) -> dict[str, object]:
        status = {"open": "unpaid"}.get(order.status, order.status)
        return {
            "merchant": "M-1",
            "order": order.number,
            "payment": order.payment,
            "status": status,
            "amount": amount_minor,
            "currency": order.currency,
        }

    def _signature(self, body: bytes, at: datetime) -> dict[str, str]:
        stamp = str(int(at.timestamp()))
        return {
            "X-Timestamp": stamp,
            "X-Signature": keyed_hash(self.secret, f"{stamp}.".encode() + body),
            "Content-Type": "application/json",
        }


def _joined(form: Mapping[str, str]) -> bytes:
    return "&".join(
        f"{name}={value}" for name, value in sorted(form.items()) if value and name != "sign"
    ).encode()
