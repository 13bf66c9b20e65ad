"""An article that is to be forgotten: in which generations its words stand, under whatever id, once its file is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ingest.articles import find_articles
from ingest.errors import CorpusError, SearchIndexError, StorageError
from ingest.generations import sweep
from ingest.kept import Manifest, current_generation, kept_generations
from ingest.plan import Sources
from ingest.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`files` are those that the article was read from and that are gone, as a manifest names them; `hashes` are theirs, but for those of files
    that are still there (`still_in`); `ids` are all that such a file was ever read as: one that was renamed was another article.
    """

    article_id: str
    files: frozenset[str]
    hashes: frozenset[str]
    ids: tuple[str, ...]
    still_in: tuple[str, ...]

    def stands_in(self, manifest: Manifest) -> bool:
        source = manifest.sources.get(self.article_id)
        if self.article_id in manifest.articles and (source is None or source in self.files):
            return True
        return any(_hash(file) in self.hashes for file in manifest.sources.values())


def to_forget(settings: IngestSettings, article_id: str, now: Sources) -> Forgotten:
    """What is to be forgotten with an article. Raises CorpusError where its file is still there, readable or not."""
    kept = [manifest.sources for manifest in _manifests(settings.data)]
    present = {*map(_name, now.files.values()), *(name for name, _ in now.left_out)}
    gone = frozenset(file for sources in kept if (file := sources.get(article_id)) and _name(file) not in present)
    hashes, here = {_hash(file) for file in gone}, {_hash(file): _name(file) for file in now.files.values()}
    own = now.files.get(article_id)
    if own and (not gone or _hash(own) in hashes):
        raise _still_there(settings, article_id, _name(own))
    if not gone and (name := next((name for name, _ in now.left_out if article_id in _ids_of(name)), None)):
        raise _still_there(settings, article_id, name)
    words = frozenset(hashes - here.keys())
    ids = {article_id, *(name for sources in kept for name, file in sources.items() if _hash(file) in words)}
    return Forgotten(article_id, gone, words, tuple(sorted(ids)), tuple(sorted(here[one] for one in hashes & here.keys())))


def _still_there(settings: IngestSettings, article_id: str, name: str) -> CorpusError:
    return CorpusError(
        f"The article '{article_id}' still lies in '{settings.articles}' ({name}); delete its file first, then run this again."
    )


def is_known(settings: IngestSettings, article_id: str) -> bool:
    """Whether a file is read as this article, or a kept generation holds it, or cannot be read. Raises CorpusError."""
    listing = find_articles(settings.articles, settings.data)
    if article_id in listing.files or any(article_id in _ids_of(name) for name, _ in listing.left_out):
        return True
    return any(manifest is None or article_id in manifest.articles for _, manifest in _kept(settings.data))


def forget(data: Path, forgotten: Forgotten) -> tuple[str, ...]:
    """Deletes every generation but the served one that holds the article, or that cannot be read; their names. Raises StorageError."""
    served = current_generation(data)
    sweep(data)
    gone = [folder for folder, manifest in _kept(data) if folder != served and (manifest is None or forgotten.stands_in(manifest))]
    for folder in gone:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StorageError(f"The generation '{folder.name}' cannot be deleted ({error.strerror}); run the command again.") from None
    return tuple(folder.name for folder in gone)


def _kept(data: Path) -> Iterator[tuple[Path, Manifest | None]]:
    for folder in kept_generations(data):
        manifest = None
        with suppress(SearchIndexError):
            manifest = Manifest.read(folder)
        yield folder, manifest


def _manifests(data: Path) -> list[Manifest]:
    return [manifest for _, manifest in _kept(data) if manifest]


# --- a file as a manifest names it: its hash, and its path below the articles' folder


def _hash(file: str) -> str:
    return file.partition(" ")[0]


def _name(file: str) -> str:
    return file.partition(" ")[2]


def _ids_of(name: str) -> tuple[str, str]:
    """What an article of a file may be called."""
    return name, PurePosixPath(name).with_suffix("").as_posix()
