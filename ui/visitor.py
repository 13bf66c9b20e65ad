"""Who looks at the page: whose conversations are shown, and whether ingest and evaluation are."""

from __future__ import annotations

import hashlib
import secrets
from ipaddress import ip_address

import streamlit as st

from ui import component
from ui.settings import COOKIE, PageSettings

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}


def owner() -> str:
    """The id that conversations are kept under: of the person who signed in, else of this browser, else of this session alone.

    It is a hash, so that the database tells nobody how to become somebody.
    """
    if st.user.get("is_logged_in"):
        return _hashed("person", str(st.user.get("iss", "")), str(st.user.get("sub") or st.user.get("email")))
    cookie = st.context.cookies.get(COOKIE)
    if isinstance(cookie, str) and cookie:
        return _hashed("browser", cookie)
    session: str = st.session_state.setdefault("session", secrets.token_urlsafe(32))
    return _hashed("session", session)


def is_keeper(settings: PageSettings) -> bool:
    """A named person where people sign in; without sign-in whoever sits at this machine, where the page is served to it alone."""
    if not settings.keeping:
        return False
    if settings.sign_in:
        return (
            bool(st.user.get("is_logged_in"))
            and bool(st.user.get("email_verified", True))
            and settings.names(str(st.user.get("email", "")))
        )
    return _is_local()


def sign_in(settings: PageSettings) -> bool:
    """Whether the page may be shown; shows the way in where it may not yet."""
    if not settings.sign_in or st.user.get("is_logged_in"):
        return True
    with st.container(horizontal_alignment="center"), st.container(width=480):
        st.title("Career Advisor", anchor=False)
        if not _has_auth():
            component.show_sentence(
                "no-auth",
                "Sign-in is switched on, but .streamlit/secrets.toml has no [auth] section; add one, or set CAREER_SIGN_IN=false.",
                "problem",
            )
            return False
        component.show_sentence("sign-in-purpose", "Please sign in; your conversations are then yours on every device.", "lead")
        st.button("Sign in", type="primary", on_click=st.login)
    return False


def _has_auth() -> bool:
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def _is_local() -> bool:
    """Served on a loopback address, asked for by a loopback name, and not handed on by a proxy."""
    headers = st.context.headers
    host = str(headers.get("Host", "")).rsplit(":", 1)[0]
    forwarded = any(name in headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
    return (
        _is_loopback(str(st.get_option("server.address") or "")) and host in LOCAL_HOSTS and not forwarded and st.context.ip_address is None
    )


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]
