"""E-invoices in the office: what is missing is said, filled in, and the files come."""

from io import BytesIO

from lxml import etree
from pypdf import PdfReader

SELLER = {
    "valid_from": "2020-01-01",
    "country": "de",
    "vat_number": "DE 136695976",
    "registration": "HRB 1234",
    "endpoint": "DE136695976",
    "endpoint_scheme": "9930",
    "untaxed_category": "E",
    "exemption_reason": "Exempt by law",
    "contact_name": "Service",
    "contact_phone": "+49 40 1234567",
    "contact_email": "service@example.org",
}
BUYER = {
    "valid_from": "2020-01-01",
    "endpoint": "home@example.org",
    "endpoint_scheme": "EM",
    "street": "Am Kai 2",
    "city": "Hamburg",
    "postal_code": "20457",
}


def rules_of(page) -> set[str]:
    return {problem.rule for problem in page.context["kinds"][0]["problems"]}


def test_what_is_missing_is_filled_in_and_the_files_come(office) -> None:
    administrator = office.sign_in("administrator")
    address = f"/bills/{office.central_bill}/e-invoice/"
    assert f'href="{address}"' in administrator.get(f"/bills/{office.central_bill}/").content.decode()
    assert {"BR-09", "PEPPOL-EN16931-R010", "PEPPOL-EN16931-R020"} <= rules_of(administrator.get(address))
    refused = administrator.get(f"{address}peppol.xml")
    assert (refused.status_code, refused["Location"]) == (302, address)

    assert administrator.post("/e-invoices/PES/", SELLER).status_code == 302
    assert rules_of(administrator.get(address)) == {"PEPPOL-EN16931-R010", "DE-R-003"}
    located = SELLER | {"city": "Hamburg", "postal_code": "20457"}
    assert administrator.post("/e-invoices/PES/", located).status_code == 302
    accountant = office.sign_in("accountant")
    assert accountant.post(f"/accounts/{office.central}/e-invoice/", BUYER).status_code == 302
    assert rules_of(administrator.get(address)) == set()

    clerk = office.sign_in("clerk")
    document = clerk.get(f"{address}peppol.xml")
    assert document["Content-Disposition"] == f'attachment; filename="{office.central_bill}-peppol.xml"'
    numbers = [each.text for each in etree.fromstring(document.content).iterchildren("{*}ID")]
    assert numbers == [office.central_bill]
    pdf = clerk.get(f"/bills/{office.central_bill}-factur-x.pdf")
    assert "factur-x.xml" in PdfReader(BytesIO(pdf.content)).attachments


def test_wrong_numbers_are_refused_beside_their_field(office) -> None:
    client = office.sign_in("administrator")
    for field, value in (
        ("vat_number", "DE136695977"),
        ("iban", "DE89370400440532013001"),
        ("bic", "123"),
        ("country", "D1"),
        ("tax_codes", "levy"),
    ):
        page = client.post("/e-invoices/PES/", SELLER | {field: value})
        assert page.status_code == 200
        assert list(page.context["form"].errors) == [field]
    page = client.post("/e-invoices/PES/", SELLER | {"endpoint_scheme": ""})
    assert list(page.context["form"].errors) == ["endpoint"]


def test_unknown_kinds_suppliers_and_accounts_are_not_found(office) -> None:
    client = office.sign_in("administrator")
    assert client.get(f"/bills/{office.central_bill}/e-invoice/zugferd-1.xml").status_code == 404
    assert client.get("/e-invoices/NOBODY/").status_code == 404
    assert client.get("/accounts/0/e-invoice/").status_code == 404


def test_the_list_of_suppliers_says_what_is_recorded(office) -> None:
    page = office.sign_in("administrator").get("/e-invoices/")
    assert "PES" in {seller.code for seller in page.context["sellers"]}
