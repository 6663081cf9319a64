"""What the demo says: invented organisations, people, demands and their story, as TOML, and the functions that read it.

Nothing here touches the database: ``marketplace.demo`` plays this content through the services.
"""

from marketplace.demo.content import story
from marketplace.demo.content.catalogue import DemandEntry, demands
from marketplace.demo.content.parties import Organisation, Person, organisations, people

__all__ = ["DemandEntry", "Organisation", "Person", "demands", "organisations", "people", "story"]
