"""What in a claim contradicts a text: a denial, a word's opposite, a comparison or steps the other way round, a number or a name. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from chatbot.retrieve import content_terms
from chatbot.statements import WORD
from ingest.terms import terms

_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(
    r"(?<=[^\s.!?:|] )[A-Z][\w+#.-]*\w|\b\w+[A-Z+#]\w*|\b[A-Z]{2,}\b"
)  # a capital that does not open a sentence, or stands inside a word
_OPENER = re.compile(r"^([A-Z][a-z]+)(?='s | (?:is|was|has|had|remains|came|and [A-Z]|or [A-Z]))")
_ORDINARY = re.compile(r"(?:s|ing|ness|ity|ments?|tion|ly|ers?|ors?|[ae]nce|ship|y|body|one|work)$")
_DENIALS = frozenset(
    terms(
        "not no never none neither nor nobody nothing hardly seldom rarely cannot unable "
        "isn't aren't wasn't weren't don't doesn't didn't won't can't couldn't shouldn't needn't mustn't wouldn't"
    )
)
_HALF_DENIALS = frozenset(
    terms(
        "without lack lacks lacking refuse refuses avoid avoids unnecessary needless unlike fail fails out off free rid harmless little few "
        "instead wrong myth false forbid forbids forbidden stop stops except spare spares scarcely barely absent missing superfluous"
    )
)
_PART = re.compile(r"[,;:–]\s+|\s+(?:although|though|because|since|while|whereas|but|yet|so that|nor)\s+", re.IGNORECASE)
_FIXED = re.compile(
    r"\b(?:a (?:few|little)|at (?:least|most|first|all|last)|or more|not only|more or less|not just|no later|no more|no less)\b",
    re.IGNORECASE,
)
_COMPARED, _COMPARED_Y = re.compile(r"(?:er|est)$"), re.compile(r"i(?:er|est)$")
_UN = re.compile(r"^(?:un|in|im|ir|dis|non)-?(?=\w{4})")
_LESS = frozenset(terms("less fewer worse lower"))
_STEPS = frozenset(terms("then before after afterwards"))
_PERIODS = frozenset(terms("second minute hour day daily week weekly month monthly quarter year yearly annual decade century"))
_COUNTS = {
    word: value
    for value, words in {
        "0": "zero", "1": "one once single", "2": "two twice", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine",
        "10": "ten tenth", "11": "eleven", "12": "twelve dozen", "13": "thirteen", "14": "fourteen", "15": "fifteen", "16": "sixteen", "17": "seventeen",
        "18": "eighteen", "19": "nineteen", "20": "twenty fifth", "25": "quarter", "30": "thirty", "33": "third", "40": "forty", "50": "fifty half",
        "60": "sixty", "70": "seventy", "80": "eighty", "90": "ninety", "100": "hundred", "1000": "thousand", "1000000": "million",
    }.items()
    for word in words.split()
}  # fmt: skip
_TENS = re.compile(r"\b(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-(one|two|three|four|five|six|seven|eight|nine)\b")
_OPPOSITES = """
more most higher | less fewer least lower
many much often common frequent usual numerous plenty considerable substantial | few little rare seldom hardly rarely uncommon negligible scarce slight
always every all | never none no
rise grow increase rising growing expand up widen larger wider climb | fall shrink decline decrease falling shrinking lose contract narrow smaller disappear vanish fade dwindle
stay remain persist keep | disappear vanish fade leave quit
easy easier simple simply | hard harder difficult tough
better best ahead | worse worst behind
first before begin start early earlier | last after end finish late later
fast quick rapid soon | slow late
same equal alike similar identical nearly | different unlike apart
large big wide great long | small little narrow short
major main chief central essential crucial vital | minor marginal secondary trivial unimportant optional
advantage strength upside benefit merit plus asset | drawback weakness downside disadvantage flaw handicap
complement complementary cooperate collaborate support | compete competing rival rivalry oppose
require required requirement must mandatory compulsory obligatory need necessary essential indispensable | optional unnecessary superfluous dispensable helpful voluntary needless
allow allowed permit permitted may legal | forbid forbidden prohibit prohibited ban banned illegal
stable steady safe safer safest secure sure certain reliable regular predictable | shaky unstable risky riskier riskiest dangerous unsure uncertain volatile uneven erratic irregular
cheap free inexpensive modest affordable | expensive costly steep
love like enjoy prefer welcome | hate dislike avoid dread
right true correct | wrong false mistaken myth
public open | private closed
inside indoor internal | outside outdoor external
success succeed | failure fail
profit benefit gain help | harm hurt damage suffer hinder
strong stronger | weak weaker
simple | complex complicated
accept agree welcome | reject refuse disagree
include | exclude
present | absent
alone independently | together jointly supervised
calm quiet | hectic noisy
patient | impatient
permanent | temporary
visible | invisible hidden
formal | informal
win | lose
buy | sell
rich | poor
full | empty
clear | unclear vague
neutral | partial side
above over exceed | below under
surplus glut | shortage lack scarcity
broad general generalist | specialised specialist
theory theoretical | practice practical
remote home | onsite office
old older | young younger new
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A clause with what may contradict another one."""

    content: frozenset[str]
    words: frozenset[str]
    plain: frozenset[str]

    @property
    def denies(self) -> bool:
        return bool(self.words & _DENIALS)

    def half_denies(self, other: Part) -> bool:
        """Whether it denies in other words, that the other one has not: "the badge is unnecessary" says what "no badge is needed" does."""
        return bool(self.words & _HALF_DENIALS - other.words)


@lru_cache(maxsize=20_000)
def parts(text: str) -> tuple[Part, ...]:
    bare = _FIXED.sub(" ", text)
    clauses = [clause for clause in _PART.split(bare) if WORD.search(clause)] or [bare]
    return tuple(Part(frozenset(content_terms(clause)), frozenset(terms(clause)), _plain(clause)) for clause in clauses)


@dataclass(frozen=True, slots=True)
class Clash:
    """Where a claim says the contrary of a text: part by part, so that what a text denies elsewhere does not count."""

    denies: bool = False  # the claim alone denies
    denied: bool = False  # the text alone does
    opposite: bool = False  # they hold opposite words

    @property
    def any(self) -> bool:
        return self.denies or self.denied or self.opposite


def clash(said: str, told: str) -> Clash:
    clashes = [_clash(part, _nearest(part, parts(told))) for part in parts(said)]
    return Clash(
        any(one.denies for one in clashes),
        any(one.denied for one in clashes) or _denies_what_is_said(parts(told), parts(said)),
        any(one.opposite for one in clashes),
    )


def _denies_what_is_said(told: tuple[Part, ...], said: tuple[Part, ...]) -> bool:
    """Also where the claim has put what the text denies into a clause with other things."""
    if any(part.denies or part.words & _HALF_DENIALS for part in said):
        return False
    content = frozenset().union(*(part.content for part in said))
    return any(part.denies and 2 * len(part.content & content) > len(part.content) for part in told)


def _nearest(part: Part, among: tuple[Part, ...]) -> Part:
    return max(among, key=lambda other: len(part.content & other.content))


def _clash(said: Part, told: Part) -> Clash:
    """A denial of the opposite is no clash."""
    denies = said.denies and not (told.denies or told.half_denies(said))
    denied = told.denies and not (said.denies or said.half_denies(told))
    opposite = _are_opposite(said.plain, told.plain)
    is_undone = said.denies != told.denies and _are_opposite(said.plain - _DENIALS, told.plain - _DENIALS)
    return Clash() if is_undone else Clash(denies, denied, opposite)


def _are_opposite(said: frozenset[str], told: frozenset[str]) -> bool:
    for one, other in _opposites():
        for left, right in ((one, other), (other, one)):
            if said & left and told & right and not said & right and not told & left:
                return True
    return any(
        _UN.sub("", word) in other - this for this, other in ((said, told), (told, said)) for word in this - other if _UN.match(word)
    )


@lru_cache(maxsize=1)
def _opposites() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    lines = [line.split("|") for line in _OPPOSITES.strip().splitlines()]
    return tuple((frozenset(terms(one)), frozenset(terms(other))) for one, other in lines)


def _plain(text: str) -> frozenset[str]:
    """A text's words without their comparison ("harder" is "hard")."""
    words = [word.lower() for word in WORD.findall(text)]
    bases = [base for word in words for base in (_COMPARED.sub("", word), _COMPARED.sub("e", word), _COMPARED_Y.sub("y", word))]
    return frozenset(terms(" ".join([*words, *bases])))


