"""Names of units, as price lists of many countries print them, and what each counts as.

Two different names never match, save for the families below, which are brought to one base at the door so that
neither interpreter ever converts. Deliberately absent: conversions between kinds (MJ to kWh, m3 to kWh), which
a tariff states as its own number.
"""

from collections.abc import Mapping
from fractions import Fraction

# Words for "once": they carry no dimension, so that `RUB/bill` is money.
COUNTING = frozenset({"bill", "customer", "account", "meter", "connection", "point", "dwelling", "number"})
SHARES: Mapping[str, Fraction] = {
    "%": Fraction(1, 100), "percent": Fraction(1, 100), "pct": Fraction(1, 100), "‰": Fraction(1, 1000),
}  # fmt: skip

_WORDS: Mapping[str, str] = {
    "days": "day", "d": "day", "months": "month", "mo": "month", "mth": "month", "weeks": "week",
    "years": "year", "yr": "year", "hours": "hour", "h": "hour", "hr": "hour", "quarters": "quarter",
    "seasons": "season", "bills": "bill", "customers": "customer", "accounts": "account", "meters": "meter",
    "connections": "connection", "points": "point", "dwellings": "dwelling",
    "persons": "person", "people": "person", "resident": "person", "residents": "person",
    "capita": "person", "inhabitant": "person", "inhabitants": "person",
    "gallon": "gal", "gallons": "gal", "kgals": "kgal", "litre": "l", "litres": "l", "liter": "l",
    "liters": "l", "sqm": "m2", "cbm": "m3", "sqft": "ft2", "therms": "therm", "tonnes": "t", "tonne": "t",
}  # fmt: skip

# The same words in the other languages of price lists. `kWh` itself is written with a point between its parts in
# some of them; `units` takes those together. Absent: 度, a kWh on one bill and a cubic metre on another.
_FOREIGN: Mapping[str, str] = {
    "кВтч": "kWh", "МВтч": "MWh", "кВт": "kW", "МВт": "MW", "кВА": "kVA", "кварч": "kvarh", "Гкал": "Gcal",
    "ГДж": "GJ", "МДж": "MJ", "м3": "m3", "м2": "m2", "л": "l", "чел": "person", "человек": "person",
    "мес": "month", "месяц": "month", "сут": "day", "день": "day", "дней": "day", "дн": "day", "год": "year",
    "час": "hour", "ч": "hour", "квартира": "dwelling", "счет": "account", "счёт": "account",
    "gün": "day", "ay": "month", "yıl": "year", "kişi": "person", "saat": "hour", "fatura": "bill",
    "千瓦时": "kWh", "兆瓦时": "MWh", "千瓦": "kW", "千伏安": "kVA", "吉焦": "GJ", "兆焦": "MJ",
    "立方米": "m3", "平方米": "m2", "升": "l", "人": "person", "月": "month", "天": "day", "日": "day", "年": "year",
    "户": "dwelling", "Tag": "day", "Tage": "day", "Monat": "month", "Monate": "month", "Jahr": "year",
    "Jahre": "year", "Personen": "person", "Zähler": "meter", "jour": "day", "jours": "day", "mois": "month",
    "an": "year", "ans": "year", "personne": "person", "personnes": "person", "día": "day", "días": "day",
    "mes": "month", "año": "year", "persona": "person",
}  # fmt: skip

SAME: Mapping[str, str] = {**_WORDS, **_FOREIGN}

FAMILIES: tuple[Mapping[str, Fraction], ...] = (
    {"Wh": Fraction(1, 1000), "kWh": Fraction(1), "MWh": Fraction(1000), "GWh": Fraction(10**6)},
    {"kJ": Fraction(1, 1000), "MJ": Fraction(1), "GJ": Fraction(1000), "TJ": Fraction(10**6)},
    {"W": Fraction(1, 1000), "kW": Fraction(1), "MW": Fraction(1000)},
    {"VA": Fraction(1, 1000), "kVA": Fraction(1), "MVA": Fraction(1000)},
    {"varh": Fraction(1, 1000), "kvarh": Fraction(1), "Mvarh": Fraction(1000)},
    {"kVAh": Fraction(1), "MVAh": Fraction(1000)},
    {
        "ml": Fraction(1, 10**6), "l": Fraction(1, 1000), "hl": Fraction(1, 10), "m3": Fraction(1),
        "kl": Fraction(1), "ML": Fraction(1000),
    },
    {"gal": Fraction(1, 1000), "kgal": Fraction(1)},
    {"cf": Fraction(1, 100), "ccf": Fraction(1), "hcf": Fraction(1), "mcf": Fraction(10)},
    {"kg": Fraction(1, 1000), "t": Fraction(1)},
)  # fmt: skip

