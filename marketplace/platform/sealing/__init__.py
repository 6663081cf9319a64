"""JBS1: how a bid is sealed in the bidder's hands, kept unread, and opened by k of n custodians.

Pure protocol: standard library and ``cryptography`` alone, no flask, no table, no clock. The same modules run in the
site, in the offline sealer ``static/tools/seal_bid.py`` (assembled from them by ``bundle``) and, byte for byte
compatible, in the browser as ``static/js/sealing/``.

Read in this order:

``reasons``     every way in which a sealed thing can be refused, with its code and sentence
``wire``        canonical bytes and the strings that bind a ciphertext to its place
``shamir``      the only cryptography of our own: secret sharing over GF(256)
``hpke``        RFC 9180 to one custodian
``container``   one part as salted, chunked AES-256-GCM
``form``        the padded ``form.json`` of an envelope, with the salts of all commitments
``custodians``  the ordered set, its hash, a release, the proof that a custodian still holds his key
``keyfile``     a custodian's private key under a passphrase
``orgkey``      单位标书钥匙: the 26-character code, and the bidder's own copy of each envelope key
``manifest``    what is committed to
``seal``        content → ciphertext, manifest, wrapped shares
``opening``     shares → content, or the reason why not
``package``     a bid sealed offline, as one file
``receipt``     what the bidder keeps, and how anyone verifies it
"""
