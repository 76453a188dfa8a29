"""How often a token may ask. Redis counts; without Redis nobody is kept waiting."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tenancy import clock

WINDOW_SECONDS = 60
_log = logging.getLogger(__name__)


class TokenThrottle(BaseThrottle):
    """At most ``APPORTION_API_REQUESTS_PER_MINUTE`` of one token in each minute of the clock.

    The count is one atomic increment, so that many web processes count together. A limit is
    there to keep the service up: it must not be what takes it down, so that an unreachable Redis
    lets the request pass and says so in the log.
    """

    def __init__(self) -> None:
        self._seconds_left = WINDOW_SECONDS

    def allow_request(self, request: Request, view: Any) -> bool:
        window, passed = divmod(int(clock.now().timestamp()), WINDOW_SECONDS)
        self._seconds_left = WINDOW_SECONDS - passed
        digest = hashlib.sha256(str(request.auth).encode()).hexdigest()
        try:
            return _count(f"api:{digest}:{window}") <= settings.APPORTION.api_requests_per_minute
        except RedisError as error:
            _tell(window, error)
            return True

    def wait(self) -> int:
        """Seconds until the next minute begins."""
        return self._seconds_left


_told = {"window": -1}


def _tell(window: int, error: RedisError) -> None:
    """Once a minute: an outage must not fill the log as fast as requests come."""
    if _told["window"] != window:
        _told["window"] = window
        _log.warning("Redis does not answer, requests of tokens are not counted: %s", error)


def _count(key: str) -> int:
    cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
    return int(cache.incr(key))
