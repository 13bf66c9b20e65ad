"""What the advisor can be told, read once at the entry point."""

from __future__ import annotations

from pydantic import Field

from ingest.settings import PrefixedSettings


class ChatSettings(PrefixedSettings):
    candidates: int = Field(40, ge=1, le=200, description="passages whose sentences are looked at")
    passages: int = Field(8, ge=1, le=50, description="of these, how many are shown with an answer")
    dense_weight: float = Field(0.6, ge=0, le=1, description="share of the vectors in a passage's score; the rest is the words'")
    max_question_chars: int = Field(2000, ge=20, le=100_000, description="a longer question is refused")
