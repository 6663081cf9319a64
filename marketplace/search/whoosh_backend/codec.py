"""How Whoosh stores our index: one field of counted tokens, columns for the rest, posting blocks as arrays.

Everything here goes through Whoosh's own points of extension (field type, codec, storage), so its public reader
still reads the index; ``tests/search/test_whoosh_public_api.py`` holds that against our evaluation.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from pickle import dumps
from struct import Struct, pack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh import columns, fields, formats
from whoosh.codec import whoosh3
from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import BufferFile
from whoosh.system import pack_ushort
from whoosh.util.numeric import length_to_byte

from marketplace.search.documents import FACETS

FEW = 8  # postings up to which plain Python beats numpy: nearly every term of a small segment
BLOCK = 8192  # postings a block: a common word of 100,000 documents is a dozen reads, not eight hundred
SEPARATOR = "\x1f"  # between the values of a facet with several
NUMBERS = ("nid", "version", "visible", "closes", "published", "money")
COLUMNS = (*NUMBERS, *FACETS)

Ints = NDArray[np.int64]
INT = Struct("!i")  # as Whoosh's files have it
NO_LENGTHS = (length_to_byte(0), length_to_byte(0))


class BagField(fields.FieldType):  # type: ignore[misc]
    """A bag of tokens: its value is ``{token: count}``; no positions, no values, the count is the weight."""

    def __init__(self) -> None:
        super().__init__(formats.Existence(), None, scorable=True)

    def index(self, value: dict[str, int], **kwargs: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        return ((token.encode(), count, float(count), b"") for token, count in sorted(value.items()))

    def to_bytes(self, value: str | bytes) -> bytes:
        return value if isinstance(value, bytes) else value.encode()

    def from_bytes(self, value: bytes) -> str:
        return value.decode()


SCHEMA = fields.Schema(
    bag=BagField(),
    **{name: fields.COLUMN(columns.NumericColumn("q")) for name in NUMBERS},
    **{name: fields.COLUMN(columns.RefBytesColumn()) for name in FACETS},
)


class SnapshotStorage(FileStorage):  # type: ignore[misc]
    """Reads a file whole: what is open stays readable when the file is deleted or cut short, and no read can fault.

    (A memory map of a file that is truncated kills the process with SIGBUS.)
    """

    supports_mmap = False

    def open_file(self, name: str, **kwargs: Any) -> Any:
        with open(self._fpath(name), "rb") as file:
            return BufferFile(file.read(), name=name)


def pack_deltas(ids: NDArray[np.uint32]) -> tuple[str, bytes]:
    """Ascending ids as differences in the narrowest unsigned type: (numpy type code, bytes)."""
    deltas = np.diff(ids, prepend=np.uint32(0))
    widest = int(deltas.max())
    kind = "<u1" if widest < 256 else "<u2" if widest < 65536 else "<u4"
    return kind, deltas.astype(kind).tobytes()


def pack_few(ids: list[int]) -> tuple[str, bytes]:
    """The same bytes for a handful of ids, without numpy's cost a call."""
    deltas = [ids[0], *(right - left for left, right in pairwise(ids))]
    widest = max(deltas)
    kind, letter = ("<u1", "B") if widest < 256 else ("<u2", "H") if widest < 65536 else ("<u4", "I")
    return kind, pack(f"<{len(deltas)}{letter}", *deltas)


def unpack_deltas(packed: tuple[str, bytes]) -> NDArray[np.int64]:
    kind, data = packed
    return np.cumsum(np.frombuffer(data, dtype=kind), dtype=np.int64)


class ArrayPostingsWriter(whoosh3.W3PostingsWriter):  # type: ignore[misc]
    """Writes blocks whose ids and counts are packed arrays."""

    def write_term(self, ids: NDArray[np.uint32], counts: NDArray[np.uint8], terminfo: Any) -> None:
        """A whole posting list at once; fills ``terminfo`` as the stock writer does, posting by posting."""
        if len(ids) <= FEW:
            self._write_few(ids.tolist(), counts.tobytes(), terminfo)
            return
        self._startoffset = self._postfile.tell()
        self._postfile.write(whoosh3.WHOOSH3_HEADER_MAGIC)
        for start in range(0, len(ids), BLOCK):
            block, weights = ids[start : start + BLOCK], counts[start : start + BLOCK]
            data = dumps((pack_deltas(block), weights.tobytes(), None), 2)
            info = dumps((len(block), int(block[-1]), float(weights.max()), 0, *NO_LENGTHS), 2)
            size = len(info) + len(data)
            self._postfile.write_int(-size if start + BLOCK >= len(ids) else size)
            self._postfile.write(info)
            self._postfile.write(data)
        self._sum_up(terminfo, len(ids), int(ids[0]), int(ids[-1]), float(counts.sum()), float(counts.max()))

    def _write_few(self, ids: list[int], counts: bytes, terminfo: Any) -> None:
        """One block from Python's own numbers."""
        self._startoffset = self._postfile.tell()
        most = float(max(counts))
        data = dumps((pack_few(ids), counts, None), 2)
        info = dumps((len(ids), ids[-1], most, 0, *NO_LENGTHS), 2)
        size = INT.pack(-len(info) - len(data))
        self._postfile.write(b"".join((whoosh3.WHOOSH3_HEADER_MAGIC, size, info, data)))
        self._sum_up(terminfo, len(ids), ids[0], ids[-1], float(sum(counts)), most)

    def _sum_up(self, terminfo: Any, number: int, first: int, last: int, weight: float, most: float) -> None:
        terminfo._weight, terminfo._df = weight, number
        terminfo._minlength, terminfo._maxlength = 0, 0
        terminfo._maxweight = most
        terminfo._minid, terminfo._maxid = first, last
        terminfo.set_extent(self._startoffset, self._postfile.tell() - self._startoffset)


