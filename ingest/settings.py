"""What ingest can be told, read from the environment and `.env` once, at the entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest.errors import SettingsError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
QUESTIONS = "questions.jsonl"


class PrefixedSettings(BaseSettings):
    """Frozen settings named CAREER_*; other names in `.env` belong to other programs."""

    model_config = SettingsConfigDict(env_prefix="CAREER_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    @classmethod
    def read(cls, **given: object) -> Self:
        """From the environment; what is given and not None wins. Raises SettingsError, which names the setting and not its value."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except UnicodeDecodeError:
            raise SettingsError("The file .env is not UTF-8 text.") from None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = "_".join(str(part) for part in first["loc"])
            name = name if name.isupper() else f"CAREER_{name.upper()}"  # a name that is not ours stands as it is
            raise SettingsError(f"The setting {name} cannot be used: {first['msg'].removeprefix('Value error, ')}.") from None


class IngestSettings(PrefixedSettings):
    corpus: Path = Field(Path("corpus/articles"), description="the folder of articles")
    data: Path = Field(Path(".data"), description="where everything made at run time lies")
    embedding_model: str = Field(DEFAULT_MODEL, min_length=1, description="a sentence-transformers model, by name or folder")
    chunk_pieces: int = Field(128, ge=32, le=8192, description="word pieces of a chunk's text, at most; the model's own limit holds too")
    max_article_mb: float = Field(5, gt=0, le=100, description="a larger file is left out")
    kept_generations: int = Field(3, ge=2, le=100, description="how many generations of the index are kept")

    @field_validator("data")
    @classmethod
    def _lies_elsewhere(cls, data: Path, info: ValidationInfo) -> Path:
        """What is made of the articles would be taken for articles."""
        if "corpus" in info.data and data.resolve() == _articles_of(info.data["corpus"]).resolve():
            raise ValueError("it is the folder of articles; name another with --data")
        return data

    @property
    def articles(self) -> Path:
        """The corpus folder itself, or its `articles` folder where it has one, or had one: a question set lies beside it, not among articles."""
        return _articles_of(self.corpus)

    @property
    def models(self) -> Path:
        """Where exported models lie."""
        return self.data / "models"

    @property
    def questions(self) -> Path:
        """The question set that lies beside the articles' folder, as corpus/questions.jsonl does."""
        return self.articles.parent / QUESTIONS


def _articles_of(corpus: Path) -> Path:
    inner = corpus / "articles"
    return inner if inner.is_dir() or (corpus / QUESTIONS).is_file() else corpus
