"""botocore's exceptions in our words: what, why, what next."""

from __future__ import annotations

from typing import Any

from sdt_console.errors import CloudError, CredentialsError, NotAllowedError, SdtError, UnreachableError

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_EXPIRY, _LOG_IN = "the AWS credentials have expired", "log in again, then run again"
_REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException"}
_UNKNOWN_CALL = {"UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented"}
_PREFIXES = {"elbv2": "elasticloadbalancing"}
"""Where IAM's prefix is not the SDK's name of the service."""

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
        "429",
    }
)
"""Codes of a call that was refused because there were too many, and was not carried out."""


def error_code(error: BaseException) -> str:
    """AWS's error code of a ``ClientError``; empty for any other exception."""
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    return str(response.get("Error", {}).get("Code", ""))


def no_such_call(error: BaseException) -> bool:
    """Whether the endpoint does not know the call; one that is not AWS's may say so with a page of HTML."""
    code = error_code(error)
    if code not in ("404", "500", "501"):  # the HTTP status, where the answer names no code
        return code in _UNKNOWN_CALL
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Message", "")).lstrip().startswith("<")


def translate(operation: str, error: Exception) -> SdtError | None:
    """Our error for an SDK's exception; ``None`` if it is a defect of ours and should be seen as one.

    :param operation: such as ``ecs:DescribeServices``.
    """
    from botocore import exceptions as sdk
    from botocore.parsers import ResponseParserError

    if isinstance(error, sdk.ClientError):
        if error.operation_name == "AssumeRole":  # a role is assumed again by whichever call needs it
            operation = "sts:AssumeRole"
        return _refused_by_aws(operation, error)
    if isinstance(error, sdk.NoCredentialsError | sdk.PartialCredentialsError):
        return CredentialsError(
            "no AWS credentials",
            str(error).rstrip("."),
            "set AWS_PROFILE or --profile, run `aws sso login`, or try the sandbox with --sandbox",
        )
    if isinstance(error, sdk.ProfileNotFound):
        return CloudError(str(error).rstrip("."), next="see `aws configure list-profiles`")
    if isinstance(error, sdk.TokenRetrievalError | sdk.SSOTokenLoadError | sdk.UnauthorizedSSOTokenError):
        return CredentialsError("the SSO session has ended", str(error).rstrip("."), "run `aws sso login`")
    if isinstance(error, sdk.NoRegionError):
        return CloudError("no AWS region", next="set AWS_REGION or --region")
    if isinstance(error, sdk.ConnectionError | sdk.HTTPClientError):
        unsent = isinstance(error, sdk.ConnectionError)  # the SDK's own class: no connection was made
        return UnreachableError(
            f"{operation} {'did not reach AWS' if unsent else 'was not answered'}",
            str(error).rstrip("."),
            "check the network, AWS_ENDPOINT_URL and --region, then run again",
        )
    if isinstance(error, ResponseParserError):
        told = str(error).partition("\n")[0]
        return UnreachableError(f"the answer to {operation} cannot be read", told)
    if isinstance(error, sdk.ParamValidationError):
        return None
    if isinstance(error, RuntimeError) and "credentials are still expired" in str(error):
        # botocore has no class for it: credentials that carry their end, such as AWS_CREDENTIAL_EXPIRATION.
        return CredentialsError(_EXPIRY, str(error), _LOG_IN)
    if isinstance(error, sdk.BotoCoreError):
        return CloudError(f"{operation} failed", str(error).rstrip("."))
    return None


def _refused_by_aws(operation: str, error: Any) -> SdtError:
    code = error_code(error)
    message = str(error.response.get("Error", {}).get("Message", "")).rstrip(".") or code
    if code in _EXPIRED:
        return CredentialsError(_EXPIRY, message, _LOG_IN)
    if code in _UNKNOWN_KEY:
        return CredentialsError(
            "AWS does not accept these credentials", message, "check AWS_PROFILE or --profile"
        )
    if code in _REFUSED:
        return NotAllowedError(_action(operation), message)
    if code in THROTTLED:
        return UnreachableError(f"{operation} is throttled", message, "wait a minute, then run again")
    failed = UnreachableError if _on_its_side(error) else CloudError
    return failed(f"{operation} failed: {code}", message)


def _on_its_side(error: Any) -> bool:
    """Whether AWS failed, rather than refused; a call that the endpoint does not know never works."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return status >= 500 and not no_such_call(error)


def _action(operation: str) -> str:
    """The right that allows ``operation``, as IAM spells it."""
    service, _, name = operation.partition(":")
    return f"{_PREFIXES.get(service, service)}:{name}"
