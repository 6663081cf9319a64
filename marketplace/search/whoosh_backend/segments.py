"""A committed Whoosh index in memory: columns and posting lists of all segments as arrays.

Reads private members of Whoosh's reader where its public interface goes value by value in Python.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pickle import loads
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.reading import SegmentReader, TermNotFound
from whoosh.util.numeric import byte_to_length

from marketplace.search.documents import FACETS
from marketplace.search.whoosh_backend.codec import NUMBERS, SCHEMA, SEPARATOR, ArrayMatcher, unpack_deltas

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]

K1, B = 1.2, 0.75  # BM25 as tantivy has it
CACHE_BYTES = 48_000_000  # decoded posting lists kept per index and process
LENGTHS = np.array([byte_to_length(byte) for byte in range(256)], dtype=np.float32)


class Segment:
    """One segment, which never changes but for its deletions; those belong to the snapshot."""

    def __init__(self, storage: Any, segment: Any) -> None:
        self.id = segment.segment_id()
        self.size: int = segment.doc_count_all()
        self.reader = SegmentReader(storage, SCHEMA, segment)
        self.numbers = {name: self._number(name) for name in NUMBERS}
        self.facets = {name: self._references(name) for name in FACETS}
        self.lengths = LENGTHS[self._bytes("_bag_len", 1, np.dtype("u1"))]
        self._lock = Lock()

    def _bytes(self, name: str, width: int, kind: np.dtype[Any]) -> NDArray[Any]:
        """A fixed-width column; Whoosh leaves trailing default values (0) out."""
        result = np.zeros(self.size, dtype=kind)
        perdoc = self.reader._perdoc
        if perdoc.has_column(name):
            file, start, length = perdoc._get_column_file(name)
            values = np.frombuffer(file.get(start, length), dtype=kind)
            result[: len(values)] = values
        return result

    def _number(self, name: str) -> Ints:
        return self._bytes(name, 8, np.dtype(">i8")).astype(np.int64)

    def _references(self, name: str) -> tuple[Codes, list[str]]:
        """A column of references: for each document the place of its value in the list."""
        perdoc = self.reader._perdoc
        if not perdoc.has_column(name):
            return np.zeros(self.size, dtype=np.int32), [""]
        column = perdoc.column_reader(name, SCHEMA[name].column_type)
        kind = ">u1" if column._itemsize == 1 else ">u2"
        data = column._dbfile.get(column._basepos, self.size * column._itemsize)
        return np.frombuffer(data, dtype=kind).astype(np.int32), [value.decode() for value in column._uniques]

    def postings(self, token: str) -> tuple[Ints, NDArray[np.uint8]] | None:
        """Documents (ascending) and counts of a token, or ``None``."""
        try:
            with self._lock:  # the term file has one read position
                matcher = self.reader._terms.matcher("bag", token.encode(), SCHEMA["bag"].format)
                return self._decode(matcher)
        except (TermNotFound, KeyError):
            return None

    @staticmethod
    def _decode(matcher: ArrayMatcher) -> tuple[Ints, NDArray[np.uint8]]:
        ids: list[Ints] = []
        counts: list[NDArray[np.uint8]] = []
        while True:
            data = loads(matcher._postfile.get(matcher._dataoffset, matcher._nextoffset - matcher._dataoffset))  # noqa: S301
            ids.append(unpack_deltas(data[0]))
            counts.append(np.frombuffer(data[1], dtype=np.uint8))
            if matcher._lastblock:
                break
            matcher._next_block()
        if len(ids) == 1:
            return ids[0], counts[0]
        return np.concatenate(ids), np.concatenate(counts)

    def lists(self) -> Iterator[tuple[str, Ints, NDArray[np.uint8]]]:
        """Every token with its documents and counts, in one pass over the term file."""
        terms, form = self.reader._terms, SCHEMA["bag"].format
        with self._lock:
            for (_, token), info in terms.items():
                yield token.decode(), *self._decode(terms._codec.postings_reader(terms._postfile, info, form))


class Snapshot:
    """All segments of one commit, as whole arrays over all documents. Immutable but for its cache."""

    def __init__(self, generation: int, parts: list[tuple[Segment, Ints]], names: dict[str, dict[str, int]]) -> None:
        """``parts``: segments with the numbers of their deleted documents; ``names``: facet → value → code, shared."""
        self.generation = generation
        self.segments = [segment for segment, _ in parts]
        self.bases = np.cumsum([0, *(segment.size for segment in self.segments)])
        self.size = int(self.bases[-1])
        self.alive: Mask = np.ones(self.size, dtype=bool)
        for (_, deleted), base in zip(parts, self.bases, strict=False):
            self.alive[deleted + base] = False
        self.numbers = {name: _joined([segment.numbers[name] for segment in self.segments]) for name in NUMBERS}
        self.codes = {name: self._recoded(name, names[name]) for name in FACETS}
        self.values = {name: list(names[name]) for name in FACETS}
        lengths = _joined([segment.lengths for segment in self.segments]).astype(np.float32)
        mean = float(lengths.mean()) if self.size else 1.0
        self.norms: Floats = (K1 * (1 - B + B * lengths / max(mean, 1.0))).astype(np.float32)
        self._cache: OrderedDict[str, tuple[Ints, Floats]] = OrderedDict()
        self._cached = 0
        self._lock = Lock()

    def _recoded(self, name: str, codes: dict[str, int]) -> Codes:
        """The segments' own references as codes common to all; several values (joined) have a code of their own."""
        parts = []
        for segment in self.segments:
            references, values = segment.facets[name]
            common = np.array([codes.setdefault(value, len(codes)) for value in values], dtype=np.int32)
            parts.append(common[references])
        codes_of_all: Codes = _joined(parts).astype(np.int32)
        return codes_of_all

    def postings(self, token: str) -> tuple[Ints, Floats]:
        """Documents of a token over all segments and its BM25 score in each. Deleted ones are included."""
        with self._lock:
            if token in self._cache:
                self._cache.move_to_end(token)
                return self._cache[token]
        found = [
            (part[0] + base, part[1])
            for segment, base in zip(self.segments, self.bases, strict=False)
            if (part := segment.postings(token)) is not None
        ]
        ids = _joined([part[0] for part in found])
        counts = _joined([part[1] for part in found]).astype(np.float32)
        idf = np.log(1 + (self.size - len(ids) + 0.5) / (len(ids) + 0.5))
        scores = (counts * np.float32(idf * (K1 + 1)) / (counts + self.norms[ids])).astype(np.float32)
        with self._lock:
            if token not in self._cache:
                self._cached += ids.nbytes + scores.nbytes
            self._cache[token] = (ids, scores)
            while self._cached > CACHE_BYTES and len(self._cache) > 1:
                _, (old_ids, old_scores) = self._cache.popitem(last=False)
                self._cached -= old_ids.nbytes + old_scores.nbytes
        return ids, scores

    def split(self, name: str) -> list[tuple[str, ...]]:
        """The values that each code of a facet stands for."""
        return [tuple(value.split(SEPARATOR)) if value else () for value in self.values[name]]


def _joined(arrays: list[Any]) -> Any:
    if not arrays:
        return np.zeros(0, dtype=np.int64)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
