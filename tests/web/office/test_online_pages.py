"""The pages of agents and wallets: tokens are shown once, calls that came to nothing are sent again or closed."""

import re
from datetime import UTC, datetime

from mains.payments.actions.channel_days import AgentLine, reconcile_day
from mains.payments.actions.channels import state_channel
from mains.payments.actions.letters import keep_letter
from mains.payments.actions.machine_receipts import receive_by_machine
from mains.payments.actions.tokens import authenticate
from mains.payments.models import AcquirerDue, ChannelToken, DeadLetter, PaymentOrder
from mains.payments.values.online import LetterOperation, TokenScope

NOW = datetime(2021, 6, 7, 13, tzinfo=UTC)


def open_kiosk(own_office):
    channel = state_channel(code="kiosk", title="Kiosk network", kind="agent", currency="RUB", now=NOW)
    receive_by_machine(
        channel_id=channel.pk,
        channel_code="kiosk",
        external_id="K-1",
        account_number=own_office.central,
        amount_minor=12_345,
        paid_on=NOW.date(),
        now=NOW,
    )
    return channel


def test_a_token_is_issued_shown_once_and_revoked(own_office) -> None:
    open_kiosk(own_office)
    administrator = own_office.sign_in("administrator")
    page = administrator.get("/payments/online/").content.decode()
    assert "Kiosk network" in page
    assert "123.45" in page
    made = administrator.post(
        "/payments/online/channels/kiosk/tokens/", {"name": "till", "scopes": ["inquire", "pay"]}
    ).content.decode()
    (token,) = re.findall(r"<code class=\"token-once\">(mains_[\w-]+)</code>", made)
    caller = authenticate(token=token, scope=TokenScope.PAY, address="", now=NOW)
    assert caller.code == "kiosk"
    assert token not in administrator.get("/payments/online/channels/kiosk/").content.decode()
    # Who imports payments sees the page, and only who administers makes tokens.
    assert (
        "token-name"
        not in own_office.sign_in("accountant").get("/payments/online/channels/kiosk/").content.decode()
    )
    found = ChannelToken.objects.get()
    administrator.post(f"/payments/online/channels/kiosk/tokens/{found.pk}/revoke/")
    found.refresh_from_db()
    assert found.revoked_at is not None
    assert found.revoked_by.username == own_office.people["administrator"]


def test_the_page_of_a_channel_shows_days_and_what_is_due(own_office) -> None:
    channel = open_kiosk(own_office)
    reconcile_day(
        channel_code="kiosk",
        day=NOW.date(),
        lines=[AgentLine(payment_id="K-2", account=own_office.central, amount_minor=500)],
        now=NOW,
    )
    receipt_id = receive_by_machine(
        channel_id=channel.pk, channel_code="kiosk", external_id="K-3", account_number="9900", amount_minor=900,
        paid_on=NOW.date(), now=NOW,
    ).receipt_id  # fmt: skip
    AcquirerDue.objects.create(
        receipt_id=receipt_id, channel=channel, part=1, due_on="2021-05-01", amount_minor=900
    )
    page = own_office.sign_in("accountant").get("/payments/online/channels/kiosk/").content.decode()
    for text in ("Only in the agent&#x27;s list", "Only in our books", "Late", "K-1", "K-2"):
        assert text in page, text
    receipt = own_office.sign_in("accountant").get(f"/payments/receipts/{receipt_id}/").content.decode()
    assert "Kiosk network" in receipt


def test_calls_that_came_to_nothing_are_closed_with_a_note(own_office) -> None:
    channel = open_kiosk(own_office)
    for _ in range(3):
        keep_letter(
            channel_id=channel.pk,
            operation=LetterOperation.PAY,
            subject="K-1",
            reason="amount-differs",
            message="This payment is known with another amount.",
            now=NOW,
            body=b"<script>alert(1)</script>",
        )
    accountant = own_office.sign_in("accountant")
    page = accountant.get("/payments/online/letters/").content.decode()
    assert "This payment is known with another amount." in page
    assert "<script>alert(1)" not in page
    letter = DeadLetter.objects.get()
    assert letter.times == 3
    accountant.post(f"/payments/online/letters/{letter.pk}/resend/")
    accountant.post(f"/payments/online/letters/{letter.pk}/close/", {"note": ""})
    letter.refresh_from_db()
    assert letter.state == "open"
    accountant.post(f"/payments/online/letters/{letter.pk}/close/", {"note": "typing error of the agent"})
    closed = accountant.get("/payments/online/letters/?state=closed").content.decode()
    assert "typing error of the agent" in closed


def test_orders_are_seen_within_reach_only(own_office) -> None:
    from mains.customers.models import Account

    channel = open_kiosk(own_office)
    for place, number in enumerate((own_office.central, own_office.northern)):
        PaymentOrder.objects.create(
            channel=channel, number=f"order{place}", account_number=number, amount_minor=500, state="open",
            account_id=Account.objects.get(number=number).pk, expires_at=NOW, created_at=NOW, changed_at=NOW,
        )  # fmt: skip
    page = own_office.sign_in("accountant").get("/payments/online/orders/?state=open").content.decode()
    assert "order0" in page
    assert "order1" in page
    cashier = own_office.sign_in("cashier").get("/payments/online/orders/").content.decode()
    assert ("order0" in cashier) != ("order1" in cashier)
