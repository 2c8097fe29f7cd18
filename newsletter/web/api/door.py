"""Who may: the key in a request's Authorization header (RFC 6750), and whether it has the scope that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.pipeline.api_keys import key_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.access import Scope
    from newsletter.store import Store

SCHEME = "key"  # its name in the OpenAPI document
_REALM = 'Bearer realm="newsletter"'


class Door:
    """Lets requests in. `clock` returns the present instant, aware, UTC."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def check(self, authorization: str, needed: Scope) -> None:
        """Let a request with this header pass.

        Raises:
            HTTPException: 401, it shows no key, or one that is none or was revoked; 403, its key has another scope.
        """
        scheme, _, text = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise HTTPException(401, headers={"WWW-Authenticate": _REALM})
        key = key_for(self._store, text.strip(), now=self._clock())
        if key is None:
            raise HTTPException(
                401,
                "This key is none, or was revoked.",
                headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
            )
        if needed not in key.scopes:
            raise HTTPException(
                403,
                f"This key does not have the scope {needed}.",
                headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{needed}"'},
            )