# --- the other way round


def is_reversed(said: str, told: str) -> bool:
    """Whether what the claim puts before "than", or first, stands behind it in the text."""
    return _is_comparison_turned(said, told) or _are_steps_turned(said, told)


def _is_comparison_turned(said: str, told: str) -> bool:
    more, less = _around_than(said)
    above, below = _around_than(told)
    crossed = len(less & above - below) + len(more & below - above)
    straight = len(less & below - above)
    if not crossed + straight:
        return False
    is_contrary = bool(_LESS & frozenset(terms(said))) != bool(_LESS & frozenset(terms(told)))
    return straight > crossed if is_contrary else crossed > straight


@lru_cache(maxsize=20_000)
def _around_than(text: str) -> tuple[frozenset[str], frozenset[str]]:
    before, than, after = text.lower().partition(" than ")
    return (frozenset(content_terms(before)), frozenset(content_terms(after))) if than else (frozenset(), frozenset())


def _are_steps_turned(said: str, told: str) -> bool:
    """Whether of the words that both hold, most pairs stand in another order, where both tell of steps."""
    at = _places(_steps(said), _steps(told))
    return len(at) > 2 and _turns(at) * 4 > len(at) * (len(at) - 1)


def _places(said: tuple[str, ...], told: tuple[str, ...]) -> list[int]:
    """Where the words of the one stand in the other, of those that both hold, counted among these."""
    common = [word for word in told if word in said]
    return [common.index(word) for word in said if word in common]


