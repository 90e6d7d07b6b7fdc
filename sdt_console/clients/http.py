"""Plain HTTP: a service asked for its health."""

from __future__ import annotations

from typing import Any

from sdt_console.clients.call import Caller
from sdt_console.errors import CloudError


class HttpClient:
    """GET requests over a pool of connections; redirects are not followed, nothing is retried."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller
        self._pool: Any = None

    async def status(self, url: str, limit: float) -> int:
        """Status code of a GET.

        :param limit: seconds for the connection and for the answer, each.
        :raises CloudError: no answer within ``limit``, or no connection.
        """
        return await self._call("http:Get", self._get, url, limit)

    def _get(self, url: str, limit: float) -> int:
        import urllib3

        if self._pool is None:
            self._pool = urllib3.PoolManager(maxsize=16)
        try:
            answer = self._pool.request("GET", url, timeout=limit, retries=False, redirect=False)
        except urllib3.exceptions.TimeoutError:
            raise CloudError(f"{url} did not answer", f"no answer within {limit:g} s") from None
        except urllib3.exceptions.HTTPError as error:
            raise CloudError(f"{url} did not answer", _brief(error)) from None
        return int(answer.status)


def _brief(error: Exception) -> str:
    text = str(error)
    return "connection refused" if "refused" in text else text.rpartition(": ")[2]
