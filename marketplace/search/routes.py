"""Search over everything public: ``/search``, the words of ``/demands``, suggestions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, current_app, g, jsonify, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands.queries import Filters
from marketplace.demands.routes.public import language, list_page, read_filters
from marketplace.search import cli, directory, listing, sources
from marketplace.search.index import Unavailable
from marketplace.search.indexing import Indexer
from marketplace.search.kinds import answers, demands
from marketplace.search.labels import labels
from marketplace.search.listing import Answer
from marketplace.search.place import Place
from marketplace.search.runner import Runner
from marketplace.search.service import Search
from marketplace.search.sources import View
from marketplace.web import ResponseValue, public

bp = Blueprint("search", __name__)
WORDS = "words"  # below the instance: dictionary.txt and synonyms.txt of this site, added to those of the program


def search() -> Search:
    found: Search = current_app.extensions["search"]
    return found


def view() -> View:
    return View(g.now, language(), url_for)


@bp.get("/search")
@public
def index() -> ResponseValue:
    """Everything that can be found, by kinds; every state of it stands in the URL."""
    filters, kinds = read_filters(), sources.declared()
    wanted = request.args.get("kind", "")
    kind = wanted if wanted in kinds else ""
    if not filters.q and not kind:
        kind = demands.KIND  # nothing asked yet: the list itself
    found = listing.answer(search(), filters, view(), kind=kind, literally=_literally())
    tabs = []
    if found.kinds is not None:
        names = {key: source.label.en if language() == "en" else source.label.zh for key, source in kinds.items()}
        tabs = (
            [(_("全部"), web.page_url(kind=None, page=None), not kind, sum(found.kinds.values()))] if filters.q else []
        )
        tabs += [
            (names[key], web.page_url(kind=key, page=None), key == kind, found.kinds.get(key, 0))
            for key in kinds
            if key in found.kinds or key == kind
        ]
    return _page(
        filters,
        found,
        title=_("检索"),
        kind=kind,
        nav_here="search.index",
        tabs=tabs if len(tabs) > 1 else [],
        hidden=[("kind", kind)] if wanted else [],
    )


class FullText:
    """What earlier features ask of search (``extensions["full_text"]``)."""

    def demands(self, filters: Filters) -> ResponseValue:
        """The list of demands that have the words."""
        found = listing.answer(search(), filters, view(), kind=demands.KIND, literally=_literally())
        return _page(filters, found, suggest_url=url_for("search.suggest", kind=demands.KIND))

    def ids(self, filters: Filters, limit: int) -> list[int] | None:
        return listing.ids(search(), filters, g.now, limit)


def _literally() -> bool:
    return request.args.get("exact") == "1"


def _page(filters: Filters, found: Answer, **more: Any) -> str:
    if found.found is not None and filters.page == 1:
        for tell in current_app.extensions["searched"]:
            tell(filters, found.found)
    context = {"notice": _notice(found, filters), "near": found.near, "suggest_url": url_for("search.suggest")}
    return list_page(
        filters,
        found=found.listing,
        shown=found.rows,
        counts=found.counts,
        **(context | _words(filters, found) | more),
    )


def _notice(found: Answer, filters: Filters) -> tuple[str, str] | None:
    """(title, sentence) where the database answered instead of the index."""
    if found.problem == listing.SLOW:
        return _("这次检索花的时间太长，已经停下"), _(
            "下面是按筛选条件列出的榜单，没有按检索词过滤。请减少检索词再试。"
        )
    if found.problem:
        said = (
            _("下面是按筛选条件和字面词语从榜单中查到的；近义词、拼音和问答暂时查不到。请过几分钟再试。")
            if found.worded
            else _("下面是按筛选条件列出的榜单，没有按检索词过滤。请过几分钟再试。")
        )
        return _("检索正在重建"), said
    if found.found is not None and found.found.query.clipped:
        return _("检索词太长"), _("只按前200个字符检索。请用几个关键词代替整段文字。")
    return None


def _words(filters: Filters, found: Answer) -> dict[str, Any]:
    """What was meant, related words, and what an empty result would have without its filters."""
    if found.found is None:
        return {}
    result = found.found
    said: dict[str, Any] = {}
    if result.corrected:
        said["corrected"] = (result.corrected, web.page_url(exact="1", page=None))
    elif result.meant:
        said["meant"] = (result.meant, web.page_url(q=result.meant, page=None))
    said["tips"] = [(text, web.page_url(q=text, page=None, exact=None)) for text in result.related]
    if result.approximate:
        said["about"] = True
    if not result.total and result.unfiltered:
        kept = {name: request.args[name] for name in ("kind", "q") if request.args.get(name)}
        said["unfiltered"] = (result.unfiltered, f"{request.path}?{urlencode(kept)}")
    if result.loosened:
        said["loosened"] = (result.near_total, result.loosened, web.page_url(q=result.loosened, page=None))
    if found.nearby:
        said["nearby"] = found.nearby
    return said


@bp.get("/search/suggest")
@public
def suggest() -> ResponseValue:
    """What the search box offers while one types; empty while there is no index."""
    typed, kind = request.args.get("q", "").replace("\x00", "")[:100], request.args.get("kind", "")
    try:
        found = search().suggest(typed, g.now, kind=kind if kind in sources.declared() else "")
    except Unavailable:
        found = []
    ids = [item.id for item in found if item.id]
    rows = sources.rows(ids, view()) if ids else []
    urls = {sources.document_id(row["kind"], row["key"]): row["url"] for row in rows}
    response = jsonify(
        {"items": [{"text": item.text, "url": urls.get(item.id)} for item in found if not item.id or item.id in urls]}
    )
    response.headers["Cache-Control"] = "private, max-age=30"
    return response


def install(app: Flask) -> None:
    """Declare the first kinds, register pages and commands, keep this host's index in a thread once served."""
    config = app.config["ZHANGBANG"]
    sources.declare(demands.SOURCE)
    sources.declare(answers.SOURCE)
    engine = directory.engine(config.search_backend)
    place = Place(config.instance / "search" / engine.name)
    own_words = config.instance / WORDS
    app.extensions["search"] = Search(place, engine, labels)
    app.extensions["search_indexer"] = lambda: Indexer(place, engine, own_words=own_words)
    app.extensions["full_text"] = FullText()
    app.extensions["searched"] = []
    app.extensions["words_changed"] = []  # called after a rebuild with other word lists
    app.extensions["warm"] = directory.warm
    app.extensions.setdefault("beside_worker", []).append(
        lambda: Runner(Indexer(place, engine, own_words=own_words)).stand_by()
    )
    app.register_blueprint(bp)
    cli.install(app)
