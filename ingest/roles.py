"""The names of roles: which role a text speaks about, read alike in articles and in questions.

Names come from the articles' front matter; an article without any has them read off its text ("an X (sometimes called a Y)").
No role is named in this code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from ingest.terms import stem
from ingest.types import Article, Chunk, Role, Span, Unit

INFERRED_MENTIONS = 3  # of a name before it is taken for a role without front matter
INFERRED_NAMES = 100  # the commonest are looked at, in a time that grows with the square of their number

# a word; two that ran into one ("GenAI", "EngineerGenerative") are two
_WORD = re.compile(r"[A-Z]?[^\W_A-Z]+|[A-Z]+s?(?![^\W_A-Z])|[^\W_]")
_ALL_ROLES = re.compile(
    r"\b(?:both|(?:the|these|those) two|these|the (?:2|different)|either)(?: of (?:the|these|them))?"
    r" (?:roles?|careers?|jobs?|paths?|positions?|professions?|titles?|disciplines?|worlds|kinds?|types?|sides?)\b",
    re.IGNORECASE,
)
# of these the noun says nothing but "role"; of "the different titles" or "both sides" it may be what is asked about
_BOTH_ROLES = re.compile(
    r"\b(?:both|(?:the|these|those) (?:two|2))(?: of (?:the|these|them))? (?:roles|careers|jobs|professions)\b", re.IGNORECASE
)
_AGENT = r"[A-Za-z]{0,30}[a-z](?:eer|er|or|ist|yst|ian)s?"
_NAME = re.compile(rf"(?<![\w/-])(?:[A-Z][\w/-]{{0,30}}[ \t]+){{1,3}}{_AGENT}\b")
_ALIASES = re.compile(r"[ \t]*\((?:(?:sometimes|often|also|otherwise)?[ \t]*(?:called|known as|aka|or)[ \t]+)?(?P<names>[^()]{3,120})\)")
_ARTICLE_WORDS = frozenset(
    {"a", "an", "the", "many", "most", "some", "these", "those", "and", "or", "as", "for", "if", "when", "why", "both"}
)


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a role is named. A weak mention has the name's own word but not its noun ("generative AI", "LLM")."""

    start: int
    end: int
    role: str
    weak: bool


class RoleNames:
    """Finds the roles that a text names, the longest name first, in singular and plural, and as a trade ("engineering")."""

    def __init__(self, roles: Sequence[Role]) -> None:
        self.roles = tuple(roles)
        strong = {spelling: role.name for role in roles for name in role.names for spelling in _spellings(_stems(name))}
        short = {spelling: role for stems, role in _short_names(roles).items() for spelling in _spellings(stems)}
        weak = {stems: (role, True) for stems, role in short.items()}
        self._names = {**weak, **{stems: (role, False) for stems, role in strong.items()}}
        self._longest = max(map(len, self._names), default=0)
        self._first = frozenset(stems[0] for stems in self._names if stems)  # a name may be a mark without a word
        nouns = Counter(role.name.split()[-1].lower() for role in roles)
        self.noun = nouns.most_common(1)[0][0] if nouns else "role"

    def mentions(self, text: str) -> list[Mention]:
        words = list(_WORD.finditer(text))
        stems = tuple(stem(word.group().lower()) for word in words)
        found: list[Mention] = []
        at = 0
        while at < len(words):
            size, name = self._longest_name_at(stems[at : at + self._longest]) if stems[at] in self._first else (1, None)
            if name:
                found.append(Mention(words[at].start(), words[at + size - 1].end(), *name))
            at += size
        return found

    def all_at_once(self, text: str) -> list[Span]:
        """Where a text names the roles together and no one of them: "both jobs"."""
        return [Span(*found.span()) for found in _BOTH_ROLES.finditer(text)] if len(self.roles) > 1 else []

    def _longest_name_at(self, stems: tuple[str, ...]) -> tuple[int, tuple[str, bool] | None]:
        for size in range(len(stems), 0, -1):
            if name := self._names.get(stems[:size]):
                return size, name
        return 1, None

    def roles_in(self, text: str) -> tuple[str, ...]:
        """The roles that a text names, in the order of first mention ("both roles" names all); weak mentions count where no other is."""
        return self.named(text)[0]

    def named(self, text: str) -> tuple[tuple[str, ...], bool]:
        """The same, and whether they are named in full, or all at once."""
        if _ALL_ROLES.search(text):
            return tuple(role.name for role in self.roles), True
        mentions = self.mentions(text)
        strong = [mention.role for mention in mentions if not mention.weak]
        return tuple(dict.fromkeys(strong or [mention.role for mention in mentions])), bool(strong)

    def neutral(self, text: str) -> str:
        """The text with every role called by the noun that the roles share: a role's name would drown what is said of it."""
        parts: list[str] = []
        at = 0
        for mention in self.mentions(text):
            parts += [text[at : mention.start], self.noun]
            at = mention.end
        return "".join([*parts, text[at:]])

    def other_than(self, role: str) -> tuple[str, ...]:
        return tuple(other.name for other in self.roles if other.name != role)