def _turns(at: list[int]) -> int:
    return sum(one > other for number, one in enumerate(at) for other in at[number + 1 :])


@lru_cache(maxsize=20_000)
def _steps(text: str) -> tuple[str, ...]:
    """The words in the order of what they tell: "A after B" is B, A."""
    if not _STEPS & frozenset(terms(text)):
        return ()
    before, after, first = re.sub(r"\bafter (?:that|this|which)\b", "then", text, flags=re.IGNORECASE).partition(" after ")
    return tuple(word for word in content_terms(f"{first} {before}" if after else text) if word not in _STEPS)


# --- numbers and names


@lru_cache(maxsize=20_000)
def numbers(text: str) -> frozenset[str]:
    """Every number as digits: "three-year" is 3, "a fifth" is 20 (percent)."""
    lower = _TENS.sub(lambda match: str(int(_COUNTS[match[1]]) + int(_COUNTS[match[2]])), text.lower())
    digits = {match.replace(",", "").rstrip(".") for match in _DIGITS.findall(lower)}
    counted = {
        _COUNTS[word] for word in re.findall(r"[a-z]+", lower) if word in _COUNTS and word not in {"one", "once", "single", "second"}
    }
    return frozenset(digits | counted)


def is_miscounted(said: str, told: str) -> bool:
    """Whether a thing that both count has another number: "five calls" beside "fifteen calls before five"."""
    counted = _counted(told)
    return any(counted.get(thing, value) != value for thing, value in _counted(said).items())


@lru_cache(maxsize=20_000)
def _counted(text: str) -> dict[str, str]:
    """What a number stands before; of a thing that is counted twice, neither."""
    words = WORD.findall(text)
    pairs = [(thing, *numbers(word)) for word, thing in pairwise(words) if len(numbers(word)) == 1 and content_terms(thing)]
    things = Counter(terms(thing)[0] for thing, _ in pairs)
    return {stem: value for thing, value in pairs if things[stem := terms(thing)[0]] == 1}


def periods(words: frozenset[str]) -> frozenset[str]:
    return words & _PERIODS


def strange_names(claim: str, known: Iterable[str]) -> float:
    """The share of the claim's names that are none of these words, its first word too where it is no ordinary one."""
    found = [stem for name in _NAME.findall(claim) for stem in terms(name)[:1]]
    if (opener := _OPENER.match(claim)) and not _ORDINARY.search(opener[1]):
        found += [stem for stem in content_terms(opener[1]) if stem not in found]
    held = frozenset(known)
    return sum(stem not in held for stem in found) / len(found) if found else 0.0
