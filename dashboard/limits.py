"""How much one address may ask in a minute, counted in this process or, for several processes, in Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItem
from limits.errors import ConfigurationError
from limits.storage import MemoryStorage
from limits.strategies import STRATEGIES, MovingWindowRateLimiter

from dashboard.domain.errors import BadRequest
from dashboard.settings import Settings

WAITED_S = 0.5
"""So long Redis is waited for; a process that cannot reach it counts by itself until it can."""


class _InTurn(MovingWindowRateLimiter):
    """Any minute, wherever it begins; one thread at a time where it is counted in memory.

    Two threads that count in the same instant may both start the library's timer, and one of them fails for it.
    """

    def __init__(self, storage: Any):
        super().__init__(storage)
        self._turn = threading.Lock() if isinstance(storage, MemoryStorage) else nullcontext()

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Count one more, and say whether that was still allowed."""
        with self._turn:
            return super().hit(item, *identifiers, cost=cost)


STRATEGIES["moving-window, in turn"] = _InTurn


def add_limits(server: Flask, settings: Settings, is_free: Callable[[], bool] = lambda: False) -> Limiter:
    """Refuse with 429 what an address asks of `server` beyond the settings' number, unless `is_free` says so.

    No minute, wherever it begins, holds more than that number. Raises BadRequest if the driver for Redis is missing.
    """
    most = settings.requests_per_minute
    in_redis = {"socket_connect_timeout": WAITED_S, "socket_timeout": WAITED_S} if settings.limits else {}
    try:
        return Limiter(
            _whose, app=server, strategy="moving-window, in turn", headers_enabled=False,
            storage_uri=settings.limits or "memory://", storage_options=in_redis,  # type: ignore[arg-type]
            key_prefix="dashboard311", in_memory_fallback_enabled=bool(settings.limits),
            default_limits=[f"{most} per minute"] if most else [], default_limits_exempt_when=is_free,
        )  # fmt: skip
    except ConfigurationError:
        raise BadRequest("DASHBOARD311_LIMITS wants the driver for Redis: pip install 'dashboard311[redis]'.") from None


def _whose() -> str:
    """Whose requests are counted together."""
    return request.remote_addr or "nobody"