class ArrayMatcher(whoosh3.W3LeafMatcher):  # type: ignore[misc]
    """Reads those blocks through Whoosh's public matcher interface."""

    def _read_ids(self) -> None:
        if self._data is None:
            self._read_data()
        self._ids = unpack_deltas(self._data[0]).tolist()

    def _read_weights(self) -> None:
        if self._data is None:
            self._read_data()
        self._weights = array("f", list(self._data[1]))


class PostingPool:
    """Collects (token, document, count) as arrays and hands them out by token; replaces Whoosh's sorted runs."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = _Codes()
        self._tokens = array("I")
        self._documents = array("I")
        self._counts = array("B")

    def add_bag(self, number: int, bag: dict[str, int]) -> None:
        self._tokens.extend(map(self._codes.__getitem__, bag))
        self._counts.extend(bag.values())
        self._documents.extend([number] * len(bag))

    def add_term(self, token: str, ids: NDArray[np.int64], counts: NDArray[np.uint8]) -> None:
        self._tokens.extend([self._codes[token]] * len(ids))
        self._documents.frombytes(ids.astype(np.uint32).tobytes())
        self._counts.frombytes(counts.tobytes())

    def iter_postings(self) -> PostingPool:
        return self

    def terms(self) -> Iterator[tuple[bytes, NDArray[np.uint32], NDArray[np.uint8]]]:
        """Every token in the order of its bytes with its documents, ascending."""
        if not self._tokens:
            return
        names = [token.encode() for token in self._codes]
        order = sorted(range(len(names)), key=names.__getitem__)
        rank = np.empty(len(names), dtype=np.uint32)
        rank[order] = np.arange(len(names), dtype=np.uint32)
        key = rank[np.frombuffer(self._tokens, dtype=np.uint32)]
        documents = np.frombuffer(self._documents, dtype=np.uint32)
        by_term = np.lexsort((documents, key))
        documents, counts = documents[by_term], np.frombuffer(self._counts, dtype=np.uint8)[by_term]
        edges = np.searchsorted(key[by_term], np.arange(len(names) + 1))
        for position, code in enumerate(order):
            place = slice(int(edges[position]), int(edges[position + 1]))
            yield names[code], documents[place], counts[place]

    def cleanup(self) -> None:
        """Nothing on disk."""


class _Codes(dict[str, int]):
    def __missing__(self, token: str) -> int:
        code = self[token] = len(self)
        return code


class ArrayFieldWriter(whoosh3.W3FieldWriter):  # type: ignore[misc]
    """Writes a pool's arrays term by term."""

    def add_postings(self, schema: Any, lengths: Any, pool: PostingPool) -> None:
        self.start_field("bag", schema["bag"])
        prefix = pack_ushort(self._fieldid)
        for token, ids, counts in pool.terms():
            terminfo = whoosh3.W3TermInfo()
            self._postwriter.write_term(ids, counts, terminfo)
            self._tindex.add(prefix + token, terminfo.to_bytes())
        self.finish_field()


class ArrayCodec(whoosh3.W3Codec):  # type: ignore[misc]
    """Whoosh's own codec with packed posting blocks. Pickled into the index by name: keep the name."""

    length_stats = False

    def postings_writer(self, dbfile: Any, byteids: bool = False) -> ArrayPostingsWriter:
        return ArrayPostingsWriter(dbfile, blocklimit=BLOCK, byteids=byteids, compression=0)

    def postings_reader(self, dbfile: Any, terminfo: Any, format_: Any, term: Any = None, scorer: Any = None) -> Any:
        offset, length = terminfo.extent()
        return ArrayMatcher(dbfile, offset, length, format_, term=term, scorer=scorer)

    def field_writer(self, storage: Any, segment: Any) -> ArrayFieldWriter:
        return ArrayFieldWriter(self, storage, segment)
