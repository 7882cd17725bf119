"""Words are compared by one rule, here and in the database."""

from __future__ import annotations

import unicodedata

import pytest
from sqlalchemy import create_engine, func, select

from dashboard.domain.spelling import as_compared
from data_access.dialects import Macros
from data_access.importers.mapping import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [("ΚΛΕΙΣΤΌΣ", "Κλειστός"), ("İPTAL", "iptal"), ("KAPALI", "kapalı"), ("GROSSE STRASSE", "Große Straße"),
     ("Égout", unicodedata.normalize("NFD", "égout"))],
)  # fmt: skip
def test_a_word_is_the_same_in_capitals_and_with_accents_apart(one: str, other: str) -> None:
    assert as_compared(one) == as_compared(other) and fold(one) == fold(other)


def test_vowels_that_are_signs_of_their_own_tell_columns_apart() -> None:
    assert fold("दर्ज तिथि") != fold("दर्ज तथ") and fold(" Created-Date ") == "created_date"


def test_the_database_compares_words_as_we_do() -> None:
    letters = [one for one in map(chr, range(0x20, 0x3000)) if unicodedata.category(one)[0] in "LMNZ"]
    words = ["İptal", "ΚΛΕΙΣΤΌΣ", "Große", unicodedata.normalize("NFD", "Żółw İzmir"), *(f"a{one}" for one in letters)]
    engine = create_engine("duckdb:///:memory:")
    with engine.connect() as connection:
        connection.execute(Macros())
        found = connection.execute(select(*(func.as_compared(one) for one in words[:2_000]))).one()
        assert list(found) == [as_compared(one) for one in words[:2_000]]
        assert connection.scalar(select(func.in_digits("٣٫٥ 二 १２"))) == "3.5 二 12"
    engine.dispose()
