"""What a registry's answer, or its silence, means; said without what an address or an answer might hold of logins."""

import requests

from trust.errors import RegistryFailed
from trust.registry.credentials import AUTH_FILE_VARIABLE
from trust.registry.reference import Reference


def require_answer(response: requests.Response, name: str, reference: Reference) -> None:
    """Raise `RegistryFailed` when the registry refuses; the name is what was asked for."""
    if response.ok:
        return
    response.close()
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        raise RegistryFailed(
            f"the registry of {reference} wants another login ({response.status_code}): `podman login --authfile "
            f"FILE {reference.host}` writes one, and registry_auth_file or {AUTH_FILE_VARIABLE} names the file"
        )
    raise RegistryFailed(f"the registry answers {response.status_code} {response.reason} on {name} of {reference}")


def unanswered(reference: Reference, error: Exception, proxy: str | None) -> RegistryFailed:
    """Return the failure of a request that got no answer, with the proxy that it went through.

    The error's own text is not shown: it may hold the token of a redirected address.
    """
    through = "" if proxy is None else f", asked through the proxy {proxy} of the environment (https_proxy, no_proxy)"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        said = "its certificate is not valid here: registry_ca names the authority of one's own"
        return RegistryFailed(f"the registry of {reference} cannot be trusted: {said}")
    if isinstance(error, requests.exceptions.SSLError):
        return RegistryFailed(f"the registry of {reference} does not speak https")
    return RegistryFailed(f"the registry of {reference} does not answer ({type(error).__name__}){through}")
