"""The OpenAPI 3.1 description of ``/api/v1``. Pure; what it says is held against the answers by the tests."""

from __future__ import annotations

from typing import Any

from marketplace import taxonomy
from marketplace.demands.clocks import MODES
from marketplace.demands.facets import PUBLIC_PHASES
from marketplace.demands.queries import SORTS

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 1}


def _parameter(name: str, description: str, schema: dict[str, Any], *, several: bool = False) -> dict[str, Any]:
    wrapped = {"type": "array", "items": schema} if several else schema
    return {"name": name, "in": "query", "description": description, "schema": wrapped, "explode": True}


def _codes(codes: Any) -> dict[str, Any]:
    return {"type": "string", "enum": list(codes)}


_DIRECTIONS, _INDUSTRIES = _codes(taxonomy.DIRECTIONS), _codes(taxonomy.INDUSTRIES)


def _renew() -> None:
    _DIRECTIONS["enum"], _INDUSTRIES["enum"] = list(taxonomy.DIRECTIONS), list(taxonomy.INDUSTRIES)


taxonomy.listen(_renew)
PARAMETERS = [
    _parameter("q", 'Full text: words, "phrases", -exclusions, field:values, numbers, pinyin', _TEXT),
    _parameter("direction", "方向", _DIRECTIONS, several=True),
    _parameter("industry", "产业", _INDUSTRIES, several=True),
    _parameter("mode", "资金方式", _codes(MODES), several=True),
    _parameter("state", "状态, phases by the clock included", _codes(PUBLIC_PHASES), several=True),
    _parameter("budget", "预算", _codes(taxonomy.BUDGET_BANDS), several=True),
    _parameter("unit", "需求单位, its slug from the facets", _TEXT, several=True),
    _parameter("batch", "批次, e.g. ZZGX-2026-02", _TEXT, several=True),
    _parameter("year", "Year of publication", _TEXT, several=True),
    _parameter("sort", "Order", _codes(SORTS)),
    _parameter("page", "From 1", _NUMBER),
    _parameter("facets", "0: facets are named and not counted, for clients that do not show them", _codes(["0"])),
    _parameter("per_page", "At most 100", {**_NUMBER, "maximum": 100, "default": 20}),
]
ITEM = {
    "number": _TEXT,
    "title": _TEXT,
    "unit": _TEXT,
    "direction": _TEXT,
    "industries": {"type": "array", "items": _TEXT},
    "mode": _TEXT,
    "budget_wan": {"type": ["string", "null"], "description": "万元 as a decimal; null is 面议"},
    "state": _TEXT,
    "phase": {**_TEXT, "description": "The state, with published split by the clock: open, closing, closed"},
    "deadline": {"type": "string", "format": "date-time"},
    "url": {"type": "string", "format": "uri"},
    "updated_at": {"type": "string", "format": "date-time"},
    "highlight": {**_TEXT, "description": "HTML: escaped text with the words asked for in <mark>"},
}


def _answer(description: str, schema: dict[str, Any], *, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def document(*, title: str, server: str) -> dict[str, Any]:
    """The whole description, with the site's own address."""
    problem = _answer("Why not", {"$ref": "#/components/schemas/Problem"}, media_type="application/problem+json")
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": "Published demands. No key is needed. Instants are UTC."},
        "servers": [{"url": server}],
        "paths": {
            "/api/v1/demands": {
                "get": {
                    "operationId": "listDemands",
                    "summary": "榜单",
                    "parameters": PARAMETERS,
                    "responses": {"200": _answer("One page", {"$ref": "#/components/schemas/Page"}), "default": problem},
                }
            },
            "/api/v1/demands/{number}": {
                "get": {
                    "operationId": "readDemand",
                    "summary": "一条需求",
                    "parameters": [{"name": "number", "in": "path", "required": True, "schema": _TEXT}],
                    "responses": {"200": _answer("The demand", {"$ref": "#/components/schemas/Demand"}), "404": problem},
                }
            },
        },
        "components": {
            "schemas": {
                "Item": {"type": "object", "properties": ITEM, "required": list(ITEM)},
                "Page": {
                    "type": "object",
                    "required": ["total", "page", "per_page", "items", "facets"],
                    "properties": {
                        "total": {"type": "integer"},
                        "page": _NUMBER,
                        "per_page": _NUMBER,
                        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
                        "facets": {"type": "object"},
                    },
                },
                "Demand": {
                    "allOf": [{"$ref": "#/components/schemas/Item"}],
                    "type": "object",
                    "properties": {"content": {"type": "object"}, "versions": {"type": "array"}},
                },
                "Problem": {
                    "type": "object",
                    "properties": {"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
                },
            }
        },
    }  # fmt: skip
