"""When a request stood open, what its clock did, and who held it."""

from datetime import datetime, timedelta

from dashboard.domain.request_clock import Stretch, clock_stretches, held_by, open_stretches

START = datetime(2026, 5, 4, 10)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def test_a_request_stands_open_until_it_is_closed_or_the_data_ends():
    assert open_stretches(at(0), [], at(5), at(99)) == [(at(0), at(5))]
    assert open_stretches(at(0), [], None, at(99)) == [(at(0), at(99))]
    assert open_stretches(at(5), [], at(0), at(99)) == []  # closed before it was opened


def test_a_reopening_begins_another_stretch():
    turns = [(at(3), "close"), (at(8), "reopen"), (at(9), "close")]
    assert open_stretches(at(0), turns, at(9), at(99)) == [(at(0), at(3)), (at(8), at(9))]
    assert open_stretches(at(0), turns[:2], None, at(99)) == [(at(0), at(3)), (at(8), at(99))]
    twice = [(at(3), "close"), (at(4), "close")]
    assert open_stretches(at(0), twice, at(4), at(99)) == [(at(0), at(3))]


def test_the_clock_is_cut_at_pauses_and_at_the_due_time():
    pauses = [(at(1), at(3)), (at(2), at(4)), (at(9), None)]
    found = clock_stretches([(at(0), at(6)), (at(8), at(10))], pauses, at(5))
    assert found == [
        Stretch("running", at(0), at(1)), Stretch("paused", at(1), at(4)), Stretch("running", at(4), at(5)),
        Stretch("overdue", at(5), at(6)), Stretch("overdue", at(8), at(9)), Stretch("paused", at(9), at(10)),
    ]  # fmt: skip
    assert sum(one.seconds for one in found) == 8 * 3600
    assert clock_stretches([], pauses, at(5)) == []
    assert clock_stretches([(at(0), at(1))], [], None) == [Stretch("running", at(0), at(1))]


def test_holding_counts_only_while_it_stood_open():
    changes = [(at(0), "Desk"), (at(1), "Crew"), (at(4), "Desk"), (at(7), "Crew")]
    assert held_by(changes, [(at(0), at(5)), (at(6), at(8))]) == [("Desk", 3 * 3600), ("Crew", 4 * 3600)]
    assert held_by([], [(at(0), at(1))]) == []
