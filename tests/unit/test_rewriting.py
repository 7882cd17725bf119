"""What conditions have in common is asked once."""

from sqlalchemy import and_, column, or_

from data_access.rewriting import shared

A, B, C = (column(name).is_not(None) for name in "abc")


def test_what_holds_in_all_conditions_is_told_apart_from_what_each_has_besides():
    common, own = shared([and_(A, B), and_(and_(B, C), A), and_(A, B, or_(A, C))])
    assert common == [A, B]
    assert [len(one) for one in own] == [0, 1, 1] and own[1][0] is C


def test_a_condition_alone_is_all_common_and_one_that_always_holds_has_nothing_in_common():
    assert shared([and_(A, B)]) == ([A, B], [[]])
    assert shared([None]) == ([], [[]])
    assert shared([A, None]) == ([], [[A], []])
    assert shared([or_(A, B), A])[0] == []