@dataclass(slots=True)
class _Group:
    """Roles of several articles that are one; `members` are (article id, number of the role in it)."""

    names: dict[tuple[str, ...], str]
    members: set[tuple[str, int]]

    def takes(self, other: _Group) -> bool:
        """Whether they share a name, and no article tells them apart."""
        articles = {article for article, _ in self.members}
        return bool(self.names.keys() & other.names.keys()) and not articles & {article for article, _ in other.members}


def merged_roles(articles: Sequence[Article]) -> tuple[Role, ...]:
    """All articles' roles; those that share a name are one, unless an article tells them apart."""
    groups: list[_Group] = []
    for article in articles:
        for number, role in enumerate(article.roles or inferred_roles(article.text)):
            new = _Group({_stems(name): name for name in reversed(role.names)}, {(article.id, number)})
            new.names = dict(reversed(new.names.items()))
            for group in [group for group in groups if group.takes(new)]:
                groups.remove(group)
                new = _Group(_joined(group, new), group.members | new.members)
            groups.append(new)
    groups.sort(key=lambda group: min(group.members))
    return tuple(Role(names[0], tuple(names[1:])) for group in groups if (names := list(group.names.values())))


def _joined(first: _Group, second: _Group) -> dict[tuple[str, ...], str]:
    return {**first.names, **{stems: name for stems, name in second.names.items() if stems not in first.names}}


def inferred_roles(text: str) -> tuple[Role, ...]:
    """Roles that a text without front matter names often, with the other names that it gives them in brackets."""
    counts: Counter[tuple[str, ...]] = Counter()
    spelled: dict[tuple[str, ...], str] = {}
    links: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for match in _NAME.finditer(text):
        name = _without_articles(match.group())
        key = _stems(name)
        if len(key) < 2:
            continue
        counts[key] += 1
        spelled.setdefault(key, _singular(name))
        if brackets := _ALIASES.match(text, match.end()):
            for other in _alias_names(brackets["names"]):
                spelled.setdefault(_stems(other), other)
                links.append((key, _stems(other)))
    if not counts:
        return ()
    noun = Counter({key[-1]: 0 for key in counts})
    for key, count in counts.items():
        noun[key[-1]] += count
    head = noun.most_common(1)[0][0]
    links = links[:INFERRED_NAMES]
    aliased = {key for pair in links for key in pair}
    kept = [key for key, _ in counts.most_common(INFERRED_NAMES) if key[-1] == head]
    groups = _grouped([*kept, *(key for key in aliased if key not in kept)], set(links))
    groups = [group for group in groups if sum(counts[key] for key in group) >= INFERRED_MENTIONS and any(key in kept for key in group)]
    return tuple(Role(spelled[group[0]], tuple(spelled[key] for key in group[1:])) for group in groups)


def _grouped(keys: Sequence[tuple[str, ...]], links: Container[tuple[tuple[str, ...], tuple[str, ...]]]) -> list[list[tuple[str, ...]]]:
    groups: list[list[tuple[str, ...]]] = []
    for key in keys:
        linked = [
            group
            for group in groups
            if any((key, other) in links or (other, key) in links or _is_abbreviation(key, other) for other in group)
        ]
        joined = [other for group in linked for other in group]
        groups = [group for group in groups if group not in linked]
        groups.append([*joined, key])
    return groups


