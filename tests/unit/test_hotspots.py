"""Places that stand out: the three rat clusters of the demo city in the weeks they were planted, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import h3
import numpy as np
import pytest
from scipy.stats import binom

from dashboard.domain.emerging import Category
from dashboard.domain.empirical_bayes import smoothed_rates
from dashboard.domain.hotspots import change, history, standing, windows
from dashboard.domain.neighbours import Neighbours
from data_access.demo.catalogue import TYPE_AT
from data_access.demo.geography import population_frame
from data_access.demo.requests import Requests
from data_access.demo.stories import FERRY_ROAD, FULTON_AND_9TH, MERCER_MARKET
from data_access.demo_city import LAST_DAY

NEAR = 4
"""So many steps away from the middle of a cluster neighbourhoods still hold some of it."""
END = LAST_DAY + timedelta(days=1)
FIRST = date(2023, 5, 21)


class Rats(NamedTuple):
    """Incidents with rats in the demo city of the usual size: hexagons, who lives there, each incident's place, day."""

    cells: list[str]
    residents: np.ndarray
    neighbours: Neighbours
    where: np.ndarray
    on: np.ndarray

    def counts(self, begin: date, end: date) -> np.ndarray:
        mine = (self.on >= np.datetime64(begin)) & (self.on < np.datetime64(end))
        return np.bincount(self.where[mine], minlength=len(self.cells))

    def at(self, cluster: tuple[str, float, float]) -> int:
        return self.cells.index(cluster[0])

    def far(self, *clusters: tuple[str, float, float]) -> np.ndarray:
        """Which places lie in reach of none of the clusters."""
        return np.array([min(h3.grid_distance(cell, one[0]) for one in clusters) > NEAR for cell in self.cells])


@pytest.fixture(scope="module")
def rats() -> Rats:
    maker = Requests(311, 1.0, FIRST, LAST_DAY)
    g = maker.ground
    place, day = [], []
    for chunk, start in enumerate(range(maker.days.first, maker.last_day + 1, 92)):
        opened = maker.open(start, min(start + 92, maker.last_day + 1), chunk)
        mine = (opened.kind == TYPE_AT["Rats and vermin"]) & (opened.place >= 0) & (opened.parent < 0)
        place.append(opened.place[mine])
        day.append(opened.day[mine])
    people = population_frame()
    lived = [h3.latlng_to_cell(lat, lon, 9) for lat, lon in zip(people["lat"], people["lon"], strict=True)]
    of_place = {at: h3.latlng_to_cell(g.lat[at], g.lon[at], 9) for at in np.unique(np.concatenate(place)).tolist()}
    cells = sorted({*lived, *of_place.values()})
    at = {cell: i for i, cell in enumerate(cells)}
    near = [[at[other] for other in h3.grid_ring(cell, 1) if other in at] for cell in cells]
    residents = np.bincount([at[cell] for cell in lived], people["residents"], len(cells))
    where = np.array([at[of_place[one]] for one in np.concatenate(place).tolist()])
    return Rats(cells, residents, Neighbours.of(near), where, np.concatenate(day).astype("datetime64[D]"))


def weeks(rats: Rats, end: date, number: int) -> np.ndarray:
    """Counts of the weeks before `end`, each judged with the three before it (n, number)."""
    begins = [end - timedelta(weeks=k) for k in range(number + 3, 0, -1)]
    return windows(np.stack([rats.counts(one, one + timedelta(weeks=1)) for one in begins], axis=1), 4)


def test_a_new_cluster_stands_out_from_the_weeks_it_was_planted_in(rats):
    past = history(weeks(rats, END, 26), rats.neighbours, rats.residents)
    own = past.standing.hot[rats.at(FULTON_AND_9TH)]
    assert not own[:14].any()  # planted on 9 March, ten weeks before the end
    assert own[-6:].all()
    assert past.category[rats.at(FULTON_AND_9TH)] is Category.CONSECUTIVE


def test_a_persistent_cluster_stands_out_in_every_slice(rats):
    past = history(months_of(rats, date(2025, 5, 1), date(2026, 5, 1)), rats.neighbours, rats.residents)
    assert past.standing.hot[rats.at(MERCER_MARKET)].all()
    assert past.category[rats.at(MERCER_MARKET)] is Category.PERSISTENT


def months_of(rats: Rats, begin: date, end: date) -> np.ndarray:
    firsts = [begin]
    while firsts[-1] < end:
        firsts.append((firsts[-1] + timedelta(days=32)).replace(day=1))
    return np.stack([rats.counts(a, b) for a, b in zip(firsts, firsts[1:], strict=False)], axis=1)


