"""The optional cross-encoder: a better order, nothing lost, nothing won in score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import FakeEmbedder

from chatbot.advisor import Advisor
from chatbot.errors import RerankModelError
from chatbot.rerank import READ, CrossEncoderReranker
from chatbot.settings import ChatSettings
from chatbot.wiring import open_reranker
from ingest.embed import _default_folder
from ingest.pipeline import ingest
from ingest.settings import IngestSettings


class FakeReranker:
    """Prefers what holds a word; records what it was asked."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[str] = []

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked.append(question)
        return [float(self.word in text) for text in texts]


def test_passages_change_places_and_keep_the_scores_in_order(settings: IngestSettings, embedder: FakeEmbedder) -> None:
    ingest(settings, embedder)
    question = "Which tools does a bread baker own?"
    plain = Advisor(settings.data, ChatSettings(), embedder).search(question)
    last = plain[min(READ, len(plain)) - 1]
    word = next(word for word in last.chunk.text.split() if word not in plain[0].chunk.embedding_text())
    found = Advisor(settings.data, ChatSettings(), embedder, reranker=FakeReranker(word)).search(question)
    assert word in found[0].chunk.embedding_text()
    assert found[0].row != plain[0].row
    assert {passage.row for passage in found} == {passage.row for passage in plain}
    assert [passage.score for passage in found] == [passage.score for passage in plain]


def test_an_answer_follows_the_reranker(settings: IngestSettings, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.fitted.threshold", lambda: 0.0)
    ingest(settings, embedder)
    reranker = FakeReranker("34 coins")
    answer = Advisor(settings.data, ChatSettings(), embedder, reranker=reranker).answer("What is the pay of a pastry chef?").answer
    assert "34 coins" in answer.citations[0].quote
    assert set(reranker.asked) >= {"What is the pay of a pastry chef?"}


@pytest.mark.model
def test_any_cross_encoder_in_a_folder_is_read(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 - seconds that no other test here needs
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(str(_default_folder()))
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=1
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    texts = ["Bread is baked before dawn.", "Cakes are decorated at noon."]
    scores = CrossEncoderReranker(str(tmp_path)).scores("When is bread baked?", texts)
    wanted = CrossEncoder(str(tmp_path), device="cpu").predict([("When is bread baked?", text) for text in texts])
    assert scores == pytest.approx([float(score) for score in wanted])


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RerankModelError, match="CAREER_RERANK_MODEL"):
        CrossEncoderReranker(str(tmp_path)).scores("When?", ["Now."])


def test_none_is_opened_unless_one_is_set() -> None:
    assert open_reranker(ChatSettings()) is None
    assert open_reranker(ChatSettings(rerank_model="any")) is not None
