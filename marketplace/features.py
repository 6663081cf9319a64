"""Which features the product has, in their one order. A later feature may use earlier ones, never the reverse."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

# Each names a module with ``install(app)``: blueprints, commands, template context, outbox subscriptions.
FEATURES = (
    "marketplace.accounts.routes",
    "marketplace.frontend.routes",
    "marketplace.site.routes",
    "marketplace.demands.routes",
    "marketplace.questions.routes",
    "marketplace.bids.routes",
    "marketplace.eligibility.routes",
    "marketplace.diagnosis.routes",
    "marketplace.transparency.routes",
    "marketplace.notifications.routes",
    "marketplace.search.routes",
    "marketplace.capabilities.routes",
    "marketplace.openings.routes",
    "marketplace.results.routes",
    "marketplace.notices.routes",
    "marketplace.awards.routes",
    "marketplace.home.routes",
    "marketplace.desk.routes",
    "marketplace.matching.routes",
    "marketplace.alerts.routes",
    "marketplace.unfound.routes",
    "marketplace.settings.routes",
    "marketplace.administration.routes",
    "marketplace.opendata.routes",
    "marketplace.help.routes",
    "marketplace.exchange.routes",
    "marketplace.panels.routes",
    "marketplace.scoring.routes",
    "marketplace.demo.cli",
)

# Modules whose tables belong to the schema; migrations and create_all() see exactly these.
MODELS = (
    "marketplace.platform.clock",
    "marketplace.platform.audit.models",
    "marketplace.platform.outbox.models",
    "marketplace.accounts.models",
    "marketplace.settings.models",
    "marketplace.custody.models",
    "marketplace.batches.models",
    "marketplace.demands.models",
    "marketplace.bids.guards",
    "marketplace.eligibility.models",
    "marketplace.questions.models",
    "marketplace.notifications.models",
    "marketplace.exchange.models",
    "marketplace.panels.models",
    "marketplace.scoring.models",
    "marketplace.capabilities.models",
    "marketplace.results.models",
    "marketplace.notices.models",
    "marketplace.awards.models",
    "marketplace.matching.models",
    "marketplace.alerts.models",
    "marketplace.unfound.models",
)


def load_models() -> None:
    """Import every table definition."""
    for name in MODELS:
        import_module(name)


def install(app: Flask) -> None:
    """Let every feature hook itself in."""
    load_models()
    for name in FEATURES:
        import_module(name).install(app)
