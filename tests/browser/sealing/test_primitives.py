"""Each module of static/js/sealing against its twin in Python, in a real browser."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from marketplace.platform.sealing import keyfile, shamir
from marketplace.platform.sealing.custodians import answer_challenge, challenge
from marketplace.platform.sealing.hpke import public_bytes
from marketplace.platform.sealing.manifest import Manifest
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.seal import Content, seal
from marketplace.platform.sealing.seal_tool import SealingSheet
from marketplace.platform.sealing.wire import ENVELOPES, canonical
from tests.sealing.bench import REF, Office, Store


def test_rfc_9180_vector(page: Page) -> None:
    vector = json.loads(Path("tests/data/sealing/rfc9180.json").read_text())
    sealed, opened = page.evaluate(
        """async (v) => {
          const hex = jbs.wire.fromHex;
          const url = (bytes) => btoa(String.fromCharCode(...bytes))
            .replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=/g, "");
          const pair = async (d, point) => {
            const [x, y] = [url(point.slice(1, 33)), url(point.slice(33))];
            const jwk = { kty: "EC", crv: "P-256", d: url(hex(d)), x, y };
            const curve = { name: "ECDH", namedCurve: "P-256" };
            return {
              privateKey: await crypto.subtle.importKey("jwk", jwk, curve, false, ["deriveBits"]),
              publicKey: await jbs.hpke.importPublicKey(point),
              point,
            };
          };
          const first = v.encryptions[0];
          const aad = hex(first.aad);
          const ephemeral = await pair(v.skEm, hex(v.pkEm));
          const holder = await pair(v.skRm, hex(v.pkRm));
          const sealed = await jbs.hpke.sealTo(hex(v.pkRm), hex(first.pt), hex(v.info), { ephemeral, aad });
          const opened = await jbs.hpke.openWith(holder, hex(v.enc + first.ct), hex(v.info), { aad });
          return [jbs.wire.toHex(sealed), jbs.wire.toHex(opened)];
        }""",
        vector,
    )
    assert sealed == vector["enc"] + vector["encryptions"][0]["ct"]
    assert opened == vector["encryptions"][0]["pt"]


def test_shares_of_either_side(page: Page) -> None:
    table = page.evaluate(
        """() => {
          const table = [];
          for (let a = 0; a < 256; a += 1) for (let b = 0; b < 256; b += 1) table.push(jbs.shamir.multiply(a, b));
          return jbs.wire.toHex(table);
        }"""
    )
    assert table == bytes(shamir.multiply(a, b) for a in range(256) for b in range(256)).hex()
    secret = random.Random(4).randbytes(32)
    for quorum, count in ((1, 1), (2, 3), (3, 5)):
        dealt = page.evaluate(
            """({ secret, quorum, count }) =>
              jbs.shamir.split(jbs.wire.fromHex(secret), { quorum, count }).map(jbs.wire.toHex)""",
            {"secret": secret.hex(), "quorum": quorum, "count": count},
        )
        shares = [bytes.fromhex(share) for share in dealt]
        chosen = [list(subset) for size in range(1, count + 1) for subset in itertools.combinations(shares, size)]
        combined = page.evaluate(
            "(all) => all.map((shares) => jbs.wire.toHex(jbs.shamir.combine(shares.map(jbs.wire.fromHex))))",
            [[share.hex() for share in subset] for subset in chosen],
        )
        for subset, here in zip(chosen, combined, strict=True):
            assert here == shamir.combine(*subset).hex()
            assert (here == secret.hex()) is (len(subset) >= quorum)


def test_canonical_bytes_are_the_same(page: Page) -> None:
    values: list[Any] = [
        {"b": 1, "a": [None, True, False, "x"], "Z": {}, "aa": []},
        '引号" 反斜\\ 控制\b\f\n\r\t\x00\x1f\x7f \u2028\u2029 \U0001f6b0',
        2**53 - 1,
        -(2**53 - 1),
        0,
    ]
    written = page.evaluate("(values) => values.map((v) => jbs.wire.toHex(jbs.wire.canonical(v)))", values)
    assert [bytes.fromhex(text) for text in written] == [canonical(value) for value in values]
    refused = """() => [0.5, 2 ** 53, NaN, undefined, () => 1, "\\ud800"].map((v) => {
      try { jbs.wire.canonical(v); return false; } catch { return true; }
    })"""
    assert page.evaluate(refused) == [True] * 6


def test_codes_and_wraps_of_either_side(page: Page) -> None:
    dek = random.Random(6).randbytes(32)
    for _ in range(20):
        code, check, wrapped = page.evaluate(
            """async ({ ref, dek }) => {
              const code = jbs.orgkey.newCode();
              const key = await jbs.orgkey.importCode(code);
              const wrapped = await jbs.orgkey.wrap(key, jbs.wire.fromHex(dek), ref, "price");
              return [code, await jbs.orgkey.checkHash(key), jbs.wire.toHex(wrapped)];
            }""",
            {"ref": {"demand": REF.demand, "bid": REF.bid, "version": 1}, "dek": dek.hex()},
        )
        key = OrganisationKey.from_code(code)
        assert (key.code, key.check_hash) == (code, check)
        assert key.unwrap(bytes.fromhex(wrapped), ref=REF, envelope="price") == dek
    code = OrganisationKey.generate().code
    typed = [code.lower(), f" {code.replace('-', ' ')}　", "".join(chr(ord(c) + 0xFEE0) for c in code)]
    assert page.evaluate("(typed) => typed.map(jbs.orgkey.readCode)", typed) == [code] * 3
    wrong = [code[:-1], f"{code}0", "", ("0" if code[0] != "0" else "1") + code[1:]]
    refused = "(wrong) => Promise.all(wrong.map((text) => code(async () => jbs.orgkey.readCode(text))))"
    assert page.evaluate(refused, wrong) == ["C-01"] * 4


def test_the_key_stays_on_the_device_and_cannot_be_taken_out(page: Page) -> None:
    own = OrganisationKey.generate()
    page.evaluate(
        "async ([name, code]) => { await jbs.keystore.keep(name, await jbs.orgkey.importCode(code)); }",
        [own.check_hash, own.code],
    )
    page.reload()
    page.wait_for_function("window.ready")
    found = page.evaluate(
        """async (name) => {
          const key = await jbs.keystore.find(name);
          const exported = await crypto.subtle.exportKey("raw", key).then(() => true, () => false);
          return [key.extractable, exported, await jbs.orgkey.checkHash(key), await jbs.keystore.find("other")];
        }""",
        own.check_hash,
    )
    assert found == [False, False, own.check_hash, None]
    page.evaluate("(name) => jbs.keystore.forget(name)", own.check_hash)
    assert page.evaluate("(name) => jbs.keystore.find(name)", own.check_hash) is None


def test_a_custodians_life(page: Page) -> None:
    """Enrols in the browser, proves his key, releases shares; Python reads his file and he reads Python's."""
    enrolled = page.evaluate(
        """async () => {
          const { file, key, fingerprint } = await jbs.keyfile.enrol("c1", "口令 ①23 correct horse");
          return { file: new TextDecoder().decode(file), key, fingerprint };
        }"""
    )
    custodian, private = keyfile.read_key_file(enrolled["file"].encode(), "口令 ①23 correct horse")
    assert (custodian.point.hex(), custodian.fingerprint) == (enrolled["key"], enrolled["fingerprint"])
    assert public_bytes(private) == custodian.point

    office, store = Office.of("2-of-3"), Store()
    contents = {"technical": Content({"a": 1}), "price": Content({"b": 2})}
    submission = seal(
        contents, ref=REF, replaces=None, custodians=office.set, own_key=OrganisationKey.generate(), store=store.put
    )
    manifest = Manifest.parse(submission.manifest)
    asked = challenge(office.set.custodians[1])
    ref = {"demand": REF.demand, "bid": REF.bid, "version": 1}
    wrapped = [
        {
            "setHash": manifest.set_hash,
            "ref": ref,
            "envelope": name,
            "index": index,
            "sealed": submission.wrapped_shares[name][index - 1].hex(),
        }
        for name in ENVELOPES
        for index in (2, 3)
    ]
    answered = page.evaluate(
        """async ({ file, wrapped, challenge }) => {
          const bytes = new TextEncoder().encode(file);
          const holder = await jbs.keyfile.unlock(bytes, "sesame");
          const items = wrapped.map((item) => ({ ...item, sealed: jbs.wire.fromHex(item.sealed) }));
          const progress = [];
          const shares = await jbs.custodians.release(holder, items, (done, total) => progress.push([done, total]));
          const codes = [
            await code(() => jbs.keyfile.unlock(bytes, "wrong")),
            await code(() => jbs.keyfile.unlock(jbs.wire.utf8("{}"), "sesame")),
            await code(() => jbs.custodians.answerChallenge(holder, { ...challenge, nonce: "0" })),
            await code(() => jbs.custodians.answerChallenge(holder, { ...challenge, sealed: wrapped[0].sealed })),
          ];
          const exported = await crypto.subtle.exportKey("pkcs8", holder.privateKey).then(() => true, () => false);
          const answer = await jbs.custodians.answerChallenge(holder, challenge);
          return { shares, progress, codes, exported, answer, custodian: holder.custodian };
        }""",
        {
            "file": keyfile.write_key_file("c2", office.keys[1], "sesame").decode(),
            "wrapped": wrapped,
            "challenge": {"custodianId": "c2", "nonce": asked.nonce, "sealed": asked.sealed.hex()},
        },
    )
    assert (answered["custodian"], answered["exported"]) == ("c2", False)
    assert answered["codes"] == ["C-04", "C-03", "C-05", "C-05"]
    assert answered["progress"] == [[done, 4] for done in (1, 2, 3, 4)]
    assert asked.accepts(bytes.fromhex(answered["answer"]))
    mine = [office.released(submission, manifest, name, (2,))[0] for name in ENVELOPES]
    assert answered["shares"] == [share for m in mine for share in ((m or b"").hex(), None)]
    assert (
        answer_challenge(office.keys[1], custodian_id="c2", nonce=asked.nonce, sealed=asked.sealed).hex()
        == (answered["answer"])
    )


def test_set_hashes_and_a_set_that_is_not_the_notices(page: Page) -> None:
    office = Office.of("3-of-5")
    sheet = SealingSheet(REF, None, office.set).to_json()
    hashed, refused = page.evaluate(
        """async ({ sheet, codeText }) => {
          const key = await jbs.orgkey.importCode(codeText);
          const other = { ...sheet, set_hash: "00".repeat(32) };
          return [
            await jbs.custodians.setHash(sheet.custodians),
            await code(() => jbs.seal.seal({}, other, key, async () => {})),
          ];
        }""",
        {"sheet": sheet, "codeText": OrganisationKey.generate().code},
    )
    assert (hashed, refused) == (office.set.hash, "M-03")
