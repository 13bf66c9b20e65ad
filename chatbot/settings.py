"""What the advisor can be told, read once at the entry point."""

from __future__ import annotations

import re

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from ingest.settings import PrefixedSettings

NO_MODEL = "none"


class ChatSettings(PrefixedSettings):
    candidates: int = Field(24, ge=1, le=200, description="passages whose sentences are looked at")
    passages: int = Field(8, ge=1, le=50, description="of these, how many are shown with an answer, or all that it cites")
    dense_weight: float = Field(0.6, ge=0, le=1, description="share of the vectors in a passage's score; the rest is the words'")
    rerank_model: str = Field(
        "", description="cross-encoder that reads the best passages and sentences again, by name or folder; none when empty"
    )
    max_question_chars: int = Field(2000, ge=20, le=100_000, description="a longer question is refused")


class MemorySettings(PrefixedSettings):
    database: str = Field("", description="where conversations are kept, as an SQLAlchemy URL; empty is a file below the data folder")
    retention_days: int = Field(0, ge=0, le=36_500, description="conversations that nobody talked in for longer are deleted; 0 keeps them")
    keep_gaps: bool = Field(True, description="whether questions that the articles do not answer are listed by `career-advisor gaps`")


class EndpointSettings(PrefixedSettings):
    """An OpenAI-compatible endpoint. The key and the address have the names that every OpenAI client gives them."""

    model_config = SettingsConfigDict(
        env_prefix="CAREER_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )
    openai_api_key: str = Field("", validation_alias="OPENAI_API_KEY", repr=False, description="the key of the model's endpoint")
    openai_base_url: str | None = Field(
        None,
        validation_alias="OPENAI_BASE_URL",
        description="any OpenAI-compatible endpoint; OpenAI's own where empty",
    )

    @field_validator("openai_api_key")
    @classmethod
    def _can_be_sent(cls, key: str) -> str:
        if not re.fullmatch(r"[!-~]*", key):
            raise ValueError("it holds a blank, a line's end or another character that no key has")
        return key

    @field_validator("openai_base_url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url and not re.match(r"https?://\S", url):
            raise ValueError("it must begin with http:// or https://")
        return url


class ModelSettings(EndpointSettings):
    """The model that writes. It is on where there is a key or an address; what is not its endpoint's may be set all the same."""

    model: str = Field("gpt-5-mini", min_length=1, description="the model that writes, where there is a key or an address; none for none")
    model_seconds: float = Field(30, gt=0, le=30, description="within which it must have answered, second try included")
    model_max_tokens: int = Field(2000, ge=16, le=32_000, description="tokens of an answer, at most")
    model_temperature: float | None = Field(None, ge=0, le=2, description="the endpoint's own where empty: some models take no other")
    model_stream: bool = Field(True, description="whether the answer is shown as it is written")
    model_passage_words: int = Field(450, ge=50, le=20_000, description="words of the articles that it is sent, at most")
    model_calls_a_minute: int = Field(20, ge=1, description="of all sessions together; over it answers are quoted")
    model_calls_a_day: int = Field(1000, ge=1, description="likewise")
    model_tokens_a_day: int = Field(2_000_000, ge=1, description="likewise, sent and written")
    model_input_price: float = Field(0, ge=0, description="of a million tokens sent; 0 where unknown")
    model_output_price: float = Field(0, ge=0, description="of a million tokens written")
    tracing: bool = Field(
        False, description="lets LangSmith's own settings send questions and answers to it; without this they are ignored"
    )

    def as_environment(self) -> dict[str, str]:
        """For a program that is started elsewhere, and would read another `.env`."""
        named = {field.validation_alias or f"CAREER_{name.upper()}": getattr(self, name) for name, field in type(self).model_fields.items()}
        return {str(name): str(value) for name, value in named.items() if value not in (None, "")}

    def as_parts(self) -> dict[str, object]:
        """What of these can change an answer, for a run of an evaluation; nothing where no model writes."""
        if not self.is_on:
            return {}
        return {"model": self.model, "model_temperature": self.model_temperature, "model_passage_words": self.model_passage_words}

    @property
    def is_on(self) -> bool:
        return bool(self.openai_api_key or self.openai_base_url) and self.model.lower() != NO_MODEL

    def cost(self, tokens: dict[str, int]) -> float | None:
        """In the prices' currency; None where no price is set."""
        if not self.model_input_price and not self.model_output_price:
            return None
        return (tokens["input"] * self.model_input_price + tokens["output"] * self.model_output_price) / 1_000_000