HEAT: Mapping[str, Fraction] = {
    **FAMILIES[0],
    **{name: size * Fraction(5, 18) for name, size in FAMILIES[1].items()},
    "kcal": Fraction(1163, 10**6), "Mcal": Fraction(1163, 1000), "Gcal": Fraction(1163),
}  # fmt: skip
"""Units of energy in kilowatt-hours, for tariffs that count in one of them: 1 kWh is 3.6 MJ, and a calorie, that of the
International Table (IEC 60050, ISO 80000-5 annex), 4.1868 J."""

_NAMES = (
    *COUNTING,
    *SHARES,
    *SAME,
    *(name for family in FAMILIES for name in family),
    "kcal",
    "Mcal",
    "Gcal",
)
_FOLDED = [name.casefold() for name in _NAMES]
# Case does not matter (kwh, KWH), save where it tells two units apart: ml and ML.
BY_CASE: Mapping[str, str] = {
    folded: name for folded, name in zip(_FOLDED, _NAMES, strict=True) if _FOLDED.count(folded) == 1
}
KNOWN = frozenset(_NAMES)

_HUNDREDTH, _TENTH, _THOUSANDTH = Fraction(1, 100), Fraction(1, 10), Fraction(1, 1000)
_ANY: frozenset[str] = frozenset()
_THREE_DIGITS = frozenset({"KWD", "BHD", "JOD", "IQD"})
# Part of a currency by its name; an empty set stands for every currency.
SUBUNITS: Mapping[str, tuple[tuple[Fraction, frozenset[str]], ...]] = {
    **dict.fromkeys(
        (
            "p", "pence", "penny", "c", "¢", "ct", "cent", "cents", "cts", "kobo", "kop", "kopeck", "kopecks",
            "kopek", "коп", "paise", "paisa", "poisha", "sen", "kurus", "kuruş", "krş", "fen", "centime",
            "centimes", "centavo", "centavos", "centimo", "céntimo", "céntimos", "ore", "öre", "øre", "grosz",
            "groszy", "gr", "bani", "tiyn", "tetri", "agora", "agorot", "piastre", "piastres", "satang",
            "rappen",
        ),
        ((_HUNDREDTH, _ANY),),
    ),
    "rp": ((_HUNDREDTH, frozenset({"CHF"})),),
    "fils": ((_THOUSANDTH, _THREE_DIGITS), (_HUNDREDTH, frozenset({"AED", "YER"}))),
    "baisa": ((_THOUSANDTH, frozenset({"OMR"})),),
    "millime": ((_THOUSANDTH, frozenset({"TND"})),),
    "millimes": ((_THOUSANDTH, frozenset({"TND"})),),
    "mill": ((_THOUSANDTH, frozenset({"USD", "CAD"})),),
    "jiao": ((_TENTH, frozenset({"CNY"})),),
}  # fmt: skip

_DOLLARS = frozenset(
    ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP", "ARS", "JMD", "TTD", "FJD", "BBD")
)
_RUPEES = frozenset(("INR", "PKR", "LKR", "NPR", "MUR", "SCR"))
# A sign means the tariff's currency when that currency is written so.
SIGNS: Mapping[str, frozenset[str]] = {
    "€": frozenset({"EUR"}), "euro": frozenset({"EUR"}), "euros": frozenset({"EUR"}),
    "$": _DOLLARS, "dollar": _DOLLARS, "dollars": _DOLLARS, "£": frozenset({"GBP", "EGP"}),
    "¥": frozenset({"JPY", "CNY"}), "yen": frozenset({"JPY"}), "円": frozenset({"JPY"}),
    "yuan": frozenset({"CNY"}), "元": frozenset({"CNY", "TWD"}), "₹": frozenset({"INR"}), "rs": _RUPEES,
    "₽": frozenset({"RUB"}), "руб": frozenset({"RUB"}), "₺": frozenset({"TRY"}), "tl": frozenset({"TRY"}),
    "₩": frozenset({"KRW"}), "원": frozenset({"KRW"}), "₦": frozenset({"NGN"}), "₸": frozenset({"KZT"}),
    "₴": frozenset({"UAH"}), "฿": frozenset({"THB"}), "baht": frozenset({"THB"}), "₫": frozenset({"VND"}),
    "₱": frozenset({"PHP"}), "rm": frozenset({"MYR"}), "r": frozenset({"ZAR"}), "tk": frozenset({"BDT"}),
    "fr": frozenset({"CHF"}), "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}), "zł": frozenset({"PLN"}),
    "rp": frozenset({"IDR"}),
}  # fmt: skip


def subunit_of(name: str, currency: str) -> Fraction | None:
    """What part of the currency a coin or sign of that name is; 1 for the currency itself, None when unknown."""
    word = name.casefold()
    if word == currency.casefold() or currency in SIGNS.get(word, _ANY):
        return Fraction(1)
    for part, currencies in SUBUNITS.get(word, ()):
        if not currencies or currency in currencies:
            return part
    return None
