"""One boto3 session an environment: region, profile, role, and a client for each service made once."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from sdt_console.clients.call import Caller


class Aws:
    """Makes boto3 clients on first use; the SDK is imported then, not before.

    :param region: ``None`` for the SDK's own choice.
    :param role: ARN of a role to assume; empty for none.
    """

    def __init__(
        self, caller: Caller, *, region: str | None, profile: str | None = None, role: str = ""
    ) -> None:
        self.call = caller
        self.region = region
        self._profile = profile
        self._role = role
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.expiration: datetime | None = None
        """When the assumed role's session ends; nothing renews it. ``None`` without a role."""

    def client(self, service: str) -> Any:
        """The boto3 client for ``service`` (``ecs``, ``ecr``, …). Blocks: call it on the caller's pool."""
        with self._lock:  # a session is not thread-safe while it makes a client
            if service not in self._clients:
                self._clients[service] = self._new_session().client(service, config=self._config())
            return self._clients[service]

    def credentials(self) -> Any:
        """botocore's credentials of the session, or ``None``. Blocks: call it on the caller's pool."""
        with self._lock:
            return self._new_session().get_credentials()

    async def read(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Call ``operation`` (boto3's name, ``describe_services``), which only reads."""
        return await self.call(f"{service}:{_camel(operation)}", self._invoke, service, operation, parameters)

    async def change(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Call ``operation``, which changes something."""
        name = f"{service}:{_camel(operation)}"
        return await self.call.change(name, self._invoke, service, operation, parameters)

    async def pages(self, service: str, operation: str, key: str, /, **parameters: Any) -> list[Any]:
        """All items under ``key`` of a paged ``operation``."""
        name = f"{service}:{_camel(operation)}"
        return await self.call(name, self._all_pages, service, operation, key, parameters)

    async def all(self, service: str, operation: str, key: str, /, **parameters: Any) -> list[Any]:
        """All items under ``key`` of an operation paged by ``nextToken`` for which the SDK has no paginator."""
        items: list[Any] = []
        token: dict[str, Any] = {}
        while True:
            answer = await self.read(service, operation, **parameters, **token)
            items += answer.get(key, [])
            if not answer.get("nextToken"):
                return items
            token = {"nextToken": answer["nextToken"]}

    def _invoke(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.client(service), operation)(**parameters)
        return answer

    def _all_pages(self, service: str, operation: str, key: str, parameters: dict[str, Any]) -> list[Any]:
        paginator = self.client(service).get_paginator(operation)
        return [item for page in paginator.paginate(**parameters) for item in page.get(key, [])]

    def _new_session(self) -> Any:
        if self._session is None:
            import boto3

            session = boto3.Session(region_name=self.region, profile_name=self._profile)
            self._session = self._assumed(session) if self._role else session
        return self._session

    def _assumed(self, session: Any) -> Any:
        import boto3

        answer = session.client("sts", config=self._config()).assume_role(
            RoleArn=self._role, RoleSessionName="sdt-console"
        )
        given = answer["Credentials"]
        self.expiration = given["Expiration"]
        return boto3.Session(
            region_name=self.region,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    @staticmethod
    def _config() -> Any:
        from botocore.config import Config

        return Config(
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=32,
            retries={"mode": "standard", "max_attempts": 5},
            user_agent_appid="sdt-console",
        )


def _camel(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))
