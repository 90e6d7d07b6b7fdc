"""The errors that Amazon ECS answers with."""

from __future__ import annotations


class ApiError(Exception):
    """An error of an AWS JSON API.

    :param code: the exception's name in the API reference.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def client(message: str) -> ApiError:
    return ApiError("ClientException", message)


def invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def cluster_not_found() -> ApiError:
    return ApiError("ClusterNotFoundException", "Cluster not found.")


def service_not_found() -> ApiError:
    return ApiError("ServiceNotFoundException", "Service not found.")


def service_not_active() -> ApiError:
    return ApiError("ServiceNotActiveException", "Service was not ACTIVE.")


def unsupported(message: str) -> ApiError:
    return ApiError("UnsupportedFeatureException", message)
