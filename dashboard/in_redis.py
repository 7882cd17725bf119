"""Finished answers kept in Redis, for machines that share them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from flask_caching.backends.rediscache import RedisCache
from redis import RedisError

from dashboard.cache import BytesOnly

log = logging.getLogger(__name__)

KEPT_S = 7 * 86400
"""So long Redis keeps an answer that nobody asks again; the others count how many they hold."""
WAITED_S = 0.2
"""So long Redis is waited for."""
LOST_S = 10.0
"""So long it is not asked again when it did not answer: meanwhile every answer is computed."""


class InRedis(RedisCache):
    """Answers kept in Redis for every process; where it does not answer, nothing is known and nothing is kept."""

    serializer = BytesOnly()  # type: ignore[assignment]
    _lost_until = 0.0

    def get(self, key: str) -> Any:
        """What is kept under `key`, or None."""
        return self._tried(partial(super().get, key))

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None) -> Any:
        """Keep `value` under `key`."""
        return self._tried(partial(super().set, key, value, timeout))

    def _tried(self, what: Callable[[], Any]) -> Any:
        if time.monotonic() < self._lost_until:
            return None
        try:
            return what()
        except (RedisError, OSError) as problem:
            log.warning("Redis does not answer (%s): answers are computed.", type(problem).__name__)
            self._lost_until = time.monotonic() + LOST_S
            return None


def settings_of(address: str) -> dict[str, Any]:
    """What flask-caching is told to keep answers in the Redis at `address`."""
    return {
        "CACHE_TYPE": "dashboard.in_redis.InRedis", "CACHE_REDIS_URL": address, "CACHE_KEY_PREFIX": "dashboard311:",
        "CACHE_OPTIONS": {"socket_connect_timeout": WAITED_S, "socket_timeout": WAITED_S},
        "CACHE_DEFAULT_TIMEOUT": KEPT_S,
    }  # fmt: skip
