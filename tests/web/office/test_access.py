"""Every address against every role, against nobody, and against another district."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from mains.customers.models import Account
from mains.staff.models import User
from mains.staff.values import Permission
from mains.web.office import urls
from mains.web.office.navigation import ENTRIES
from mains.web.office.page_names import SENTENCES
from mains.web.office.recording import WRITE_NOTHING
from mains.web.office.terms.kinds import KINDS

# Addresses of Django itself, outside the office; each is classified here by hand.
OPEN_TO_ALL = {
    *("set_language", "login", "logout", "account_login", "account_logout", "account_inactive"),
    *("mfa_authenticate", "mfa_login_webauthn", "password_reset_confirm"),
    *("openid_connect_login", "openid_connect_callback"),
    *("socialaccount_login_error", "socialaccount_login_cancelled"),
}
# Everybody's own sign-in, whatever their roles; test_signing_in.py tries them signed out.
FOR_ONESELF = {
    *("mfa_index", "change_password", "end_other_sessions", "account_reauthenticate", "mfa_reauthenticate"),
    *("mfa_reauthenticate_webauthn", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes"),
    *("mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
    *("mfa_remove_webauthn", "mfa_edit_webauthn"),
}
# Addresses for machines: each operation asks for a token of its scope, a call-back for its provider's signature.
# tests/web/api/test_agents.py calls every operation with tokens of every scope and with none.
FOR_MACHINES = {
    "agents_soap",
    "payment_callback",
    "debt",
    "payments",
    "payment",
    "cancel_payment",
    "reconcile_day",
    # The description of the interface and its root, which tell nothing of anybody.
    "openapi-json",
    "api-root",
}

# How to call each office page: its arguments, named after the cast; POST where reading would be refused.
ARGUMENTS = {
    "decide_rights": [10**9],
    "person": [10**9],
    "preview_person": [10**9],
    "give_role": [10**9],
    "end_role": [10**9, 10**9],
    "suspend_person": [10**9],
    "link_to_password": [10**9],
    "sign_out_person": [10**9],
    "unlock_person": [10**9],
    "drop_second_factor": [10**9],
    "role": ["clerk"],
    "account_looks": ["central"],
    "say_why": ["central"],
    "personal_data": ["central"],
    "export_personal_data": ["central"],
    "erase_personal_data": ["central"],
    "account": ["central"],
    "account_use": ["central"],
    "account_intervals_csv": ["central"],
    "account_money": ["central"],
    "account_debts": ["central"],
    "account_mandates": ["central"],
    "add_mandate": ["central"],
    "revoke_mandate": ["central"],
    "resume_mandate": ["central", 10**9],
    "debit_collection": [10**9],
    "debit_file": [10**9],
    "propose_write_off": ["central"],
    "propose_refund": ["central"],
    "propose_transfer": ["central"],
    "item_interest": ["central", 10**9],
    "make_plan": ["central"],
    "plan": [10**9],
    "plan_pdf": [10**9],
    "cancel_plan": [10**9],
    "decide_proposal": [10**9],
    "undo_movement": [10**9],
    "pay_refund_in_cash": [10**9],
    "refund_file": [10**9],
    "account_meters": ["central"],
    "account_premise": ["central"],
    "account_history": ["central"],
    "record_reading": ["central"],
    "add_meter_error": ["central"],
    "drop_meter_error": ["central", 10**9],
    "add_unmetered_use": ["central"],
    "drop_unmetered_use": ["central", 10**9],
    "add_absence": ["central"],
    "add_condition": ["central"],
    "drop_absence": ["central", 10**9],
    "add_opening_balance": ["central"],
    "drop_opening_balance": ["central", 10**9],
    "node": ["node_id"],
    "add_node_figure": ["node_id"],
    "drop_node_figure": ["node_id", 10**9],
    "recalculation": ["central"],
    "post_recalculation": ["central"],
    "move_out": ["central"],
    "post_move_out": ["central"],
    "on_site": ["central"],
    "post_on_site": ["central"],
    "account_invoicing": ["central"],
    "add_share": ["central"],
    "add_advance": ["central"],
    "state_account_interval": ["central"],
    "invoice_group": ["nobody"],
    "change_invoice_member": ["nobody"],
    "issue_invoice": ["nobody"],
    "invoice": ["CI-1000179"],
    "cancel_invoice": ["CI-1000179"],
    "invoice_file": ["CI-1000179", "pdf"],
    "account_documents": ["central"],
    "add_documents": ["central"],
    "document": [10**9],
    "document_file": [10**9],
    "document_small": [10**9],
    "describe_document": [10**9],
    "link_document": [10**9],
    "hold_document": [10**9],
    "release_document": [10**9],
    "withdraw_document_link": [10**9, 10**9],
    "photo": [10**9],
    "small_photo": [10**9],
    "bill": ["central_bill"],
    "bill_pdf": ["central_bill"],
    "bill_protocol": ["central_bill"],
    "bill_line": ["central_bill", 1],
    "bill_einvoice": ["central_bill"],
    "bill_einvoice_xml": ["central_bill", "peppol"],
    "bill_factur_x": ["central_bill"],
    "einvoice_buyer": ["central"],
    "einvoice_seller": ["PES"],
    "meter": ["meter_id"],
    "reading": ["reading_id"],
    "run": [1],
    "tariff": ["ru-electricity-one-rate"],
    "draft_of_tariff": ["ru-electricity-one-rate"],
    "draft": [1],
    "draft_form": [1],
    "draft_text": [1],
    "check_draft": [1],
    "save_draft": [1],
    "try_draft": [1],
    "draft_cases": [1],
    "add_case": [1],
    "drop_case": [1],
    "draft_changes": [1],
    "draft_history": [1],
    "submit_draft": [1],
    "decide_draft": [1],
    "move_draft": [1],
    "decide_order": [10**9],
    "turnover_slices_file": ["csv"],
    "collection_file": ["csv"],
    "settlement_statement": [10**9, "pdf"],
    "settlement_party": [1],
    "settlement_house": [1, 10**9],
    "settlement_houses_file": [1, "csv"],
    "settlement_house_file": [1, 10**9, "csv"],
    "register": [1],
    "bank_file": [10**9],
    "accept_bank_file": [10**9],
    "book_bank_line": [10**9],
    "suspense_item": [10**9],
    "split_receipt": [10**9],
    "return_receipt": [10**9],
    "own_suspense": [10**9],
    "forget_payer": [10**9],
    "accept_register": [1],
    "ask_about_order": [10**9],
    "refund_payment_order": [10**9],
    "resend_dead_letter": [10**9],
    "close_dead_letter": [10**9],
    "online_channel": ["kiosk"],
    "book_transfer": ["kiosk"],
    "acknowledge_debt": ["central"],
    "drop_acknowledgement": ["central", 1],
    "issue_channel_token": ["kiosk"],
    "revoke_channel_token": ["kiosk", 10**9],
    "identify_receipt": [10**9],
    "decide_reading": [10**9],
    "give_to_officer": ["central"],
    "explain_hole": [10**9],
    "decide_reopening": [10**9],
    "receipt": ["receipt_id"],
    "desk_shift": ["shift_id"],
    "close_shift": ["shift_id"],
    "move_desk_cash": ["shift_id"],
    "desk_shift_report": ["shift_id"],
    "desk_payment": ["payment_id"],
    "void_desk_payment": ["payment_id"],
    "desk_receipt": ["payment_id"],
    "desk_slip": ["payment_id"],
    "desk_slip_picture": ["payment_id"],
    "decide_desk_void": [10**9],
    "deposit_safe": [10**9],
    "whatif": [1],
    "cancel_whatif": [1],
    "whatif_csv": [1],
    "whatif_xlsx": [1],
}
ARGUMENTS |= {f"decide_{kind.code}": [10**9] for kind in KINDS}
POSTED = {
    "decide_rights",
    "give_role",
    "end_role",
    "suspend_person",
    "link_to_password",
    "sign_out_person",
    "unlock_person",
    "drop_second_factor",
    "add_role",
    "export_personal_data",
    "erase_personal_data",
    "add_documents",
    "describe_document",
    "link_document",
    "withdraw_document_link",
    "hold_document",
    "release_document",
    "move_desk_cash",
    "void_desk_payment",
    "decide_desk_void",
    "deposit_safe",
    "cancel_plan",
    "acknowledge_debt",
    "propose_write_off",
    "drop_acknowledgement",
    "book_transfer",
    "status_report",
    "add_mandate",
    "revoke_mandate",
    "resume_mandate",
    "propose_collection",
    "debit_file",
    "propose_refund",
    "propose_transfer",
    "decide_proposal",
    "undo_movement",
    "pay_refund_in_cash",
    "order_refunds",
    "propose_provision",
    "record_reading",
    "add_meter_error",
    "drop_meter_error",
    "add_unmetered_use",
    "drop_unmetered_use",
    "add_absence",
    "add_condition",
    "drop_absence",
    "add_opening_balance",
    "drop_opening_balance",
    "add_node_figure",
    "drop_node_figure",
    "accept_register",
    "ask_about_order",
    "refund_payment_order",
    "resend_dead_letter",
    "close_dead_letter",
    "issue_channel_token",
    "revoke_channel_token",
    "accept_bank_file",
    "book_bank_line",
    "split_receipt",
    "return_receipt",
    "own_suspense",
    "forget_payer",
    "identify_receipt",
    "decide_reading",
    "give_to_officer",
    "check_completeness",
    "explain_hole",
    "cancel_whatif",
    "settle",
    "decide_order",
    "close_books",
    "ask_to_reopen",
    "decide_reopening",
    "state_chart",
    "state_policy",
    "post_recalculation",
    "post_move_out",
    "post_on_site",
    "add_share",
    "add_advance",
    "state_account_interval",
    "state_class_interval",
    "state_advance_vat",
    "add_invoice_group",
    "change_invoice_member",
    "issue_invoice",
    "cancel_invoice",
    "look_for_touched",
    "agree_to_recalculate",
    "draft_of_tariff",
    "draft_form",
    "check_draft",
    "save_draft",
    "add_case",
    "drop_case",
    "submit_draft",
    "decide_draft",
    "move_draft",
}
POSTED |= {f"{verb}_{kind.code}" for kind in KINDS for verb in ("state", "end", "decide")}
ROLES = [
    "administrator",
    "accountant",
    "tariff_specialist",
    "supervisor",
    "supervisor_central",
    "clerk",
    "cashier",
    "field_officer",
    "stranger",
]
ROLE_PERMISSIONS = {
    "administrator": set(Permission.values),
    "accountant": {
        "see_names",
        "see_contacts",
        "see_accounts",
        "see_money",
        "run_billing",
        "import_payments",
        "propose_money",
        "approve_money",
        "close_books",
        "settle",
        "see_reports",
        "see_tariff_drafts",
        "publish_tariffs",
        "supervise_desks",
    },
    "tariff_specialist": {
        "see_names",
        "see_accounts",
        "see_money",
        "see_reports",
        "see_tariff_drafts",
        "draft_tariffs",
    },
    "supervisor": {
        "see_names",
        "see_contacts",
        "see_looks",
        "see_accounts",
        "see_money",
        "record_readings",
        "propose_money",
        "approve_money",
        "see_reports",
        "supervise_desks",
    },
    "supervisor_central": {
        "see_names",
        "see_contacts",
        "see_looks",
        "see_accounts",
        "see_money",
        "record_readings",
        "propose_money",
        "approve_money",
        "see_reports",
        "supervise_desks",
    },
    "clerk": {"see_names", "see_contacts", "see_accounts", "see_money", "record_readings", "propose_money"},
    "cashier": {"see_names", "see_accounts", "see_money", "import_payments", "take_payments"},
    "field_officer": {"see_names", "see_accounts", "record_readings"},
    "stranger": set(),
}
# Documents name customers, and e-invoices their numbers and addresses: nothing in them can be masked.
DOCUMENTS = {
    "bill_einvoice_xml": "see_contacts",
    "bill_factur_x": "see_contacts",
    "einvoice_buyer": "see_contacts",
}
OF_ONE_DISTRICT = [
    "account_looks",
    "say_why",
    "receipt",
    "account",
    "account_use",
    "account_intervals_csv",
    "account_money",
    "account_debts",
    "account_mandates",
    "add_mandate",
    "revoke_mandate",
    "resume_mandate",
    "acknowledge_debt",
    "drop_acknowledgement",
    "propose_write_off",
    "propose_refund",
    "propose_transfer",
    "make_plan",
    "item_interest",
    "account_meters",
    "account_premise",
    "account_history",
    "account_documents",
    "add_documents",
    "give_to_officer",
    "record_reading",
    "add_meter_error",
    "drop_meter_error",
    "add_unmetered_use",
    "drop_unmetered_use",
    "add_absence",
    "add_condition",
    "drop_absence",
    "drop_opening_balance",
    "node",
    "add_node_figure",
    "drop_node_figure",
    "recalculation",
    "post_recalculation",
    "move_out",
    "post_move_out",
    "on_site",
    "post_on_site",
    "account_invoicing",
    "bill",
    "bill_pdf",
    "bill_protocol",
    "bill_line",
    "meter",
    "reading",
    "bill_einvoice",
    "bill_einvoice_xml",
    "bill_factur_x",
]


def _all_patterns(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _all_patterns(pattern.url_patterns)
        else:
            yield pattern


def _address(name: str, office, meter_and_reading: dict[str, int], district: str = "central") -> str:
    def told(argument: object) -> object:
        if argument in meter_and_reading:
            return meter_and_reading[str(argument)]
        if isinstance(argument, str) and argument.startswith("central"):
            return getattr(office, argument.replace("central", district))
        return argument

    query = "?west=33&south=44&east=36&north=46" if name == "map_places" else ""
    return reverse(f"office:{name}", args=[told(argument) for argument in ARGUMENTS.get(name, [])]) + query


def _call(client: Client, name: str, address: str) -> int:
    return (client.post(address) if name in POSTED else client.get(address)).status_code


def _meter_and_reading(number: str) -> dict[str, int]:
    from mains.customers.models import Account
    from mains.metering.models import Installation, Reading
    from mains.payments.models import Receipt

    account = Account.objects.get(number=number)
    point_ids = account.agreements.values_list("service_point_id", flat=True)
    installation = Installation.objects.filter(service_point_id__in=point_ids).first()
    assert installation
    reading = Reading.objects.filter(register__meter_id=installation.meter_id).first()
    assert reading
    receipt = Receipt.objects.filter(account_id=account.pk).first()
    assert receipt
    return {
        "meter_id": installation.meter_id,
        "reading_id": reading.pk,
        "node_id": installation.service_point.node_id,
        "receipt_id": receipt.pk,
        "shift_id": 10**9,
        "payment_id": 10**9,
    }


def _cash_desk(account_id: int) -> dict[str, int]:
    """A closed shift of Central's desk with a payment."""
    from mains.cashdesk.actions.desks import add_desk
    from mains.cashdesk.actions.payments import Asked, PaidLine, take_payment
    from mains.cashdesk.actions.shifts import Count, Leaving, close_shift, open_shift
    from mains.cashdesk.values import Means
    from mains.staff.models import Organisation
    from mains.staff.values import EVERYTHING

    now, cashier = datetime(2021, 6, 7, 0, 0, tzinfo=UTC), User.objects.create(username="of-central").pk
    unit = Organisation.objects.get(code="PES-C")
    desk = add_desk(code="C-1", name="C-1", organisation_id=unit.pk, void_limit_minor=0)
    told = {"now": now, "actor_id": cashier}
    shift = open_shift(desk_id=desk.pk, count=Count(), from_safe_minor=0, reason="", scope=EVERYTHING, **told)
    asked = Asked(
        key="for-access",
        means=Means.CARD,
        lines=(PaidLine(account_id=account_id, amount_minor=100),),
        slip="1",
    )
    payment = take_payment(shift_id=shift.pk, asked=asked, scope=EVERYTHING, **told).payment
    close_shift(shift_id=shift.pk, count=Count(), leaving=Leaving(), reason="", supervised=EVERYTHING, **told)
    return {"shift_id": payment.shift_id, "payment_id": payment.pk}


