"""Words of career talk that mean much the same: "salary" asks for a sentence that says "earn". About no role in particular. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ingest.terms import terms

_GROUPS = """
salary salaries pay pays paid earn earns earning earnings wage wages money compensation income premium remuneration lucrative better-paid
tool tools toolkit toolbox framework frameworks library libraries stack software platform platforms sdk sdks technology technologies package packages
skill skills skillset trait traits competency competencies competence ability abilities strength strengths strong fluent comfortable proficient expertise knowledge know-how capable quality qualities adept
demand hiring hire hires recruit recruiting recruiters openings vacancies shortage supply sought market talent wanted popular
learn learns learning study studying roadmap course courses beginner beginners start starting first newbie curriculum begin steps fundamentals basics
degree degrees diploma university uni college school education qualification qualifications academic bachelor master formal graduate
metric metrics measure measured measures evaluation evaluate evaluated judge judged yardstick criteria kpi score scores success successful assessed
daily day day-to-day typical normal ordinary routine everyday duties duty task tasks responsibility responsibilities responsible workday
future last lasting durable endure endures obsolete replaced replace outdated relevant relevance outlook shift disappear survive tomorrow
mindset think thinking thinks attitude personality temperament mentality outlook
switch switching move moving transition transitioning change cross crossover retrain jump become convert career-changer
difference differences differ differs different distinguish contrast compare compared comparison apart distinction unlike whereas same interchangeable identical confuse
background backgrounds experience experienced coming foundation path career fits suits suit right choose choosing
language languages programming code coding script
data dataset datasets records input inputs table tables
build builds building create creates creating make makes making design designs designing develop develops developing produce produces construct
deploy deploys deploying deployment production ship ships rollout release launch live
goal goals focus purpose aim aims mission objective concern concentrate concentrates
team teams collaborate collaborates colleagues work-with partners cooperate closely together complement mixed
quick quickly fast faster soon sooner short shorter speed rapid rapidly ramp slow
grow growth growing grows rise rising trend boom decline shrinking steady
gap gaps missing lack lacks lacking catch need needs required requirement requirements must necessary prerequisite
advantage advantages benefit benefits edge plus pros strength helps help upside
both converge converging overlap hybrid hybrids combine combined combination two-sided
junior entry entry-level novice beginner starter newcomer
consistent consistency reliable reliability predictable deterministic variable stable accuracy accurate
"""


@cache
def _groups_of() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_GROUPS.strip().splitlines()):
        for stem in terms(line):
            found.setdefault(stem, set()).add(number)
    return {stem: frozenset(numbers) for stem, numbers in found.items()}


def meanings(stems: Iterable[str]) -> frozenset[int]:
    """The groups that words belong to."""
    groups = _groups_of()
    return frozenset().union(*[groups[stem] for stem in stems if stem in groups])
