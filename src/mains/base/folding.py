"""One folded form for a word however it is typed: any case, accents, Cyrillic or Latin letters, Turkish i.

The same folding makes the stored tokens and reads the query, so the two always meet.
"""

import re
import unicodedata

TOKEN_LENGTH = 60

_PAIRS = """
аa бb вv гg дd еe жzh зz иi йi кk лl мm нn оo пp рr сs тt уu фf хh цts чch шsh щsch ъ ыi ь эe юiu яia
іi їi єe ґg ўu қk ғg ңn өo ұu үu һh әa јj љl њn ћc ђd џdz
"""
_CYRILLIC = {pair[0]: pair[1:] for pair in _PAIRS.split()}
# Letters that do not decompose, and the spellings by which transliteration systems differ.
_LETTERS = str.maketrans(
    {"ё": "е", "ı": "i", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
_SPELLINGS = (("shch", "sch"), ("kh", "h"), ("iy", "i"), ("yi", "i"), ("y", "i"), ("ii", "i"), ("ie", "e"))
_WORD = re.compile(r"[^\W_]+")
WORD_OF_COLUMN = r"[\p{L}\p{N}]+"
"""What `split_words` takes for a word, in the expressions of columns, whose `\\w` also takes symbols such as 🅰."""
_SEPARATORS = re.compile(r"[\W_]+")
_QWERTY = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_ICUKEN = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_ICUKEN = str.maketrans(_QWERTY + _QWERTY.upper(), _ICUKEN + _ICUKEN.upper())
_TO_QWERTY = str.maketrans(_ICUKEN + _ICUKEN.upper(), _QWERTY + _QWERTY.upper())

# Words that say what the next word is; they are in every address, so they find nothing.
_DESIGNATORS = (
    "улица ул дом д квартира кв проспект пр пр-т переулок пер город г шоссе площадь пл"
    " street st str road rd avenue ave house no flat apt close crescent sokak sok cadde cad mahalle mah"
)


def strip_marks(text: str) -> str:
    """The text without accents and other combining marks."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.category(c).startswith("M"))


def fold_word(word: str) -> str:
    """The token of one word: Щербаков is `scherbakov` as is Shcherbakov, İSTANBUL `istanbul`, Straße `strasse`."""
    plain = strip_marks(strip_marks(word).casefold().translate(_LETTERS))
    latin = "".join(_CYRILLIC.get(c, c) for c in plain)
    latin = _SEPARATORS.sub("", latin)
    while (simpler := _simplified(latin)) != latin:
        latin = simpler
    return latin[:TOKEN_LENGTH]


def _simplified(latin: str) -> str:
    for spelling, chosen in _SPELLINGS:
        latin = latin.replace(spelling, chosen)
    return latin


def split_words(text: str) -> list[str]:
    """The words of a text in order, without accents; `12/3` is two words."""
    return _WORD.findall(strip_marks(text))


DESIGNATORS = frozenset(fold_word(word) for part in _DESIGNATORS.split() for word in split_words(part))


def fold_text(text: str) -> list[str]:
    """Tokens of a query in order, each once; designators such as `street` only when nothing else is left."""
    tokens = list(dict.fromkeys(token for word in split_words(text) if (token := fold_word(word))))
    telling = [token for token in tokens if token not in DESIGNATORS]
    return telling or tokens


def swap_layout(text: str) -> str:
    """The text as it would be typed on the other keyboard layout (QWERTY and ЙЦУКЕН)."""
    is_cyrillic = any("а" <= c.lower() <= "я" for c in text)
    return text.translate(_TO_QWERTY if is_cyrillic else _TO_ICUKEN)
