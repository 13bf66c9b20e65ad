"""The page's server: the page as an ASGI app, with what only HTTP can do. Run by `career-advisor chat` or `streamlit run ui/server.py`.

A browser is known by a cookie that no script can read and nobody can guess. The content security policy is a second wall behind
the renderer: were a foreign address to reach the page after all, the browser would not ask for it.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# what the page imports is imported with the server: the first visitor waited half a second for it
from ui import articles_page, chat_page, evaluation_page, guide_page  # noqa: F401
from ui.settings import COOKIE

YEAR = 365 * 86_400  # seconds
# Streamlit's own page needs inline styles, eval (its charts) and blobs; nothing needs another host
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Adds the headers to every answer, and the cookie to the page itself where the browser has none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if "text/html" in headers.get("content-type", "") and not _has_cookie(scope):
                    headers.append("Set-Cookie", _new_cookie(scope))
            await send(message)

        await self._app(scope, receive, guarded)


def _has_cookie(scope: Scope) -> bool:
    try:
        return COOKIE in SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return False


def _new_cookie(scope: Scope) -> str:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    # lax: a link to a conversation from elsewhere finds it
    return f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}"


app = st.App(Path(__file__).with_name("app.py"), middleware=[Middleware(Guard)])
