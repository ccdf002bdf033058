"""The official rules on invoices of every shape that bills can take, and on documents that break them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from integrations.official_rules import CII_RULES, TURKISH_RULES, european_rules
from mains.integrations.einvoice.queries.profiles import PROFILES, get_profile, write_document
from mains.integrations.einvoice.queries.validation import UnableToValidate, validate_document
from mains.integrations.einvoice.values.invoice import (
    Address,
    Contact,
    Invoice,
    InvoiceLine,
    InvoiceParty,
    PaymentMeans,
    PrecedingInvoice,
    VatBreakdown,
    VatCategory,
)
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice

HAMBURG = Address(street="Hafenstr. 1", city="Hamburg", postal_code="20457", country="DE")
SELLER = InvoiceParty(
    name="Stadtwerke Nord GmbH",
    address=HAMBURG,
    vat_number="DE136695976",
    tax_number="22/815/0815/4",
    registration="HRB 1234",
    legal_form="GmbH",
    endpoint="DE136695976",
    endpoint_scheme="9930",
    contact=Contact(name="Service", phone="+49 40 1234567", email="service@stadtwerke.example"),
)
BUYER = InvoiceParty(
    name="Erika <Muster> & Söhne",
    address=HAMBURG,
    identifier="95794439",
    endpoint="erika@example.org",
    endpoint_scheme="EM",
)


def line(
    number: int, net_minor: int, category: VatCategory = VatCategory.STANDARD, rate: str = "19"
) -> InvoiceLine:
    sign = -1 if net_minor < 0 else 1
    return InvoiceLine(
        identifier=str(number),
        name=f"Line {number}",
        quantity=Decimal(sign),
        unit="C62",
        net_minor=net_minor,
        price=Decimal(abs(net_minor)).scaleb(-2),
        category=category,
        rate=Decimal(rate),
        period=(date(2024, 5, 1), date(2024, 5, 31)),
        object_id="SP-1",
    )


def group(category: VatCategory, rate: str, taxable: int, tax: int, reason: str = "") -> VatBreakdown:
    return VatBreakdown(
        category=category, rate=Decimal(rate), taxable_minor=taxable, tax_minor=tax, reason=reason, postings=1
    )


ENERGY = replace(
    line(1, 10_931), quantity=Decimal(350), unit="KWH", price=Decimal("0.3123"), note="Mean price"
)
HEAT = replace(
    line(2, 5_000), quantity=Decimal(2_000_000), unit="E14", price=Decimal(25), price_base=1_000_000
)
PLAIN = Invoice(
    type_code="380",
    number="2405-1013",
    issued_on=date(2024, 6, 5),
    due_on=date(2024, 6, 20),
    currency="EUR",
    buyer_reference="04011000-12345-34",
    contract="",
    object_id="95794439",
    terms="Nothing to pay",
    notes=("Bill for May 2024",),
    seller=SELLER,
    buyer=BUYER,
    delivery=HAMBURG,
    period=(date(2024, 4, 1), date(2024, 5, 31)),
    payment=PaymentMeans(
        code="58",
        reference="95794439 2405-1013",
        account="DE89370400440532013000",
        holder="Stadtwerke",
        bic="COBADEFFXXX",
    ),
    preceding=(PrecedingInvoice(number="2404-1012", issued_on=date(2024, 5, 5)),),
    breakdown=(group(VatCategory.STANDARD, "19", 15_931, 3_027),),
    lines=(ENERGY, HEAT),
)
INVOICES = {
    "plain": PLAIN,
    "correction below nothing and rounding": replace(
        PLAIN,
        lines=(ENERGY, HEAT, line(3, -250)),
        breakdown=(group(VatCategory.STANDARD, "19", 15_681, 2_979),),
        rounding_minor=-5,
    ),
    "VAT posted in parts, two cents from the rate": replace(
        PLAIN, breakdown=(group(VatCategory.STANDARD, "19", 15_931, 3_029),)
    ),
    "two rates and exempt": replace(
        PLAIN,
        lines=(
            ENERGY,
            line(2, 1_000, rate="7"),
            line(3, 300, VatCategory.EXEMPT, "0"),
            line(4, 1, VatCategory.ZERO, "0"),
        ),
        breakdown=(
            group(VatCategory.STANDARD, "19", 10_931, 2_077),
            group(VatCategory.STANDARD, "7", 1_000, 70),
            group(VatCategory.EXEMPT, "0", 300, 0, "Exempt by law"),
            group(VatCategory.ZERO, "0", 1, 0),
        ),
    ),
    "reverse charge": replace(
        PLAIN,
        buyer=replace(BUYER, vat_number="ATU13585627"),
        lines=(line(1, 500, VatCategory.REVERSE_CHARGE, "0"),),
        breakdown=(
            replace(
                group(VatCategory.REVERSE_CHARGE, "0", 500, 0, "Reverse charge"), reason_code="VATEX-EU-AE"
            ),
        ),
    ),
    "outside the scope": replace(
        PLAIN,
        seller=replace(SELLER, vat_number=""),
        lines=(line(1, 500, VatCategory.OUT_OF_SCOPE, "0"),),
        breakdown=(group(VatCategory.OUT_OF_SCOPE, "0", 500, 0, "Not subject to VAT"),),
    ),
    "in advance": replace(
        PLAIN,
        type_code="386",
        lines=(line(1, 42_017),),
        preceding=(),
        breakdown=(group(VatCategory.STANDARD, "19", 42_017, 7_983),),
    ),
    "advance deducted": replace(
        PLAIN,
        prepaid_minor=5_000,
        rounding_minor=2,
        notes=("Bill", "Advance invoice AI-1000179: 50.00 EUR, of which VAT 7.98 EUR."),
        preceding=(*PLAIN.preceding, PrecedingInvoice(number="AI-1000179", issued_on=date(2024, 5, 2))),
    ),
    "nothing to pay": replace(
        PLAIN, lines=(line(1, 500), line(2, -500)), breakdown=(group(VatCategory.STANDARD, "19", 0, 0),)
    ),
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return european_rules(tmp_path_factory.mktemp("rules"))


@pytest.mark.parametrize("name", INVOICES)
def test_the_rules_of_cen_find_nothing_in_ubl(name, rules):
    for invoice in (INVOICES[name], INVOICES[name].turned()):
        found = validate_document(write_document(invoice, profile=PROFILES["peppol"]), rules=rules)
        assert found.findings == ()
        assert (len(found.schemas), found.rule_sets) == (1, ("EN16931-UBL-validation.xslt",))


@pytest.mark.parametrize("name", INVOICES)
def test_the_rules_of_factur_x_find_nothing_in_cii(name):
    for invoice in (INVOICES[name], INVOICES[name].turned()):
        found = validate_document(write_document(invoice, profile=PROFILES["cii"]), rules=CII_RULES)
        assert found.findings == ()
        assert found.schemas == ("Factur-X_EN16931.xsd",)


BROKEN = {
    "sum": (replace(PLAIN, breakdown=(group(VatCategory.STANDARD, "19", 16_931, 3_217),)), "BR-S-08"),
    "rate": (replace(PLAIN, breakdown=(group(VatCategory.STANDARD, "19", 15_931, 3_200),)), "BR-CO-17"),
    "country": (replace(PLAIN, seller=replace(SELLER, address=replace(HAMBURG, country=""))), "BR-09"),
    "account": (replace(PLAIN, payment=replace(PLAIN.payment, account="")), "BR-61"),
    "reason": (
        replace(
            PLAIN,
            lines=(line(1, 9, VatCategory.EXEMPT, "0"),),
            breakdown=(group(VatCategory.EXEMPT, "0", 9, 0),),
        ),
        "BR-E-10",
    ),
    "scope": (
        replace(
            PLAIN,
            lines=(ENERGY, line(2, 9, VatCategory.OUT_OF_SCOPE, "0")),
            breakdown=(
                group(VatCategory.STANDARD, "19", 10_931, 2_077),
                group(VatCategory.OUT_OF_SCOPE, "0", 9, 0, "Not subject to VAT"),
            ),
        ),
        "BR-O-11",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_official_rules_find_our_check_says_before(name, rules):
    invoice, rule = BROKEN[name]
    found = validate_document(PROFILES["en16931"].write(invoice), rules=rules)
    assert rule in {finding.rule for finding in found.findings}
    assert not found.is_valid
    if name != "sum":  # sums are not filled in by people: they hold by construction
        assert rule in {problem.rule for problem in PROFILES["en16931"].list_problems(invoice)}
        with pytest.raises(UnableToMakeInvoice, match=rule):
            write_document(invoice, profile=PROFILES["en16931"])


TURKISH_SELLER = replace(
    SELLER,
    name="Doğal Gaz A.Ş.",
    address=Address(
        street="Bağdat Cad. 5", city="İstanbul", subdivision="Kadıköy", postal_code="34710", country="TR"
    ),
    tax_number="9205121120",
    tax_office="Kadıköy",
)
TURKISH = replace(
    PLAIN,
    currency="TRY",
    seller=TURKISH_SELLER,
    buyer=replace(BUYER, name="Ayşe Yılmaz", address=TURKISH_SELLER.address, tax_number="10000000146"),
    lines=(
        replace(line(1, 10_000, rate="20"), quantity=Decimal(50), unit="MTQ", price=Decimal(2)),
        replace(line(2, 700, rate="20"), other_tax="0071"),
        line(3, -200, rate="20"),
    ),
    breakdown=(group(VatCategory.STANDARD, "20", 10_500, 2_100),),
)


@pytest.mark.parametrize("profile", ["ubl-tr", "ubl-tr-temel", "ubl-tr-ticari", "ubl-tr-earsiv"])
def test_the_rules_of_gib_find_nothing(profile):
    found = validate_document(write_document(TURKISH, profile=PROFILES[profile]), rules=TURKISH_RULES)
    broken = {finding.rule for finding in found.findings}
    # The published rule set is that of the e-Fatura; it does not list the e-Arşiv's scenario.
    assert broken == ({"ProfileIDCheck-1"} if profile in ("ubl-tr", "ubl-tr-earsiv") else set())


def test_a_turkish_return_names_the_invoice_in_gibs_form():
    returned = replace(
        TURKISH,
        lines=(line(1, -10_000, rate="20"),),
        breakdown=(group(VatCategory.STANDARD, "20", -10_000, -2_000),),
    ).turned()
    found = validate_document(write_document(returned, profile=PROFILES["ubl-tr-temel"]), rules=TURKISH_RULES)
    assert found.findings == ()
    assert b"<cbc:ID>MNS2024000001012</cbc:ID>" in write_document(returned, profile=PROFILES["ubl-tr-temel"])


def test_the_ettn_is_the_same_for_the_same_bill():
    write = PROFILES["ubl-tr"].write
    assert write(TURKISH) == write(TURKISH)


def test_a_rule_set_as_schematron_finds_what_it_says(tmp_path):
    (tmp_path / "own.sch").write_text(
        """<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2">
        <ns prefix="i" uri="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>
        <ns prefix="cbc" uri="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"/>
        <ns prefix="u" uri="utils"/><ns prefix="xs" uri="http://www.w3.org/2001/XMLSchema"/>
        <let name="limit" value="3"/>
        <function xmlns="http://www.w3.org/1999/XSL/Transform" name="u:short" as="xs:boolean"><param name="v"/>
          <sequence select="string-length($v) lt $limit"/></function>
        <pattern>
          <rule context="i:Invoice/cbc:ID">
            <assert id="OWN-1" flag="warning" test="u:short(.)">Long: <value-of select="."/>.</assert></rule>
          <rule context="cbc:ID"><assert id="OWN-2" test="false()">Every other.</assert></rule>
        </pattern>
        <pattern><rule context="i:Invoice"><report id="OWN-3" test="true()">Seen.</report></rule></pattern></schema>"""
    )
    found = validate_document(PROFILES["en16931"].write(PLAIN), rules=tmp_path)
    by_rule = {finding.rule: finding for finding in found.findings}
    assert set(by_rule) == {"OWN-1", "OWN-2", "OWN-3"}
    assert (by_rule["OWN-1"].severity, by_rule["OWN-1"].text) == ("warning", "Long: 2405-1013.")
    assert by_rule["OWN-2"].is_fatal


def test_rules_that_cannot_be_run_are_refused_by_name(tmp_path):
    content = PROFILES["en16931"].write(PLAIN)
    with pytest.raises(UnableToValidate, match="no schema and no rule set"):
        validate_document(content, rules=tmp_path)
    (tmp_path / "a.sch").write_text(
        '<schema xmlns="http://purl.oclc.org/dsdl/schematron"><include href="b.sch"/>'
        "<!-- urn:oasis:names:specification:ubl:schema:xsd:Invoice-2 --></schema>"
    )
    with pytest.raises(Exception, match="uses `include`"):
        validate_document(content, rules=tmp_path)


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize("content", [b"", b"no xml", b"<a>", BOMB, b"<a>" * 5000])
def test_what_is_no_document_is_refused(content, rules):
    with pytest.raises(UnableToValidate, match="not a readable XML document") as refusal:
        validate_document(content, rules=rules)
    assert refusal.value.remedy


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(UnableToMakeInvoice, match="ubl-tr"):
        get_profile("zugferd-1")
