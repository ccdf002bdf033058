"""Code lists of EN 16931 as far as they are used: units, ways to pay, schemes of electronic addresses."""

from types import MappingProxyType

ONE = "C62"
UNIT_CODES = MappingProxyType(
    {"kWh": ("KWH", 1), "m3": ("MTQ", 1), "Gcal": ("E14", 1_000_000), "MWh": ("MWH", 1), "GJ": ("GV", 1)}
)
"""Code of UN/ECE recommendation 20 and how many of it are one of ours: it knows the kilocalorie, not its million."""

CREDIT_TRANSFER, SEPA_CREDIT_TRANSFER, SET_OFF = "30", "58", "97"
"""Of UNTDID 4461."""

ADDRESS_SCHEMES = MappingProxyType(
    {
        "0002": "SIRENE (FR)",
        "0007": "Organisationsnummer (SE)",
        "0009": "SIRET (FR)",
        "0060": "DUNS",
        "0088": "GLN",
        "0096": "P-nummer (DK)",
        "0106": "KvK (NL)",
        "0151": "ABN (AU)",
        "0183": "UID (CH)",
        "0184": "CVR (DK)",
        "0188": "Corporate number (JP)",
        "0190": "OIN (NL)",
        "0191": "Registrikood (EE)",
        "0192": "Organisasjonsnummer (NO)",
        "0195": "UEN (SG)",
        "0196": "Kennitala (IS)",
        "0198": "ERSTORG (DK)",
        "0200": "Legal entity code (LT)",
        "0201": "IPA (IT)",
        "0204": "Leitweg-ID (DE)",
        "0208": "Enterprise number (BE)",
        "0210": "Codice fiscale (IT)",
        "0211": "Partita IVA (IT)",
        "0216": "OVT (FI)",
        "0221": "Invoice registry number (JP)",
        "0225": "FRCTC (FR)",
        "0230": "National e-invoicing framework (MY)",
        "9910": "VAT (HU)",
        "9914": "VAT (AT)",
        "9915": "Verwaltungskennzahl (AT)",
        "9918": "IBAN",
        "9919": "Kennziffer (AT)",
        "9920": "VAT (ES)",
        "9922": "VAT (AD)",
        "9923": "VAT (AL)",
        "9924": "VAT (BA)",
        "9925": "VAT (BE)",
        "9926": "VAT (BG)",
        "9927": "VAT (CH)",
        "9928": "VAT (CY)",
        "9929": "VAT (CZ)",
        "9930": "VAT (DE)",
        "9931": "VAT (EE)",
        "9932": "VAT (GB)",
        "9933": "VAT (GR)",
        "9934": "VAT (HR)",
        "9935": "VAT (IE)",
        "9936": "VAT (LI)",
        "9937": "VAT (LT)",
        "9938": "VAT (LU)",
        "9939": "VAT (LV)",
        "9940": "VAT (MC)",
        "9941": "VAT (ME)",
        "9942": "VAT (MK)",
        "9943": "VAT (MT)",
        "9944": "VAT (NL)",
        "9945": "VAT (PL)",
        "9946": "VAT (PT)",
        "9947": "VAT (RO)",
        "9948": "VAT (RS)",
        "9949": "VAT (SI)",
        "9950": "VAT (SK)",
        "9951": "VAT (SM)",
        "9952": "VAT (TR)",
        "9953": "VAT (VA)",
        "9957": "VAT (FR)",
        "EM": "E-mail",
    }
)
"""The list EAS of electronic addresses, less what utilities do not have; the names are the registers' own."""
