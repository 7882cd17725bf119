"""Conditions taken apart into what ``and_`` joins."""

from sqlalchemy import and_, column, or_

from data_access.rewriting import besides, holds, parts_in

A, B, C = (column(name).is_not(None) for name in "abc")


def test_a_condition_comes_apart_however_deep_it_was_joined():
    assert [id(one) for one in parts_in(and_(and_(B, C), A))] == [id(B), id(C), id(A)]
    assert parts_in(None) == [] and len(parts_in(or_(A, B))) == 1
    assert holds(and_(A, and_(B, C)), C) and not holds(or_(A, B), A) and not holds(None, A)


def test_what_holds_already_is_left_out():
    (rest,) = besides(and_(A, B, C), [A, and_(C, or_(A, B))])
    assert rest is B
    assert besides(A, [A]) == [] and besides(None, [A]) == [] and besides(A, [None]) == [A]