def test_every_address_is_classified() -> None:
    for pattern in _all_patterns(get_resolver().url_patterns):
        needed = getattr(pattern.callback, "permissions", frozenset())
        is_classified = pattern.name in OPEN_TO_ALL | FOR_ONESELF | FOR_MACHINES or (
            needed and needed <= set(Permission)
        )
        assert is_classified, (
            f"{pattern.name or pattern.pattern} names no permission: decorate its view with `needs`."
        )


@pytest.mark.parametrize("name", [pattern.name for pattern in urls.urlpatterns])
def test_nobody_sees_anything_without_signing_in(office, name) -> None:
    address = _address(name, office, _meter_and_reading(office.central))
    client = Client(HTTP_HOST="localhost")
    answer = client.post(address) if name in POSTED else client.get(address)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_for_those_who_hold_its_permission_and_no_one_else(own_office, role) -> None:
    client = own_office.sign_in(role)
    found = _meter_and_reading(own_office.central) | _cash_desk(
        Account.objects.get(number=own_office.central).pk
    )
    for pattern in urls.urlpatterns:
        if pattern.name == "bill_pdf":
            continue
        status = _call(client, pattern.name, _address(pattern.name, own_office, found))
        is_hidden = DOCUMENTS.get(pattern.name, "see_names") not in ROLE_PERMISSIONS[role]
        if pattern.callback.permissions.isdisjoint(ROLE_PERMISSIONS[role]) or (
            pattern.name in DOCUMENTS and is_hidden
        ):
            assert status == 403, f"{role} got {status} from {pattern.name}"
        else:
            # 403 remains for what only the whole utility may do, 404 for what lies outside the unit.
            is_reached = status in (200, 302) or (
                own_office.people[role] not in _people_of_the_utility(own_office) and status in (403, 404)
            )
            # Giving accounts to officers takes the right to record readings as well.
            is_absent = pattern.name in (
                *("decide_rights", "person", "preview_person", "give_role", "end_role", "suspend_person"),
                *("link_to_password", "sign_out_person", "unlock_person", "drop_second_factor"),
                "settlement_statement",
                "settlement_house",
                "settlement_house_file",
                "debit_collection",
                "debit_file",
                "resume_mandate",
                "plan",
                "plan_pdf",
                "cancel_plan",
                "add_opening_balance",  # no tariff of the account carries a balance
                "decide_proposal",
                *(f"{verb}_{kind.code}" for kind in KINDS for verb in ("end", "decide")),
                "refund_file",
                # test_archive_pages.py looks at documents that there are.
                "document",
                "document_file",
                "document_small",
                "describe_document",
                "link_document",
                "hold_document",
                "release_document",
                "withdraw_document_link",
                "photo",
                "small_photo",
                "identify_receipt",
                "ask_about_order",
                "refund_payment_order",
                "resend_dead_letter",
                "online_channel",
                "book_transfer",
                "issue_channel_token",
                "revoke_channel_token",
                "bank_file",
                "accept_bank_file",
                "suspense_item",
                "split_receipt",
                "return_receipt",
                "own_suspense",
                "forget_payer",
                "decide_reading",
                "give_to_officer",
                "explain_hole",
                "look_for_touched",
                "agree_to_recalculate",
                # A shift is its cashier's, or of who supervises the desk.
                *(("desk_shift", "close_shift", "move_desk_cash") if role == "cashier" else ()),
                *(("desk_shift_report", "desk_payment", "desk_receipt") if role == "cashier" else ()),
                *(("void_desk_payment", "desk_slip", "desk_slip_picture") if role == "cashier" else ()),
                "invoice_group",
                "change_invoice_member",
                "issue_invoice",
                "invoice",
                "cancel_invoice",
                "invoice_file",
            ) and status in (
                302,
                404,
            )
            # Documents cannot be masked, so those who see names but no contacts see none.
            is_hidden = role == "tariff_specialist" and status == 403
            is_hidden &= pattern.name in ("archive", "document", "document_file", "document_small")
            assert is_reached or is_absent or is_hidden, f"{role} got {status} from {pattern.name}"