def test_a_fading_cluster_diminishes_and_is_gone(rats):
    past = history(months_of(rats, date(2024, 6, 1), date(2025, 6, 1)), rats.neighbours, rats.residents)
    assert past.category[rats.at(FERRY_ROAD)] is Category.DIMINISHING
    lately = history(months_of(rats, date(2025, 11, 1), date(2026, 5, 1)), rats.neighbours, rats.residents)
    assert not lately.standing.hot[rats.at(FERRY_ROAD)].any()
    fell = change(
        rats.counts(date(2025, 11, 1), date(2026, 5, 1)), rats.counts(date(2023, 11, 1), date(2024, 5, 1)), (181, 182)
    )  # fmt: skip
    assert fell.q[rats.at(FERRY_ROAD)] < 1e-6 and fell.ratio[rats.at(FERRY_ROAD)] < 0.25


def test_nothing_else_stands_out_beyond_the_expected_share(rats):
    elsewhere = rats.far(MERCER_MARKET, FULTON_AND_9TH, FERRY_ROAD)
    found = false = 0
    for quarter in range(8):
        end = END - timedelta(days=91 * quarter)
        hot = standing(rats.counts(end - timedelta(days=91), end), rats.neighbours, rats.residents).hot
        found, false = found + int(hot.sum()), false + int((hot & elsewhere).sum())
    assert found > 100
    assert false <= 0.05 * found + 2 * (0.05 * found) ** 0.5


def test_without_residents_numbers_are_tested(rats):
    counts = rats.counts(END - timedelta(days=90), END)
    found = standing(counts, rats.neighbours, None)
    assert np.isnan(found.rate).all()
    assert found.hot[rats.at(FULTON_AND_9TH)] and found.hot[rats.at(MERCER_MARKET)]


def test_too_few_places_or_reports_are_not_tested():
    few = Neighbours.of([[1], [0], []])
    assert np.isnan(standing(np.array([5, 0, 1]), few, None).q).all()
    line = Neighbours.of([[i - 1, i + 1] if 0 < i < 39 else [] for i in range(40)])
    assert np.isnan(standing(np.eye(40, dtype=int)[0] * 29, line, None).q).all()
    assert np.isnan(standing(np.full(40, 3), line, None).q).all()  # all alike: nothing to tell apart
    assert len(standing(np.zeros(0, int), Neighbours.of([]), None).q) == 0


def test_windows_add_up_each_step_with_those_before_it():
    assert windows(np.array([[1, 2, 3, 4]]), 3).tolist() == [[6, 9]]
    assert windows(np.array([[1, 2]]), 1).tolist() == [[1, 2]]


def test_a_change_is_told_against_the_length_of_the_periods():
    found = change(np.array([30, 10, 0]), np.array([10, 10, 0]), (90, 90))
    np.testing.assert_allclose(found.ratio[:2], [3, 1])
    assert found.p[0] == pytest.approx(0.002221, rel=1e-3)  # twice P(X >= 30), X ~ Binomial(40, 1/2)
    assert found.p[1] == 1 and np.isnan(found.p[2])
    np.testing.assert_allclose(change(np.array([30]), np.array([10]), (270, 90)).ratio, [1])
    # Of eight a quarter were to be expected in a quarter of the time.
    np.testing.assert_allclose(change(np.array([6]), np.array([2]), (10, 30)).p, 2 * binom.sf(5, 8, 0.25))


def town_with_a_park(reports: int) -> tuple[np.ndarray, Neighbours]:
    """None to four times so many reports in each place, none in the 37 places in the middle."""
    cells = sorted(h3.grid_disk(FERRY_ROAD[0], 9))
    at = {cell: i for i, cell in enumerate(cells)}
    near = [[at[other] for other in h3.grid_ring(cell, 1) if other in at] for cell in cells]
    in_park = [h3.grid_distance(cell, FERRY_ROAD[0]) <= 3 for cell in cells]
    return np.where(in_park, 0, reports * (np.arange(len(cells)) % 5)), Neighbours.of(near)


def test_people_pass_through_where_hardly_anybody_lives():
    counts, neighbours = town_with_a_park(20)
    residents = np.where(np.arange(len(counts)) % 10, 1000.0, 1.0)
    expected, _ = smoothed_rates(counts, np.maximum(residents, 0.05 * residents.mean()))
    assert standing(counts, neighbours, residents).rate == pytest.approx(expected)


@pytest.mark.parametrize("reports, tells", [(2, False), (20, True)])
def test_with_few_reports_to_a_place_nothing_is_said_to_lie_below_the_city(reports: int, tells: bool):
    counts, neighbours = town_with_a_park(reports)
    found = standing(counts, neighbours, np.full(len(counts), 1000.0))
    assert found.cold.any() == tells
    assert tells or (found.p[found.z < 0] == 1).all()
