"""Who answers which call: each service's functions stand in a table, and what they have in common."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

Answer = tuple[int, Any, dict[str, str]]
ROUTES: list[tuple[str, str, Callable[..., Answer]]] = []


def route(method: str, pattern: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    def decorate(act: Callable[..., Answer]) -> Callable[..., Answer]:
        ROUTES.append((method, pattern, act))
        return act

    return decorate


def ok(answer: Any, status: int = 200, **headers: str) -> Answer:
    return status, answer, headers


def missing() -> Answer:
    return 404, {"itemNotFound": {"message": "There is no such thing.", "code": 404}}, {}


def like(rows: Any, query: dict[str, str], *fields: str) -> list[dict[str, Any]]:
    return [row for row in rows if all(str(row.get(one)) == query[one] for one in fields if one in query)]


def new_id() -> str:
    return uuid4().hex