def _is_abbreviation(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """ "Gen AI engineer" of "Generative AI engineer": word by word, one begins as the other does."""
    return len(one) == len(other) and all(
        min(a, b, key=len) == max(a, b, key=len)[: len(min(a, b, key=len))] and min(len(a), len(b)) >= 2
        for a, b in zip(one, other, strict=True)
    )


def _alias_names(brackets: str) -> list[str]:
    names = [_without_articles(part) for part in re.split(r",|;|\bor\b|/", brackets)]
    return [_singular(name) for name in names if re.fullmatch(rf"(?:[\w-]+ ){{1,3}}{_AGENT}", name)]


def _without_articles(name: str) -> str:
    words = name.split()
    while words and words[0].lower() in _ARTICLE_WORDS:
        words = words[1:]
    return " ".join(words)


def _singular(name: str) -> str:
    return name.removesuffix("s")


def _short_names(roles: Sequence[Role]) -> dict[tuple[str, ...], str]:
    """A name without its noun, where that still points at one role: "generative AI", "generative", "LLM"; never a common word."""
    owners: dict[tuple[str, ...], set[str]] = {}
    last_words = Counter(word for role in roles for word in {_stems(name)[-2] for name in role.names if len(_stems(name)) > 1})
    for role in roles:
        for name in role.names:
            words, stems = _words(name)[:-1], _stems(name)[:-1]
            candidates = [stems] if len(stems) > 1 or _is_acronym(words) else []
            if len(stems) > 1 and last_words[stems[-1]] > 1:
                candidates.append(stems[:-1])
            for candidate in candidates:
                owners.setdefault(candidate, set()).add(role.name)
    shared = {stems for stems in owners if len(stems) == 1 and last_words[stems[0]] > 1}
    return {stems: next(iter(owner)) for stems, owner in owners.items() if len(owner) == 1 and stems not in shared}


def _is_acronym(words: Sequence[str]) -> bool:
    return len(words) == 1 and sum(character.isupper() for character in words[0]) > 1


def _spellings(stems: tuple[str, ...]) -> set[tuple[str, ...]]:
    """A name as it is, and with two of its words written as one ("gen ai", "genai")."""
    return {stems, *((*stems[:at], stems[at] + stems[at + 1], *stems[at + 2 :]) for at in range(len(stems) - 1))}


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem(word.lower()) for word in _words(text))


def attribute(chunks: Iterable[Chunk], names: RoleNames) -> list[Chunk]:
    """Chunks whose units know the roles they speak about: by their own words, their heading, or the sentences before them."""
    attributed: list[Chunk] = []
    spoken = _Spoken(names)
    place: tuple[str, tuple[str, ...]] | None = None
    for chunk in chunks:
        here = (chunk.article_id, chunk.heading)
        if here != place:
            place, spoken = here, _Spoken(names)
        of_heading = next((found for heading in reversed(chunk.heading) if (found := names.roles_in(heading))), ())
        units: list[Unit] = []
        for unit in chunk.units:
            if unit.kind == "row":
                units.append(replace(unit, roles=_roles_of_row(chunk, unit, names)))
                continue
            text, is_item = chunk.quote(unit), unit.kind == "item"
            roles, in_full = names.named(text)
            spoken.hears(text, roles if in_full else (), is_item=is_item, begins=is_item and _begins_line(chunk, unit))
            units.append(replace(unit, roles=(in_full and roles) or of_heading or spoken.roles or roles))
        attributed.append(replace(chunk, units=tuple(units)))
    return attributed


class _Spoken:
    """Which roles the sentences before have spoken of. What an item of a list names the next ones are not on, unless it opens them."""

    def __init__(self, names: RoleNames) -> None:
        self.roles: tuple[str, ...] = ()
        self._names = names
        self._of_list: tuple[str, ...] = ()  # what its items are on that name no role

    def hears(self, text: str, named: tuple[str, ...], *, is_item: bool, begins: bool) -> None:
        """A sentence or an item, and the roles that it names in full; an item that does not begin is a further sentence of one."""
        if named:
            self.roles = named
        elif begins:
            self.roles = self._of_list
        if not is_item or (named and self._opens(text)):
            self._of_list = self.roles

    def _opens(self, item: str) -> bool:
        """Whether it only names a role, or ends in a colon."""
        text = self._names.neutral(item).strip("*_. ")
        return text.endswith(":") or text.casefold().removesuffix("s") == self._names.noun.removesuffix("s")


def _begins_line(chunk: Chunk, unit: Unit) -> bool:
    """Whether a unit stands first in its line, but for the mark of an item: a long item is several units. One that its chunk begins with may go on."""
    before = chunk.text[: unit.span.start - chunk.start]
    return bool(before) and not before[before.rfind("\n") + 1 :].lstrip(" \t-*+•·0123456789.)")


def _roles_of_row(chunk: Chunk, unit: Unit, names: RoleNames) -> tuple[str, ...]:
    """A row speaks about the roles of its columns, or of its first cell."""
    return names.roles_in(chunk.lead_of(unit)) or names.roles_in(chunk.quote(unit))
