"""The rate limit of each API key."""

from __future__ import annotations

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.responses import JSONResponse

from customer_revenue.service.error_responses import error_response


class RateLimit:
    """Limits the requests per minute of each key, in this worker.

    Args:
        requests_per_minute: maximum for each key; 0 for no limit.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(requests_per_minute) if requests_per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def refusal(self, key_name: str) -> JSONResponse | None:
        """Count a request of a key; a response 429 if it exceeds the limit, otherwise ``None``."""
        if self._limit is None or self._limiter.hit(self._limit, key_name):
            return None
        seconds = max(1, round(self._limiter.get_window_stats(self._limit, key_name).reset_time - time.time()))
        message = (
            f"the key {key_name} may send {self._limit.amount} requests per minute to each worker; wait {seconds} s"
        )
        response = error_response(429, "too_many_requests", message)
        response.headers["Retry-After"] = str(seconds)
        return response
