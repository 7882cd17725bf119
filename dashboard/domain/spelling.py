"""When two words are the same word: whatever their case, and however their accents are put together.

What stands in a table is compared by the macro of the same name (`data_access.dialects.Macros`).
"""

from __future__ import annotations

import unicodedata

SIGNS = {"ς": "σ", "ı": "i"}
"""Small letters of one capital letter: Σ of a Greek word, and I of a Turkish one."""

_SIGNS = str.maketrans("".join(SIGNS), "".join(SIGNS.values()))


def as_compared(word: str) -> str:
    """A word as it is compared.

    Letter by letter, as databases do it: “İptal” is “iptal”, and “ΚΛΕΙΣΤΌΣ” is “κλειστός”.
    """
    small = "".join(letter.lower()[0] for letter in unicodedata.normalize("NFC", word))
    return small.translate(_SIGNS).replace("ß", "ss")


def is_mark(letter: str) -> bool:
    """Whether a sign belongs to the letter before it: an accent, a vowel of Hindi or Thai."""
    return unicodedata.category(letter).startswith("M")
