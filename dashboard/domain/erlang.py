"""Queues of callers before a group of agents: how long they wait, how many hang up, how many agents it takes.

Pure and vectorised: loads and agents in, chances out; arguments are broadcast against each other. The load is in
erlangs, calls a second times the seconds each takes; callers arrive at random, and times are exponential. Erlang C
knows callers who wait for ever; in Erlang A they hang up when their patience ends. Erlang A follows from the time that
a caller of endless patience would wait (Zeltyn and Mandelbaum 2005), whose integrals are incomplete gamma functions;
the tests hold it against the birth–death chain. Source: measures reference, A14.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaln

Numbers = npt.NDArray[np.float64]

MOST_BUSY = 0.85
"""Agents are not planned to be on calls for more of their time than this."""
HANG_UPS_COUNT = 0.02
"""Where more of the callers hang up, Erlang C, which knows none who do, asks for too many agents."""
MOST_AGENTS = 20_000
"""A group that would need more is none that answers calls."""


@dataclass(frozen=True)
class Queue:
    """What callers meet; arrays of one shape.

    Parameters
    ----------
    waits
        The chance to wait at all.
    hangs_up
        The share that hangs up: 0 in Erlang C.
    wait_s
        Seconds waited on average, by those who hang up too; infinite where the queue grows without end.
    busy
        The share of their time that agents are on calls.
    served, left
        The share answered within `within_s` seconds, and the share that hung up within them.
    left_short
        The share that hung up within `short_s` seconds.
    """

    waits: Numbers
    hangs_up: Numbers
    wait_s: Numbers
    busy: Numbers
    served: Numbers
    left: Numbers
    left_short: Numbers

    def service_level(self, variant: str) -> Numbers:
        """The service level as it is counted under one of the six customs (measures A6)."""
        over, under = {
            "offered": (self.served, 1.0),
            "excl_early": (self.served, 1.0 - self.left),
            "early_counts": (self.served + self.left, 1.0),
            "answered": (self.served, 1.0 - self.hangs_up),
            "excl_short": (self.served, 1.0 - self.left_short),
            "short_counts": (self.served + self.left_short, 1.0),
        }.get(variant, (self.served, 1.0))
        base = np.broadcast_to(np.asarray(under, float), np.shape(over))
        return np.divide(over, base, out=np.zeros(np.shape(over)), where=base > 0)


@dataclass(frozen=True)
class Callers:
    """Who calls: how long a call takes, how long they wait before they hang up, and what is measured.

    Parameters
    ----------
    handle_s
        Seconds that a call takes an agent; a number, or one for each load.
    patience_s
        Mean seconds before a caller hangs up; None: never (Erlang C).
    within_s, short_s
        Within how many seconds a call is answered in time, and a hang-up is a short one.
    """

    handle_s: npt.ArrayLike
    patience_s: float | None = None
    within_s: float = 30.0
    short_s: float = 5.0

    def meeting(self, load: npt.ArrayLike, agents: npt.ArrayLike) -> Queue:
        """What they meet where so many `agents` (whole numbers) take a `load` in erlangs."""
        load, agents = np.broadcast_arrays(np.asarray(load, float), np.asarray(agents, np.int64))
        return self.with_blocking(load, agents, erlang_b(load, agents))

    def with_blocking(self, load: Numbers, agents: npt.NDArray[np.int64], blocked: Numbers) -> Queue:
        """The same where Erlang B of the load and the agents is known."""
        handle = np.broadcast_to(np.asarray(self.handle_s, float), load.shape)
        if self.patience_s is None:
            return _erlang_c(load, agents, blocked, handle, self.within_s)
        return _erlang_a(load, agents, blocked, handle, self.patience_s, self.within_s, self.short_s)


def erlang_b(load: npt.ArrayLike, agents: npt.ArrayLike) -> Numbers:
    """The chance that all agents are busy where nobody can wait; by recursion, without factorials."""
    load, agents = np.broadcast_arrays(np.asarray(load, float), np.asarray(agents, np.int64))
    blocked = np.ones(load.shape)
    found = blocked.copy()
    for n in range(1, int(agents.max(initial=0)) + 1):
        blocked = load * blocked / (n + load * blocked)
        found = np.where(agents == n, blocked, found)
    return found


def _erlang_c(
    load: Numbers, agents: npt.NDArray[np.int64], blocked: Numbers, handle: Numbers, within_s: float
) -> Queue:  # fmt: skip
    spare = agents - load
    is_stable = spare > 0
    room = np.where(is_stable, spare, 1.0)
    waits = np.where(is_stable, agents * blocked / np.where(is_stable, agents - load * (1 - blocked), 1.0), 1.0)
    wait = np.where(is_stable, waits * handle / room, np.inf)
    served = np.where(is_stable, 1 - waits * np.exp(-room * within_s / handle), 0.0)
    none = np.zeros(load.shape)
    busy = np.minimum(np.divide(load, agents, out=np.ones(load.shape), where=agents > 0), 1.0)
    nobody = load <= 0  # who would call is answered by anybody there is
    waits, wait = (np.where(nobody & (agents > 0), 0.0, one) for one in (waits, wait))
    return Queue(waits, none, wait, busy, np.where(nobody & (agents > 0), 1.0, served), none, none)


def _erlang_a(
    load: Numbers, agents: npt.NDArray[np.int64], blocked: Numbers, handle: Numbers, patience: float, within_s: float,
    short_s: float,
) -> Queue:  # fmt: skip
    """Erlang A. With x = Nμ/θ and y = λ/θ the time V that endless patience would wait has, for N agents,
    P(V > t) = P(V > 0) · P(x, y·e^{−θt}) / P(x, y), where P is the regularised lower incomplete gamma function.
    """
    some = (agents > 0) & (load > 0)
    x, y = (np.where(some, one, 1.0) * patience / handle for one in (agents, load))
    whole = _log_lower(x, y)
    # A(x, y)·B/(1 + (A(x, y) − 1)·B) of the reference, as odds, in logs until they are small.
    log_a = np.log(x) + y - x * np.log(y) + whole + gammaln(x)
    log_odds = log_a + np.log(np.maximum(blocked, 1e-300)) - np.log(np.maximum(1 - blocked, 1e-300))
    waits = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
    rho = x / y  # capacity over load
    of_waiting = np.clip(rho * np.exp(-np.minimum(log_a, 700)) + 1 - rho, 0.0, 1.0)

    def within(seconds: float) -> tuple[Numbers, Numbers]:
        """The shares answered, and hung up, within so many seconds."""
        fades = np.exp(-seconds / patience)
        still = waits * np.exp(_log_lower(x, y * fades) - whole)
        later, sooner = (np.exp(_log_lower(x + 1, y * part) - whole) for part in (1.0, fades))
        served = 1 - waits + waits * rho * (later - sooner)
        return served, np.maximum(1 - served - fades * still, 0.0)

    served, left = within(within_s)
    _, short = within(short_s)
    quiet = (load <= 0) & (agents > 0)  # who would call is answered at once
    alone = agents <= 0  # and where nobody is, everybody hangs up in the end

    def told(known: Numbers, where_quiet: float, where_alone: float) -> Numbers:
        return np.where(quiet, where_quiet, np.where(alone, where_alone, known))

    gone = told(waits * of_waiting, 0.0, 1.0)
    left, short = (told(one, 0.0, -np.expm1(-s / patience)) for one, s in ((left, within_s), (short, short_s)))
    busy = np.divide(load * (1 - gone), agents, out=np.ones(load.shape), where=agents > 0)
    return Queue(told(waits, 0.0, 1.0), gone, gone * patience, busy, told(served, 1.0, 0.0), left, short)


def _log_lower(x: Numbers, y: Numbers) -> Numbers:
    """The logarithm of the regularised lower incomplete gamma function, also where that is too small for a number."""
    found = gammainc(x, y)
    is_tiny = found < 1e-280
    known = np.array(np.log(np.where(is_tiny, 1.0, found)))
    if not is_tiny.any():
        return known
    # There y is far below x, and the series Σ yᵏ / ((x + 1) … (x + k)) ends soon.
    a, b = (np.asarray(one)[is_tiny] for one in (x, y))
    term = total = np.ones(len(a))
    for k in range(1, 10_000):
        term = term * b / (a + k)
        total = total + term
        if (term < 1e-16 * total).all():
            break
    known[is_tiny] = a * np.log(b) - b - gammaln(a + 1) + np.log(total)
    return known


def required(
    load: npt.ArrayLike, callers: Callers, share: float, *, variant: str = "offered", most_busy: float = MOST_BUSY,
    least: int = 1,
) -> npt.NDArray[np.int64]:  # fmt: skip
    """The fewest agents with whom `share` of the calls are in time and who are busy for `most_busy` at the most.

    Compared unrounded: 79.56 % is not 80 %. 0 where nobody calls, else `least` or more. In Erlang C more agents than
    the load, as the queue grows otherwise. Raises ValueError for a share of 1 and more, which no number reaches.
    """
    if not 0 <= share < 1:
        raise ValueError(f"a share of {share} is reached by no number of agents")
    load = np.atleast_1d(np.asarray(load, float))
    handle = np.broadcast_to(np.asarray(callers.handle_s, float), load.shape)
    found = np.zeros(load.shape, np.int64)
    open_ = load > 0
    # Where every hang-up counts no more hang up than the share allows; fewer agents would be too busy with the rest.
    first = load * share / most_busy if variant == "offered" and most_busy > 0 else np.zeros(load.shape)
    blocked = np.ones(load.shape)
    for n in range(1, MOST_AGENTS + 1):
        blocked = load * blocked / (n + load * blocked)
        if not open_.any():
            break
        at = np.flatnonzero(open_ & (n >= first - 1e-9))
        one = Callers(handle[at], callers.patience_s, callers.within_s, callers.short_s)
        met = one.with_blocking(load[at], np.full(len(at), n), blocked[at])
        enough = (met.service_level(variant) >= share) & (met.busy <= most_busy + 1e-12) & (n >= least)
        if callers.patience_s is None:
            enough &= n > load[at]
        found[at[enough]] = n
        open_[at[enough]] = False
    return found


def patience(waited_s: float, hung_up: float) -> float | None:
    """How many seconds callers wait before they hang up, on average; None if nobody did.

    The waits of all, of those who were answered too, over the number that hung up: whoever was answered would have
    waited longer (the maximum likelihood of exponential patience, censored by being answered).
    """
    return waited_s / hung_up if hung_up > 0 and waited_s > 0 else None


def rostered(agents: npt.ArrayLike, shrinkage: float) -> npt.NDArray[np.int64]:
    """How many have to be on the roster so that `agents` are there: 21 at a shrinkage of 30 % are 30, not 31."""
    return np.ceil(np.asarray(agents, float) / (1 - shrinkage) - 1e-9).astype(np.int64)
