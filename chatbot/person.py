"""Who asks must not change what is answered: what a question says of the asker's gender, age, origin or family is not searched for. Pure.

What somebody can and wants ("I am a nurse who likes numbers") is: advice depends on it.
"""

from __future__ import annotations

import re

from chatbot.retrieve import content_terms

_STATEMENT = re.compile(
    r"^\s*(?:(?:hi|hello|hey|well|so)\b[\s,.!]*)?(?:i\s*(?:am|['’]?m|was|come|have|['’]?ve got|use|turn|turned)\b|as an?\b|being an?\b|my (?:age|gender|name|nationality|religion)\b)"
    r"[^.!?;,]*(?:, (?:and|with|who|from|aged?)\b[^.!?;,]*)*(?:[.!;]+\s+|,\s+)",
    re.IGNORECASE,
)
_ORIGIN = re.compile(
    r"\b(?:come|coming|am|['’]m|was born|born|originally|immigrant|refugee|migrant)?\s*(?:from|in) (?:the )?[A-Z][\w-]*(?: [A-Z][\w-]*)*"
)
_CLAUSES = re.compile(r"\s*(?:[,;.]|\band\b)\s*")
_TRAITS = frozenset(
    content_terms(
        "woman women man men girl boy lady gentleman guy female male feminine masculine transgender trans nonbinary binary gay lesbian straight queer person human "
        "mother father mom mum mama dad papa parent parents grandmother grandfather wife husband widow widower single married unmarried divorced engaged pregnant childless "
        "child children kid kids son sons daughter daughters baby babies twins toddler family without with "
        "old year years aged age ages born turned early late twenties thirties forties fifties sixties teenager teen young younger older elderly adult retired middle "
        "black white asian african european american latino latina hispanic indian chinese arab jewish muslim christian hindu buddhist catholic atheist religious "
        "immigrant refugee migrant foreigner native national nationality citizen come coming from originally disabled disability wheelchair blind deaf use user name gender religion "
        "one two three four five six seven eight nine ten now currently just also i'm im i've ive"
    )
)


def without_person(question: str) -> str:
    """The question without the statements before it that tell nothing but such a trait; as it is where nothing would be left."""
    rest = question
    while (found := _STATEMENT.match(rest)) and _is_trait(found[0]) and re.search(r"\w", rest[found.end() :]):
        rest = rest[found.end() :]
    return rest if rest == question else rest[:1].upper() + rest[1:]


def without_traits(statement: str) -> str:
    """What somebody says of what they can and want, without the words that name such a trait."""
    clauses = (_other_words(clause) for clause in _CLAUSES.split(_ORIGIN.sub(" ", statement)))
    return " and ".join(clause for clause in clauses if content_terms(clause))


def _other_words(clause: str) -> str:
    return " ".join(word for word in clause.split() if not (terms := content_terms(word)) or not all(map(_names_trait, terms)))


def _names_trait(word: str) -> bool:
    return word in _TRAITS or word.isdecimal() or bool(re.fullmatch(r"(?:mid|early|late)?-?\d+s?", word))


def _is_trait(statement: str) -> bool:
    words = content_terms(_ORIGIN.sub(" ", statement))
    return all(_names_trait(word) for word in words)
