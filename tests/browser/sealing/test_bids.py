"""Whole bids both ways: sealed in a real browser and opened in Python, and the other way round."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from io import BytesIO
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from marketplace.platform.sealing.container import CHUNK_SIZE
from marketplace.platform.sealing.manifest import Manifest, Submission, accept
from marketplace.platform.sealing.opening import open_envelope, recover_key
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.seal import Content, seal
from marketplace.platform.sealing.seal_tool import SealingSheet
from marketplace.platform.sealing.wire import ENVELOPES, BidRef, canonical, dek_commitment
from tests.browser.sealing.conftest import Site
from tests.sealing.bench import REF, Office, Store, attachment, content_of, open_bid


def sizes(count: int) -> list[int]:
    """0 B to 5 MiB: every edge of a chunk, then small, middling and large at random."""
    edges = [0, 1, 15, 16, 17, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 5 * CHUNK_SIZE]
    chance = random.Random(9180)
    drawn = (int(2 ** chance.uniform(0, 21)) if i % 4 else chance.randint(0, 5 * CHUNK_SIZE) for i in itertools.count())
    return [*edges, *itertools.islice(drawn, count - len(edges))]


def bid_of(ten: list[int], number: int) -> dict[str, Content]:
    chance = random.Random(number)
    files = tuple(attachment(f"第{i}件 {size}.pdf", chance.randbytes(size), f"role{i}") for i, size in enumerate(ten))
    fields: dict[str, Any] = {"note": "方案 \U0001f6b0 “引号” \\ \u2028 \x7f", "n": number, "list": [1, None, True]}
    return {"technical": Content(fields, files[:6]), "price": Content({"total_fen": 10**15 + number}, files[6:])}


BATCHES = [sizes(200)[start : start + 10] for start in range(0, 200, 10)]


@pytest.mark.parametrize("number", range(20))
def test_python_opens_what_the_browser_sealed(page: Page, site: Site, number: int) -> None:
    office, own = Office.of("2-of-3"), OrganisationKey.generate()
    ref = BidRef(REF.demand, f"{number:032x}", 1)
    contents = bid_of(BATCHES[number], number)
    site.shelf.clear()
    wanted: dict[str, Any] = {}
    for envelope, content in contents.items():
        names = []
        for i, file in enumerate(content.attachments):
            with file.open() as source:
                site.shelf[f"plain/{envelope}/{i}"] = source.read(1 << 30)
            names.append({"name": file.name, "type": file.media_type, "role": file.role})
        wanted[envelope] = {"fields": content.fields, "files": names}
    closed = page.evaluate(
        """async ({ wanted, sheet, code }) => {
          const contents = {};
          for (const [envelope, { fields, files }] of Object.entries(wanted)) {
            const attachments = [];
            for (const [i, { name, type, role }] of files.entries()) {
              attachments.push({ file: new File([await blob(`plain/${envelope}/${i}`)], name, { type }), role });
            }
            contents[envelope] = { fields, attachments };
          }
          return jbs.seal.seal(contents, sheet, await jbs.orgkey.importCode(code), put);
        }""",
        {"wanted": wanted, "sheet": SealingSheet(ref, None, office.set).to_json(), "code": own.code},
    )
    submission = Submission.from_json(closed["submission"])
    manifest = accept(submission, ref=ref, replaces=None, custodians=office.set)
    assert manifest.hash == closed["manifestHash"]
    store = Store()
    for envelope in manifest.envelopes:
        for part in envelope.parts:
            pieces = (site.shelf.get(f"{envelope.name}/{part.part}/{index}", b"") for index in range(7))
            store.blobs[envelope.name, part.part] = b"".join(pieces)
    shares = {name: office.released(submission, manifest, name, (1, 3)) for name in ENVELOPES}
    assert open_bid(manifest, shares, store, quorum=2) == content_of(contents)
    for name in ENVELOPES:
        dek = own.unwrap(submission.own_wraps[name], ref=ref, envelope=name)
        assert dek == recover_key(manifest, name, shares[name], quorum=2)


@pytest.mark.parametrize("number", range(20))
def test_the_browser_opens_what_python_sealed(page: Page, site: Site, number: int) -> None:
    office, own, store = Office.of("3-of-5"), OrganisationKey.generate(), Store()
    ref = BidRef(REF.demand, f"{number:032x}", 1)
    contents = bid_of(BATCHES[number], number)
    submission = seal(contents, ref=ref, replaces=None, custodians=office.set, own_key=own, store=store.put)
    site.shelf.clear()
    site.shelf.update({f"{envelope}/{part}": data for (envelope, part), data in store.blobs.items()})
    opened = page.evaluate(
        """async ({ submission, hash, code }) => {
          const key = await jbs.orgkey.importCode(code);
          const manifest = await jbs.opening.readManifest(submission.manifest, hash);
          const opened = {};
          for (const name of jbs.wire.ENVELOPES) {
            const dek = await jbs.orgkey.unwrap(key, jbs.wire.fromHex(submission.own_wraps[name]), manifest, name);
            const { fields, files } = await jbs.opening.openEnvelope(manifest, name, dek, (n, p) => blob(`${n}/${p}`));
            const listed = [];
            for (const { file, role } of files) {
              const hash = await jbs.wire.sha256(new Uint8Array(await file.arrayBuffer()));
              listed.push([file.name, file.type, role, file.size, hash]);
            }
            opened[name] = { fields, files: listed };
          }
          return opened;
        }""",
        {
            "submission": submission.to_json(),
            "hash": Manifest.parse(submission.manifest).hash,
            "code": own.code.lower(),
        },
    )
    for envelope, content in contents.items():
        listed = []
        for file in content.attachments:
            with file.open() as source:
                data = source.read(1 << 30)
            listed.append([file.name, file.media_type, file.role, len(data), hashlib.sha256(data).hexdigest()])
        assert opened[envelope] == {"fields": dict(content.fields), "files": listed}


def test_the_browser_refuses_what_was_touched(page: Page, site: Site) -> None:
    office, own, store = Office.of("1-of-1"), OrganisationKey.generate(), Store()
    contents = {"technical": Content({"a": 1}, (attachment("a.pdf", bytes(CHUNK_SIZE + 5)),))}
    submission = seal(contents, ref=REF, replaces=None, custodians=office.set, own_key=own, store=store.put)
    manifest = Manifest.parse(submission.manifest)
    blob = store.blobs["technical", 1]
    site.shelf.clear()
    site.shelf |= {
        "technical/0": store.blobs["technical", 0],
        "good/1": blob,
        "flipped/1": blob[:-1] + bytes((blob[-1] ^ 1,)),
        "short/1": blob[:-1],
    }
    codes = page.evaluate(
        """async ({ submission, hash, codeText, otherCode }) => {
          const { opening, orgkey, wire, container } = jbs;
          const key = await orgkey.importCode(codeText);
          const manifest = await opening.readManifest(submission.manifest, hash);
          const wrapped = wire.fromHex(submission.own_wraps.technical);
          const dek = await orgkey.unwrap(key, wrapped, manifest, "technical");
          const open = (folder, given = dek) => code(() =>
            opening.openEnvelope(manifest, "technical", given, (n, p) => blob(p ? `${folder}/1` : "technical/0")));
          const place = { dek, ref: manifest, envelope: "technical", part: 1 };
          const drain = (source, at = place) => code(async () => {
            for await (const _ of container.decrypt(source, at));
          });
          const good = await blob("good/1");
          const other = await orgkey.importCode(otherCode);
          const long = { envelope: "price", fields: { x: "长".repeat(400000) }, files: [] };
          return {
            good: await open("good"),
            flipped: await open("flipped"),
            short: await open("short"),
            key: await open("good", new Uint8Array(32)),
            manifest: await code(() => opening.readManifest(submission.manifest + " ", hash)),
            wrap: await code(() => orgkey.unwrap(other, wrapped, manifest, "technical")),
            place: await code(() => orgkey.unwrap(key, wrapped, manifest, "price")),
            header: await drain(new Blob(["PK", good.slice(2)])),
            part: await drain(good, { ...place, part: 2 }),
            swapped: await drain(new Blob([good.slice(0, 40), good.slice(40 + 1048592), good.slice(40, 40 + 1048592)])),
            cut: await drain(good.slice(0, 40 + 1048592)),
            big: await code(() => jbs.seal.sealFile({ size: 50 * 1048576 + 1, name: "x" }, place)),
            longForm: await code(async () => jbs.form.frame(long)),
          };
        }""",
        {
            "submission": submission.to_json(),
            "hash": manifest.hash,
            "codeText": own.code,
            "otherCode": OrganisationKey.generate().code,
        },
    )
    assert codes == {
        "good": None,
        "flipped": "S-03",
        "short": "S-02",
        "key": "J-01",
        "manifest": "S-04",
        "wrap": "C-02",
        "place": "C-02",
        "header": "J-02",
        "part": "J-03",
        "swapped": "J-03",
        "cut": "J-03",
        "big": "M-05",
        "longForm": "M-05",
    }


def test_a_hundred_saves_of_one_draft(page: Page, site: Site) -> None:
    """A hundred keys, and each of the saved forms opens in Python."""
    site.shelf.clear()
    dek = bytes(range(32))
    parts = page.evaluate(
        """async ({ dek, ref }) => {
          const parts = [];
          for (let save = 0; save < 100; save += 1) {
            const store = (envelope, part, index, bytes) => put(`save${save}`, part, index, bytes);
            parts.push(await jbs.seal.sealForm({ text: "同一份草稿" }, [], {
              dek: jbs.wire.fromHex(dek), ref, envelope: "technical", put: store,
            }));
          }
          return parts;
        }""",
        {"dek": dek.hex(), "ref": {"demand": REF.demand, "bid": REF.bid, "version": 1}},
    )
    saved = [site.shelf[f"save{save}/0/0"] for save in range(100)]
    assert len({data[8:40] for data in saved}) == 100
    assert len({part["pt_commit"] for part in parts}) == 100
    assert {len(data) for data in saved} == {40 + 16 * 1024 + 16}
    office, store = Office.of("1-of-1"), Store()
    submission = seal(
        {}, ref=REF, replaces=None, custodians=office.set, own_key=OrganisationKey.generate(), store=store.put
    )
    document = json.loads(submission.manifest)
    for data, part in zip(saved, parts, strict=True):
        document["envelopes"][0]["parts"] = [part]
        document["envelopes"][0]["dek_commit"] = dek_commitment(REF, "technical", dek)
        manifest = Manifest.parse(canonical(document))
        form = open_envelope(
            manifest, "technical", dek=dek, fetch=lambda _envelope, _part, data=data: BytesIO(data), keep=_no_file
        )
        assert form.fields == {"text": "同一份草稿"}


def _no_file(*_: object) -> None:
    raise AssertionError("a draft's form lists no file here")


def test_without_a_secure_context_it_says_so(browser: Browser, site: Site) -> None:
    page = browser.new_page()
    page.goto(site.url("zhangbang.test"))
    page.wait_for_function("window.ready")
    said = page.evaluate(
        """() => {
          try { jbs.reasons.requireCrypto(); } catch (error) { return [jbs.reasons.canSeal(), error.code]; }
          return null;
        }"""
    )
    page.close()
    assert said == [False, "B-01"]