def _people_of_the_utility(office) -> set[str]:
    return {
        office.people[role] for role in ("administrator", "accountant", "tariff_specialist", "supervisor")
    }


@pytest.mark.parametrize("name", OF_ONE_DISTRICT)
def test_another_district_is_not_found(office, name) -> None:
    client = office.sign_in("supervisor_central")
    own = _address(name, office, _meter_and_reading(office.central))
    foreign = _address(name, office, _meter_and_reading(office.northern), district="northern")
    assert _call(client, name, foreign) == 404
    if name != "bill_pdf":
        assert _call(client, name, own) in (200, 302)


@pytest.mark.parametrize(
    "path", ["/accounts/?unit={unit}", "/reports/turnover/?unit={unit}", "/search?q={number}"]
)
def test_lists_show_nothing_of_another_district(office, path) -> None:
    from mains.staff.models import Organisation

    unit = Organisation.objects.get(code="PES-N").pk
    answer = office.sign_in("supervisor_central").get(path.format(unit=unit, number=office.northern))
    assert office.northern not in answer.content.decode().replace(f"q={office.northern}", "").replace(
        f'value="{office.northern}"', ""
    ).replace(f"Search: {office.northern}", "")


def test_field_officers_see_no_money(office) -> None:
    client = office.sign_in("field_officer")
    with_own = client.get("/accounts/").content.decode()
    assert "₽" not in with_own
    number = with_own.split("/accounts/")[-1].split("/")[0]
    page = client.get(f"/accounts/{number}/").content.decode()
    assert "₽" not in page
    assert client.get("/accounts/?balance=owes").content.decode().count("/accounts/0") == 0


def test_a_forged_form_is_refused(office) -> None:
    from mains.staff.models import User

    client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    client.force_login(User.objects.get(username=office.people["supervisor"]))
    assert client.post(f"/accounts/{office.central}/readings/", {}).status_code == 403


def test_every_writing_address_is_a_sentence_of_the_audit_log() -> None:
    silent = {name.rpartition(":")[2] for name in WRITE_NOTHING}
    assert {name for name in POSTED - silent if name not in SENTENCES} == set()
    known = {pattern.name for pattern in _all_patterns(get_resolver().url_patterns)}
    assert set(SENTENCES) <= known, "a sentence for an address that is no more"
    assert silent <= known


def test_no_two_pages_of_the_sidebar_have_the_same_key() -> None:
    keys = [entry.go for entry in ENTRIES]
    assert sorted(keys) == sorted(set(keys))
