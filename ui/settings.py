"""What the page can be told, read once a session."""

from __future__ import annotations

from pydantic import Field

from ingest.settings import PrefixedSettings

COOKIE = "career_advisor_browser"  # by which a browser is known again


class PageSettings(PrefixedSettings):
    sign_in: bool = Field(False, description="whether people sign in first, by the [auth] section of .streamlit/secrets.toml")
    keepers: str = Field("", description="e-mail addresses of signed-in people who may ingest and evaluate from the page, parted by commas")
    keeping: bool = Field(True, description="whether the page offers ingest and evaluation at all; without sign-in only on this machine")

    def names(self, email: str) -> bool:
        """Whether a person is one of the keepers."""
        return bool(email) and email.casefold() in {one.strip().casefold() for one in self.keepers.split(",")}
