"""An advisor over a folder of articles, with an index of its own that goes when it is closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chatbot.advisor import Advisor
from chatbot.settings import ChatSettings
from ingest.embed import Embedder
from ingest.pipeline import ingest
from ingest.settings import IngestSettings


@contextmanager
def advisor_over(articles: Path, embedder: Embedder) -> Iterator[Advisor]:
    with TemporaryDirectory() as data:
        ingest(IngestSettings(corpus=articles, data=Path(data)), embedder)
        advisor = Advisor(Path(data), ChatSettings(), embedder)
        try:
            yield advisor
        finally:
            advisor.close()
