"""Riverton's contact center: who called when and why, how long they waited, and who was there to answer.

Waits follow from load and staff of each half-hour (Erlang A: callers who give up), so that days with more calls than
staff look as bad as they would be. Source: measures reference, A14.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammainc, gammaln

from data_access.demo import stories
from data_access.demo.catalogue import DEPARTMENTS, TYPE_AT
from data_access.demo.civil_time import day_number
from data_access.demo.frames import DAY, NEVER, dates, frame, instants, number_or_null, numbered, words
from data_access.demo.requests import CHANNELS, DESK_HALF_HOURS, Opened, Requests, inverse_profile

TEAMS = ("Heron", "Kestrel", "Otter", "Wren")
REASONS = ("New request", "Where is my request?", "Collection day", "Bills and payments", "Offices and opening hours",
           "Permits and licenses", "Another agency", "Courts and records", "Election and council",
           "Storm and emergency information")  # fmt: skip
OUTCOMES = ("answered", "abandoned", "callback", "voicemail", "overflow", "blocked", "ivr_contained", "ivr_abandon",
            "self_service")  # fmt: skip
_QUEUES = ("General", "Spanish", "Sanitation")
_LANGUAGES = ("en", "es", "other")
PATIENCE_S = 350.0
USUAL_CALLS = np.array([690, 590, 570, 570, 545, 275, 0])  # a day of information calls, Monday first
_TALK = np.array([275, 210, 165, 250, 150, 240, 140, 205, 170, 200.0])  # seconds, by reason
_FULL_TIME = np.array([0.73, 0.69, 0.67, 0.64, 0.66, 0.49, 0.0])
_PART_TIME = np.array([0.54, 0.42, 0.38, 0.36, 0.37, 0.35, 0.0])
_READY_SHARE = 0.76  # of a shift, after breaks, meals, meetings and errands
# Of callers who only want to know something, those who call about it again within days, by reason.
_COMES_BACK = np.array([0, 0, 0.05, 0.12, 0.02, 0.11, 0.03, 0.08, 0.03, 0.04])
_PERMITS, _COMES_BACK_SINCE_ONLINE = REASONS.index("Permits and licenses"), 0.38
_BACK_FROM, _BACK_TO = 2 * 3600, 13 * DAY // 2
_TRANSFERS_OFTEN, _TALKS_LONG = 2, 10  # agents A03 and A11
_STATE_MONTHS_DAYS = 396

_FIRST = "Ada Ali Bea Cal Dot Eli Fay Gus Hal Ida Jo Kai Lea Max Nia Ora Pia Rex Sol Tia"
_LAST = "Archer Bauer Chen Diaz Evans Fox Gray Hale Ibarra Jones Klein"


def erlang_a(
    load: np.ndarray, agents: np.ndarray, handle_s: float, patience_s: float = PATIENCE_S
) -> tuple[np.ndarray, np.ndarray]:
    """Chance that a caller waits, and that one who waits gives up; patience is exponential.

    Source: measures reference, A14 (Palm; Garnett, Mandelbaum and Reiman).
    """
    load, agents = np.maximum(load, 1e-9), np.maximum(agents, 1)
    blocked = np.ones_like(load)
    answer = blocked.copy()
    for k in range(1, int(agents.max()) + 1):
        blocked = load * blocked / (k + load * blocked)
        answer = np.where(agents == k, blocked, answer)
    theta, mu = 1 / patience_s, 1 / handle_s
    x, y = agents * mu / theta, load * mu / theta
    inside = np.maximum(gammainc(x, y), 1e-300)
    a = np.exp(np.clip(np.log(x) + y - x * np.log(y) + np.log(inside) + gammaln(x), -700, 700))
    waits = a * answer / (1 + (a - 1) * answer)
    rho = load / agents
    return np.clip(waits, 0, 1), np.clip(1 / (rho * a) + 1 - 1 / rho, 0, 0.98)


@dataclass
class Shifts:
    """Shifts of a stretch of days; ``slot_from[s]:slot_from[s + 1]`` of ``by_slot`` are those at half-hour s."""

    agent: np.ndarray
    start: np.ndarray
    end: np.ndarray
    is_full: np.ndarray
    by_slot: np.ndarray
    slot_from: np.ndarray


class Comers(NamedTuple):
    """Everybody who gets in touch in a stretch of days: when, how, why and about which request; −1 is nobody, none.

    ``made`` is the place of the request somebody's contact creates, ``tried`` says who hangs up and calls again.
    """

    at: np.ndarray
    channel: np.ndarray
    reason: np.ndarray
    request: np.ndarray
    who: np.ndarray
    made: np.ndarray
    tried: np.ndarray


class ContactCentre:
    """Answers the phone stretch by stretch; remembers who will still ask what became of a request."""

    def __init__(self, maker: Requests) -> None:
        self.maker = maker
        self.agents = max(8, round(40 * maker.scale))
        self.agent_ids = [f"A{k + 1:02d}" for k in range(self.agents)]
        rng = np.random.default_rng([maker.seed, 3])
        self.speed = rng.lognormal(0, 0.09, self.agents)
        self.transfers = rng.beta(14, 200, self.agents)
        self.solves = np.clip(rng.normal(1.0, 0.025, self.agents), 0.85, 1.07)
        self.speed[_TALKS_LONG % self.agents] *= 1.4
        self.transfers[_TRANSFERS_OFTEN % self.agents] = 0.2
        self.team = np.arange(self.agents) % 4
        self.is_full = np.arange(self.agents) % 5 < 2
        self.contacts_so_far = self.shifts_so_far = 0
        self._pending = [np.empty(0, np.int64)] * 3  # when, request number, person
        self._lately = [np.empty(0, np.int64)] * 3  # when, reason, person
        is_open = maker.desk_to > 0
        following = np.where(is_open, np.arange(len(is_open)), len(is_open) + 1)
        self._next_open = np.minimum.accumulate(following[::-1])[::-1]

    def agent_frame(self) -> pd.DataFrame:
        """Rows of `agent`."""
        rng = np.random.default_rng([self.maker.seed, 4])
        n = self.agents
        first, last = (names.split() for names in (_FIRST, _LAST))
        names = [f"{first[k % 20]} {last[(k * 7) % 11]}" for k in range(n)]
        hired = day_number(stories.AS_OF.date()) - rng.integers(1_100, 4_500, n)
        return frame(
            agent_id=words(self.agent_ids, np.arange(n)),
            team=words(TEAMS, self.team),
            hired_on=dates(hired),
            languages=words(["en", "en, es"], (np.arange(n) % 4 == 1).astype(int)),
            is_active=np.ones(n, bool),
            name=words(names, np.arange(n)),
        )

    def _ask_again(self, r: Opened, rng: np.random.Generator) -> list[np.ndarray]:
        """Those who will ask where their request is: more of them the longer it takes, most when it is late."""
        as_of = self.maker.as_of
        until = np.minimum(np.minimum(r.final, as_of), r.opened + 80 * DAY)
        until = np.maximum(until, r.opened)
        late_until = np.maximum(np.minimum(np.minimum(r.final, as_of), r.due + 60 * DAY), r.due)
        late_days = np.where(r.due < NEVER, (late_until - r.due) / DAY, 0)
        often = 0.06 + 0.028 * np.minimum((until - r.opened) / DAY, 20)
        later = 0.95 * (1 - np.exp(-late_days / 5))
        often[r.kind == TYPE_AT["Information only"]] = 0
        usual, late = rng.poisson(often), rng.poisson(later)
        a, b = np.repeat(np.arange(len(r)), usual), np.repeat(np.arange(len(r)), late)
        at = np.concatenate([
            r.opened[a] + DAY // 2 + ((until - r.opened)[a] * rng.random(len(a))).astype(np.int64),
            r.due[b] + ((late_until - r.due)[b] * rng.random(len(b)) ** 1.5).astype(np.int64),
        ])  # fmt: skip
        which = np.concatenate([a, b])
        return [self._in_desk_hours(at, rng), r.number[which], r.person[which]]

    def _in_desk_hours(self, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        days = self.maker.days
        day = self._next_open[days.day(at) - days.first]
        opens, shuts = self.maker.desk_from[day], self.maker.desk_to[day]
        wall = opens + inverse_profile(DESK_HALF_HOURS, rng.random(len(at))) * (shuts - opens - 60)
        return days.utc(day + days.first, wall.astype(np.int64))

    def _information(self, first: int, end: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Days and instants of calls that only ask for information."""
        m = self.maker
        span = np.arange(first, end)
        at = span - m.days.first
        is_open = m.desk_to[at] > 0
        usual = USUAL_CALLS[(span + 3) % 7] * (1 + 0.02 * (at / 365.25 - 2))
        month = (span * DAY).astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12
        usual = usual * np.array([1.06, 0.98, 1.0, 1.03, 1.05, 1.04, 1.05, 1.02, 0.98, 0.97, 0.92, 0.9])[month]
        after_holiday = np.concatenate([[False], ~is_open[:-1] & ((span[1:] + 3) % 7 != 0)])
        usual = usual * np.where(after_holiday, 1.18, 1.0) * rng.gamma(120, 1 / 120, len(span))
        for date_, factor, least in ((stories.STORM_ON, 1.7, 0), (stories.STORM_ON + timedelta(days=1), 1, 830),
                                   (stories.STORM_ON + timedelta(days=2), 1.75, 0), (stories.STORM_2_ON, 1.25, 0),
                                   (stories.STORM_2_ON + timedelta(days=1), 1.8, 0),
                                   (stories.FLOOD_FROM, 1.4, 0), (stories.FLOOD_FROM + timedelta(days=1), 1.9, 0),
                                   (stories.FLOOD_FROM + timedelta(days=2), 1, 420),
                                   (stories.ELECTION_ON, 1.55, 0)):  # fmt: skip
            usual = np.where(span == day_number(date_), np.maximum(usual * factor, least), usual)
        n = rng.poisson(np.where(is_open, usual, 0) * m.scale)
        day = np.repeat(span, n)
        opens, shuts = m.desk_from[day - m.days.first], m.desk_to[day - m.days.first]
        share = inverse_profile(DESK_HALF_HOURS, rng.random(len(day)))
        stormy = (day == day_number(stories.STORM_ON)) & (rng.random(len(day)) < 0.62)
        wall = opens + share * (shuts - opens - 60)
        wall = np.where(stormy, 51_000 + (shuts - 51_060) * rng.random(len(day)) ** 1.2, wall)
        return day, m.days.utc(day, wall.astype(np.int64))

    def roster(self, first: int, end: int, rng: np.random.Generator) -> Shifts:
        """Who works when; about a third more on storm days."""
        m = self.maker
        span = np.arange(first, end)
        weekday = (span + 3) % 7
        chance = np.where(self.is_full[None, :], _FULL_TIME[weekday][:, None], _PART_TIME[weekday][:, None])
        close = [day_number(stories.STORM_ON) + 1] + [day_number(stories.FLOOD_FROM) + k for k in (1, 2)]
        chance = np.where(np.isin(span, close)[:, None], np.maximum(chance * 1.15, 0.4), chance)
        chance = chance * (m.desk_to[span - m.days.first] > 0)[:, None]
        day, agent = np.nonzero(rng.random(chance.shape) < chance)
        full = self.is_full[agent]
        pattern = (agent * 7 + day // 6) % 8
        starts = np.where(full, np.array([7, 7, 7, 8, 8.5, 9.5, 10.5, 10.5])[pattern],
                          np.array([7, 8, 8.5, 8.5, 9, 9, 13, 14])[pattern])  # fmt: skip
        at = span[day] - m.days.first
        late_desk = np.maximum(m.desk_to[at] - 19 * 3600, 0) * (rng.random(len(day)) < 0.6)
        wall = np.maximum((starts * 3600).astype(np.int64), m.desk_from[at]) + late_desk
        length = np.where(full, 8 * 3600 + 1800, 5 * 3600)
        until = np.minimum(wall + length, m.desk_to[at])
        wall = np.minimum(wall, until - 4 * 3600)
        start, finish = m.days.utc(span[day], wall), m.days.utc(span[day], until)
        base = m.days.midnights[first - m.days.first]
        slots = (finish - start) // 1800
        which = np.repeat(np.arange(len(day)), slots)
        within = np.arange(len(which)) - np.repeat(np.cumsum(slots) - slots, slots)
        slot = (start[which] - base) // 1800 + within
        order = np.argsort(slot, kind="stable")
        total = int((m.days.midnights[end - m.days.first] - base) // 1800) + 1
        return Shifts(agent, start, finish, full, which[order], np.searchsorted(slot[order], np.arange(total + 1)))

    def take(
        self, first: int, end: int, chunk: int, r: Opened
    ) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, pd.DataFrame, pd.DataFrame | None]:
        """Contacts of a stretch of days.

        Returns rows of `contact`; for each request the number of the contact that created it and the agent who took
        it (−1 if none); rows of `agent_shift`, and of `agent_state` for the last thirteen months.
        """
        m = self.maker
        rng = np.random.default_rng([m.seed, 5, chunk])
        base, stop = m.days.midnights[first - m.days.first], m.days.midnights[end - m.days.first]
        came = self._who_comes(r, first, end, base, stop, rng)
        shifts = self.roster(first, end, rng)
        on_shift = np.diff(shifts.slot_from)
        queued = (came.channel == 0) & self._is_open(came.at)
        waits, gives_up = self._half_hours(self._slots(came.at, base, on_shift)[queued], on_shift, rng)
        came = self._with_first_tries(came, queued, (waits * gives_up)[self._slots(came.at, base, on_shift)], rng)
        slot, is_open, is_made = self._slots(came.at, base, on_shift), self._is_open(came.at), came.made >= 0
        outcome, wait = self._wait(came, is_open, slot, waits, gives_up, rng)
        handles = (outcome == 0) & np.isin(came.channel, (0, 5))
        shift, agent = self._who_answers(handles, slot, shifts, rng)
        came = came._replace(who=self._who_comes_back(came, handles, np.random.default_rng([m.seed, 9, chunk])))
        talk, hold, wrap = self._talks(came, handles, agent, rng)
        number = self.contacts_so_far + 1 + np.arange(len(came.at))
        self.contacts_so_far += len(came.at)
        contacts, answered_at = self._contact_frame(came, number, is_open, outcome, wait, agent, talk, hold, wrap, rng)
        contact_of, agent_of = np.full(len(r), -1), np.full(len(r), -1)
        contact_of[came.made[is_made]] = number[is_made]
        agent_of[came.made[is_made]] = agent[is_made]
        busy = handles & (shift >= 0)
        states = None
        if end > day_number(stories.AS_OF.date()) - _STATE_MONTHS_DAYS:
            habits = self._habits(shifts, np.random.default_rng([m.seed, 10, chunk]))
            states = self._states(
                shifts, shift[busy], answered_at[busy], talk[busy], hold[busy], wrap[busy], habits, rng
            )
        return contacts, contact_of, agent_of, self._shift_frame(shifts), states

    def _slots(self, at: np.ndarray, base: int, on_shift: np.ndarray) -> np.ndarray:
        """The half-hour of each instant, counted from `base`."""
        return np.clip((at - base) // 1800, 0, len(on_shift) - 1)

    def _is_open(self, at: np.ndarray) -> np.ndarray:
        m = self.maker
        day, wall = m.days.day(at) - m.days.first, m.days.wall(at)
        return (wall >= m.desk_from[day]) & (wall < m.desk_to[day])

    def _who_comes(
        self, r: Opened, first: int, end: int, base: int, stop: int, rng: np.random.Generator
    ) -> Comers:  # fmt: skip
        """Those who report something, ask about it again, only want to know something, or write; day and night."""
        m = self.maker
        self._pending = [np.concatenate(pair) for pair in zip(self._pending, self._ask_again(r, rng), strict=True)]
        when, number, person = self._pending
        due_now = when < min(stop, m.as_of)
        self._pending = [part[~due_now] for part in self._pending]
        known = due_now & (when >= base)
        when, number, person = when[known], number[known], person[known]

        created = np.flatnonzero(r.channel < 6)
        asking = np.where(rng.random(len(when)) < 0.9, 0, np.where(rng.random(len(when)) < 0.7, 3, 2))
        info_at, info_reason = self._what_about(*self._information(first, end, rng), rng)
        written = rng.poisson(38 * m.scale * (end - first))
        written_at = rng.integers(base, min(stop, m.as_of), written)
        written_channel = rng.choice([3, 2, 4], written, p=[0.5, 0.27, 0.23])
        night = rng.poisson(27 * m.scale * (end - first))
        night_at = rng.integers(base, min(stop, m.as_of), night)

        parts = (
            (r.opened[created], r.channel[created], np.zeros(len(created), int), r.number[created], r.person[created]),
            (when, asking, np.ones(len(when), int), number, person),
            (info_at, np.zeros(len(info_at), int), info_reason, None, None),
            (written_at, written_channel, rng.integers(2, 9, written), None, None),
            (night_at, np.zeros(night, int), rng.integers(2, 8, night), None, None),
        )
        at, channel, reason = (np.concatenate([part[k] for part in parts]) for k in range(3))
        request, who = (
            np.concatenate([np.full(len(part[0]), -1) if part[k] is None else part[k] for part in parts])
            for k in (3, 4)
        )
        unknown = (who < 0) & (rng.random(len(who)) < 0.6)
        who = np.where(unknown, rng.integers(0, 100_000, len(who)), who)
        made = np.concatenate([created, np.full(len(at) - len(created), -1)])
        return Comers(at, channel, reason, request, who, made, np.zeros(len(at), bool))

    def _what_about(
        self, day: np.ndarray, at: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """When somebody only wants to know something, and what: most of it the storm on its days, the vote on its."""
        reason = 2 + np.searchsorted(np.cumsum([0.24, 0.22, 0.19, 0.13, 0.12, 0.08]), rng.random(len(at)))
        stormy = np.isin(day, [day_number(d) + k for d, ks in
                               ((stories.STORM_ON, 3), (stories.STORM_2_ON, 2), (stories.FLOOD_FROM, 3))
                               for k in range(ks)])  # fmt: skip
        reason = np.where(stormy & (rng.random(len(at)) < 0.55), 9, reason)
        vote = (day == day_number(stories.ELECTION_ON)) & (rng.random(len(at)) < 0.4)
        return at, np.where(vote, 8, reason)

    def _with_first_tries(
        self, came: Comers, queued: np.ndarray, gave_up: np.ndarray, rng: np.random.Generator
    ) -> Comers:  # fmt: skip
        """In order of arrival, with those who had hung up before they got through; without what the gap swallowed."""
        m = self.maker
        again = np.flatnonzero(queued & (came.made >= 0) & (rng.random(len(came.at)) < gave_up))
        day = m.days.day(came.at)[again]
        opening = m.days.utc(day, m.desk_from[day - m.days.first])
        before = np.maximum(came.at[again] - rng.integers(200, 2_400, len(again)), opening)
        none = np.full(len(again), -1)
        added = (
            before,
            came.channel[again],
            came.reason[again],
            none,
            came.who[again],
            none,
            np.ones(len(again), bool),
        )
        came = Comers(*(np.append(*pair) for pair in zip(came, added, strict=True)))
        keep = m.days.day(came.at) != day_number(stories.GAP_ON)
        order = np.flatnonzero(keep)[np.argsort(came.at[keep], kind="stable")]
        return Comers(*(part[order] for part in came))

    def _who_comes_back(self, came: Comers, handles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Who calls: some only want to know something for the second time, as those did who called days before."""
        m, who = self.maker, came.who.copy()
        asks = np.flatnonzero(handles & (came.channel == 0) & (came.request < 0) & (who >= 0))
        often = _COMES_BACK[came.reason[asks]]
        online = m.days.day(came.at[asks]) >= day_number(stories.PERMITS_ONLINE_FROM)
        often = np.where(online & (came.reason[asks] == _PERMITS), _COMES_BACK_SINCE_ONLINE, often)
        back, drawn = rng.random(len(asks)) < often, rng.random(len(asks))
        first = [part[asks[~back]] for part in (came.at, came.reason, who)]
        at, reason, person = (np.concatenate(pair) for pair in zip(self._lately, first, strict=True))
        for kind in np.unique(reason):
            mine, again = reason == kind, back & (came.reason[asks] == kind)
            when = came.at[asks[again]]
            low, high = (np.searchsorted(at[mine], when - one) for one in (_BACK_TO, _BACK_FROM))
            some = high > low
            picked = (low + (drawn[again] * (high - low)).astype(np.int64))[some]
            who[asks[again][some]] = person[mine][picked]
        late = at >= (came.at[-1] if len(came.at) else 0) - _BACK_TO
        self._lately = [part[late] for part in (at, reason, person)]
        return who

    def _talks(
        self, came: Comers, handles: np.ndarray, agent: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Seconds of talk, hold and wrap of each contact that an agent handles."""
        n = len(came.at)
        pace = np.where(handles, self.speed[np.maximum(agent, 0)], 1.0)
        talk = np.where(handles, _TALK[came.reason] * pace * rng.lognormal(-0.10, 0.45, n), 0)
        hold = np.where(handles & (rng.random(n) < 0.22), rng.gamma(2.0, 45, n), 0)
        wrap = np.where(handles, np.where(came.made >= 0, 62, 24) * rng.lognormal(-0.08, 0.4, n), 0)
        return talk.round(), hold.round(), wrap.round()

    def _contact_frame(
        self, came: Comers, number: np.ndarray, is_open: np.ndarray, outcome: np.ndarray, wait: np.ndarray,
        agent: np.ndarray, talk: np.ndarray, hold: np.ndarray, wrap: np.ndarray, rng: np.random.Generator,
    ) -> tuple[pd.DataFrame, np.ndarray]:  # fmt: skip
        """Rows of `contact`, and when each was answered."""
        m, n = self.maker, len(came.at)
        at, channel, reason, request, who, made, _ = came
        phone, answered = channel == 0, outcome == 0
        handles = answered & np.isin(channel, (0, 5))
        reply = np.isin(channel, (3, 4)) & answered
        desk = m.clocks["desk"]
        answered_at = np.where(handles, at + np.maximum(wait, 20.0 * (channel == 5)).astype(np.int64), NEVER)
        replied = desk.at(desk.elapsed(at[reply]) + rng.lognormal(9.2, 0.9, int(reply.sum())).astype(np.int64))
        answered_at[reply] = np.minimum(replied, m.as_of)
        last = np.where(handles, answered_at + (talk + hold).astype(np.int64), answered_at)
        last = np.where((last >= NEVER) & phone, at + np.where(wait >= 0, wait, 45).astype(np.int64), last)
        moves = handles & (rng.random(n) < self.transfers[np.maximum(agent, 0)])
        solved = np.array([0.80, 0.78, 0.96, 0.9, 0.97, 0.86, 0.93, 0.88, 0.95, 0.93])[reason]
        solved = np.where(handles, solved * self.solves[np.maximum(agent, 0)], solved) * np.where(moves, 0.25, 1.0)
        spanish = rng.random(n)
        language = np.where(spanish < 0.11, 1, np.where(spanish < 0.14, 2, 0))
        queue = np.where(language == 1, 1, np.where(np.isin(reason, (2,)), 2, 0))
        called_back = outcome == 2
        callback = np.where(called_back, np.minimum(at + rng.integers(1_500, 9_000, n), m.as_of - 60), NEVER)
        attempts = np.where(called_back, 1 + (rng.random(n) < 0.2), 0)
        contacts = frame(
            contact_id=numbered("C", number, 9),
            root_contact_id=numbered("C", number, 9),
            channel=words(CHANNELS, channel),
            direction="in",
            queue=words(_QUEUES, np.where(phone & is_open & (outcome < 5), queue, -1)),
            ivr_in_at=instants(np.where(phone, at - np.where(outcome >= 6, 0, rng.integers(15, 50, n)), NEVER)),
            arrived_at=instants(at),
            answered_at=instants(answered_at),
            ended_at=instants(last),
            outcome=words(OUTCOMES, outcome),
            wait_s=number_or_null(wait, wait >= 0),
            talk_s=number_or_null(talk, handles),
            hold_s=number_or_null(hold, handles),
            wrap_s=number_or_null(wrap, handles),
            agent_id=words(self.agent_ids, agent),
            person_key=numbered("p", np.maximum(who, 0), 6, who >= 0),
            reason=words(REASONS, np.where(np.isin(outcome, (1, 5, 7)), -1, reason)),
            language=words(_LANGUAGES, np.where(outcome == 8, 0, language)),
            in_open_hours=is_open,
            transferred_to=words([row[1] for row in DEPARTMENTS], np.where(moves, (number * 7) % 13, -1)),
            request_id=numbered("R", np.maximum(request, 0), 8, (request > 0) & (answered | (outcome == 8))),
            created_request=made >= 0,
            resolved_first=answered & (rng.random(n) < solved),
            callback_due_at=instants(np.where(called_back, np.minimum(at + 7_200, NEVER), NEVER)),
            callback_attempts=attempts,
            callback_connected_at=instants(np.where(rng.random(n) < 0.83, callback, NEVER)),
            src_system="riverton-acd",
            src_id=numbered("", number, 9),
        )
        return contacts, answered_at

    def _half_hours(
        self, slot: np.ndarray, on_shift: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each half-hour: the chance to wait, and of those who wait to give up."""
        calls = np.bincount(slot, minlength=len(on_shift))[: len(on_shift)]
        ready = np.floor(on_shift * _READY_SHARE + rng.random(len(on_shift))).astype(int)
        handle_s = 290.0
        return erlang_a(calls * handle_s / 1800, np.maximum(ready, 1), handle_s)

    def _wait(
        self, came: Comers, is_open: np.ndarray, slot: np.ndarray, waits: np.ndarray, gives_up: np.ndarray,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Outcome of each contact and its wait in seconds (−1 if it never stood in a queue)."""
        at, channel, made, tried = came.at, came.channel, came.made >= 0, came.tried
        day, n, phone = self.maker.days.day(at), len(channel), channel == 0
        queued = phone & is_open
        u = rng.random(n)
        outcome = np.where(np.isin(channel, (0, 3, 4, 5)), 0, 8)
        lost = gives_up[slot]
        mean = PATIENCE_S * lost / (1 - lost)
        stands = rng.random(n) < waits[slot]
        offered = np.where(stands, rng.exponential(1.0, n) * mean, 0.0)
        patience = rng.exponential(PATIENCE_S, n)
        quits = queued & ~made & (patience < offered)
        wait = np.where(made & stands, rng.exponential(1.0, n) * mean / (1 + mean / PATIENCE_S), offered)
        wait = np.where(quits, patience, wait)
        wait = np.where(tried, np.minimum(patience, rng.exponential(1.0, n) * (mean + 20)), wait)
        ringing = rng.integers(2, 8, n)
        short = queued & ~made & (rng.random(n) < 0.011)
        wait = np.where(queued & ~quits & ~tried, wait + ringing, wait)
        wait = np.where(short, rng.integers(1, 5, n), wait)
        outcome = np.where(queued & (quits | tried | short), 1, outcome)
        outcome = np.where((outcome == 1) & ~tried & (wait > 40) & (u < 0.16), 2, outcome)
        free = queued & ~made & ~tried & (outcome == 0)
        outcome = np.where(free & (u < 0.004), 4, outcome)
        outcome = np.where(free & (u > 0.94), np.where(u > 0.955, 6, 7), outcome)
        from_middle = np.abs(at - self.maker.days.utc(day, np.full(n, 34_200)))
        fault = (day == day_number(stories.TELEPHONE_FAULT_ON)) & (from_middle < 5_400)
        outcome = np.where(free & fault & (u < 0.8), 5, outcome)
        outcome = np.where(free & (lost > 0.35) & (u > 0.9) & (u < 0.94), 5, outcome)
        outcome = np.where(phone & ~is_open, np.where(u < 0.55, 3, np.where(u < 0.85, 6, 7)), outcome)
        wait = np.where(queued & (outcome < 5), wait.round(), -1.0)
        return outcome, wait

    def _who_answers(
        self, live: np.ndarray, slot: np.ndarray, shifts: Shifts, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Shift and agent of each live contact, in turn among those on shift; shift −1 where somebody stepped in."""
        shift = np.full(len(live), -1)
        at = np.flatnonzero(live)
        mine = slot[at]
        first = np.searchsorted(mine, mine, side="left")  # contacts are in order of arrival, so of slots
        many = np.diff(shifts.slot_from)[mine]
        offset = rng.integers(0, 1_000, len(shifts.slot_from))[mine]
        turn = (np.arange(len(at)) - first + offset) % np.maximum(many, 1)
        some = many > 0
        shift[at[some]] = shifts.by_slot[(shifts.slot_from[mine] + turn)[some]]
        agent = np.full(len(live), -1)
        agent[at] = rng.integers(0, self.agents, len(at))
        agent[shift >= 0] = shifts.agent[shift[shift >= 0]]
        return shift, agent

    def _shift_frame(self, s: Shifts) -> pd.DataFrame:
        number = self.shifts_so_far + 1 + np.arange(len(s.agent))
        self.shifts_so_far += len(s.agent)
        return frame(
            shift_id=numbered("W", number, 7),
            agent_id=words(self.agent_ids, s.agent),
            start_at=instants(s.start),
            end_at=instants(s.end),
            schedule_code=words(["part", "full"], s.is_full.astype(int)),
            paid_s=(s.end - s.start) - np.where(s.is_full, 1800, 0),
        )

    def _habits(self, s: Shifts, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Seconds of each shift that its agent comes late, has a longer meal, and stays on to finish."""
        n = len(s.agent)
        late = rng.gamma(1.2, 420, n) * (rng.random(n) < 0.6)
        wren = (self.team[s.agent] == TEAMS.index("Wren")) & (
            self.maker.days.day(s.start) >= day_number(stories.WREN_LATE_FROM)
        )
        late += np.where(wren, rng.gamma(6.0, 240, n), 0)
        meal = np.where(s.is_full, rng.gamma(1.0, 300, n), 0)
        stays = rng.gamma(2.0, 360, n) * (rng.random(n) < 0.45)
        return late.astype(np.int64), meal.astype(np.int64), stays.astype(np.int64)

    def _states(
        self, s: Shifts, shift: np.ndarray, at: np.ndarray, talk: np.ndarray, hold: np.ndarray, wrap: np.ndarray,
        habits: tuple[np.ndarray, np.ndarray, np.ndarray], rng: np.random.Generator,
    ) -> pd.DataFrame:  # fmt: skip
        """An hour of a shift at a time: its talk, hold and wrap added up, pauses, and the rest available.

        Who comes late is not there in the first of it; who stays on has wrap-up after the shift.
        """
        late, long_meal, stays = habits
        hours = 9
        n = len(s.agent)
        length = np.clip((s.end - s.start)[:, None] - np.arange(hours)[None, :] * 3600, 0, 3600)
        length[:, -1] = np.maximum(s.end - s.start - (hours - 1) * 3600, 0)
        hour = np.clip((at - s.start[shift]) // 3600, 0, np.maximum((s.end - s.start)[shift] - 1, 0) // 3600)
        cell = shift * hours + np.minimum(hour, hours - 1)
        work = np.stack([np.bincount(cell, part, n * hours).reshape(n, hours) for part in (talk, hold, wrap)])
        pause, meal, other = np.zeros((n, hours)), np.zeros((n, hours)), np.zeros((n, hours))
        pause[:, 2] = pause[s.is_full, 6] = 900
        meal[s.is_full, 4] = 1800
        trained = rng.random(n) < 0.08
        other[trained, 1] = 1500
        pause[:, 1] += np.where(trained, 0, 240)
        pause[:, 3] += 300
        off = np.minimum(pause + meal + other, length)
        room = length - off
        work *= np.minimum(1.0, room / np.maximum(work.sum(axis=0), 1.0))[None]
        spent = np.stack([*np.floor(work), np.minimum(pause, length), meal * (length > 1800), other * (length > 2400)])
        spent[3:] *= np.minimum(1.0, length / np.maximum(spent[3:].sum(axis=0), 1.0))
        spent = np.floor(spent).astype(np.int64)
        rest = np.maximum(length - spent.sum(axis=0), 0)
        everything = np.concatenate([rest[None], spent]).transpose(1, 2, 0)  # shift, hour, state
        longer = np.minimum(long_meal, everything[:, 4, 0])
        everything[:, 4, 0] -= longer
        everything[:, 4, 5] += longer
        on_the_hour = s.start[:, None] + np.arange(hours)[None, :] * 3600
        begins = on_the_hour[:, :, None] + np.cumsum(everything, axis=2) - everything
        late = np.minimum(late, everything[:, 0, 0])
        begins[:, 0, 0] += late
        everything[:, 0, 0] -= late
        long = everything > 0
        who = np.broadcast_to(s.agent[:, None, None], long.shape)[long]
        state = np.broadcast_to(np.arange(7)[None, None, :], long.shape)[long]
        start, seconds = begins[long], everything[long]
        on = stays > 0
        who, state = np.append(who, s.agent[on]), np.append(state, np.full(on.sum(), 3))
        start, seconds = np.append(start, s.end[on]), np.append(seconds, stays[on])
        oldest = self.maker.as_of - _STATE_MONTHS_DAYS * DAY
        gap = self.maker.days.midnights[day_number(stories.GAP_ON) - self.maker.days.first]
        kept = (start >= oldest) & ~((start >= gap) & (start < gap + DAY))
        return frame(
            agent_id=words(self.agent_ids, who[kept]),
            start_at=instants(start[kept]),
            end_at=instants((start + seconds)[kept]),
            state=words(["available", "talk", "hold", "wrap", "break", "meal", "training"], state[kept]),
        )
