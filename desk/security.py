"""Headers, cookies and CSRF tokens."""

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from sanic import Request
from sanic.exceptions import Forbidden
from sanic.response import HTTPResponse

from desk.logins import SESSION_LIFETIME, same
from desk.settings import Settings

SESSION_COOKIE = "tandem_desk"
LOGIN_COOKIE = "tandem_login"


def security_headers(settings: Settings) -> dict[str, str]:
    """The headers of every answer. Scripts come from the desk alone; only the chat talks to the assistant as well."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": " ".join(["'self'", *_origins(settings.assistant_url)]),
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        # Pages and answers hold customers' data: a shared computer must not keep them.
        "Cache-Control": "no-store",
    }


def _origins(url: str) -> list[str]:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return [f"{parts.scheme}://{parts.netloc}", f"{'wss' if secure else 'ws'}://{parts.netloc}"]


def set_cookie(response: HTTPResponse, settings: Settings, name: str, value: str, seconds: int) -> None:
    """A cookie that scripts cannot read and other sites cannot use."""
    response.add_cookie(
        name,
        value,
        path="/desk",
        httponly=True,
        samesite="Lax",
        secure=settings.secure_cookies,
        max_age=seconds,
    )


def set_session_cookie(response: HTTPResponse, settings: Settings, token: str) -> None:
    """The cookie of a log-in."""
    set_cookie(response, settings, SESSION_COOKIE, token, int(SESSION_LIFETIME.total_seconds()))


def given_token(request: Request) -> str | None:
    """The CSRF token of a post: a header from htmx, a field from a plain form."""
    header = request.headers.get("x-csrf-token")
    return header or (request.form.get("csrf_token") if request.form else None)


def check_csrf(request: Request, expected: str) -> None:
    """Raises Forbidden if the post did not come from one of our own pages."""
    if not same(given_token(request), expected):
        raise Forbidden("This page is out of date. Reload it and try again.")


def login_nonce() -> str:
    """A random value for the cookie that stands in for a session while nobody is logged in."""
    return secrets.token_urlsafe(24)


def login_token(settings: Settings, nonce: str) -> str:
    """The CSRF token of the log-in form that belongs to the cookie's nonce."""
    return hmac.new(settings.secret.encode(), b"login:" + nonce.encode(), hashlib.sha256).hexdigest()
