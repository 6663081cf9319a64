"""Reading a messy list of demands (xlsx, csv) without losing or inventing anything.

Pure: bytes in, a ``Report`` out; no database, no clock, no flask. The report names for every non-blank row of
every sheet what was understood, what is doubtful and what cannot be read, with the addresses of the cells, and
lists the rows that were passed over (titles, notes, totals) with the reason. See interface.md for its JSON shape.
"""

from marketplace.exchange.reading.book import ListUnreadable
from marketplace.exchange.reading.duplicates import Existing
from marketplace.exchange.reading.reader import read_list
from marketplace.exchange.reading.report import Message, Report, Row, Skipped
from marketplace.exchange.reading.rows import reread

__all__ = ["Existing", "ListUnreadable", "Message", "Report", "Row", "Skipped", "read_list", "reread"]
