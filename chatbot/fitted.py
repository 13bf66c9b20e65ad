"""The weights that were fitted on data, as tests/benchmarks/fit_*.py wrote them into fitted.json."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


def evidence_weights() -> dict[str, float]:
    """Of each sign that a unit answers; they sum to 1 in absolute value."""
    return dict(_fitted()["evidence"])


def abstention_weights() -> dict[str, float]:
    """Of each sign that the evidence as a whole answers, and "bias"."""
    return dict(_fitted()["abstention"])


def roleless_weights() -> dict[str, float]:
    """Of each sign that it does where nothing speaks of a role, and "bias"."""
    return dict(_fitted()["roleless"])


def carried_weights() -> dict[str, float]:
    """Of each sign that a follow-up is about a word of the questions before it, and "bias"."""
    return dict(_fitted()["carried"])


def threshold() -> float:
    """The probability from which a question is answered."""
    return float(_fitted()["threshold"])


def support_weights() -> dict[str, float]:
    """Of each sign that a claim is supported, and "bias"."""
    return dict(_fitted()["support"])


def support_threshold() -> float:
    """The probability from which a claim counts as verified."""
    return float(_fitted()["support_threshold"])


@cache
def _fitted() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("chatbot").joinpath("fitted.json").read_text(encoding="utf-8"))
    return found
