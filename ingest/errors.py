"""What can go wrong, as one tree. Each message is one sentence for a person, and says what to do.

CareerAdvisorError
├── SettingsError          a setting that cannot be used
├── CorpusError            the folder of articles is missing or empty
├── ArticleError           one file cannot be read; the others go in
├── IngestBusyError        another ingest holds the lock
├── StorageError           the data folder cannot be written
├── EmbeddingModelError    the embedding model is missing or not the one that was recorded
├── SearchIndexError
│   ├── NoIndexError       nothing was ingested yet
│   └── IndexMismatchError the index was made by other settings, or is damaged
├── QuestionError          (chatbot.errors) a question that cannot be asked
├── ConversationUnknownError  (chatbot.errors) a conversation that is not this owner's, or not there
└── MemoryStoreError       (chatbot.errors) the database of conversations cannot be used
"""

from __future__ import annotations


class CareerAdvisorError(Exception):
    """Base of every error whose text is meant for a person."""


class SettingsError(CareerAdvisorError):
    pass


class CorpusError(CareerAdvisorError):
    pass


class ArticleError(CareerAdvisorError):
    pass


class IngestBusyError(CareerAdvisorError):
    pass


class StorageError(CareerAdvisorError):
    pass


class EmbeddingModelError(CareerAdvisorError):
    pass


class SearchIndexError(CareerAdvisorError):
    pass


class NoIndexError(SearchIndexError):
    pass


class IndexMismatchError(SearchIndexError):
    pass
