"""How many decimals a currency has."""

from mains.engine.tariff.clauses import Clause

# ISO 4217: currencies whose smallest coin is not a hundredth.
_MINOR_DIGITS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF"),
    0,
)
_MINOR_DIGITS |= dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)


def read_minor_digits(root: Clause, currency: str) -> int:
    """Decimals of the smallest coin: `currency_digits` of the document, else what ISO 4217 says."""
    clause = root.get("currency_digits")
    digits = clause.number()
    minor_digits = int(digits) if digits is not None else _MINOR_DIGITS.get(currency, 2)
    if not 0 <= minor_digits <= 3:
        clause.refuse("currency-digits", "A currency has 0 to 3 decimals.", "Write currency_digits: 2.")
        return 2
    return minor_digits
