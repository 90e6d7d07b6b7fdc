"""The SDK's sessions: opened quickly, and with a role that is assumed again before its session ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

SESSION_NAME = "sdt-console"


def _now() -> datetime:
    return datetime.now(UTC)


def opened(region: str | None, profile: str | None) -> Any:
    """A botocore session; boto3's would load its resources besides, which nobody here needs.

    :param region: ``None`` for the SDK's own choice.
    """
    import botocore.session

    session = botocore.session.Session(profile=profile)
    if region:
        session.set_config_variable("region", region)
    session.register_component("data_loader", loader(session.get_config_variable("data_path")))
    return session


def assumed(source: Any, role: str, config: Any, now: Callable[[], datetime] = _now) -> Any:
    """A session with ``role``, assumed by the credentials of ``source``; blocks.

    A role's session ends after an hour: it is assumed again some minutes before, by the call that needs it.

    :raises botocore.exceptions.ClientError: of AssumeRole: it may not be assumed.
    """
    from botocore.credentials import CredentialResolver, DeferredRefreshableCredentials

    region = source.get_config_variable("region")
    sts = source.create_client("sts", config=config)

    def assume() -> dict[str, str]:
        given = sts.assume_role(RoleArn=role, RoleSessionName=SESSION_NAME)["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    credentials = DeferredRefreshableCredentials(assume, "assume-role", now)
    credentials.get_frozen_credentials()
    session = opened(region, None)
    session.register_component("credential_provider", CredentialResolver([_Ready(credentials)]))
    return session


class _Ready:
    """What botocore asks for credentials, with some that are there."""

    METHOD = "assume-role"
    CANONICAL_NAME = None

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load(self) -> Any:
        return self._credentials


def loader(data_path: str | None = None) -> Any:
    """A loader of the SDK's files; which services there are it learns without looking into their folders.

    Looking into the four hundred of them takes as long as a call to AWS.

    :param data_path: folders with files of one's own, as in ``AWS_DATA_PATH``.
    """
    from botocore.loaders import Loader, create_loader

    class Quick(Loader):  # type: ignore[misc]  # botocore has no types
        def list_available_services(self, type_name: str) -> list[str]:
            found: set[str] = set()
            for folder in self.search_paths:
                with suppress(OSError):
                    found.update(os.listdir(folder))  # noqa: PTH208 -- names are all that is wanted
            return sorted(found)

    paths = create_loader(data_path).search_paths
    return Quick(extra_search_paths=paths, include_default_search_paths=False)
