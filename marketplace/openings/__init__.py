"""开启 openings as people see them: the custodians' pages, the opening hall, the record and objections on the spot.

The verbs that freeze, release and open are in ``bids.service``; who may know what is ``disclosure``.
"""
