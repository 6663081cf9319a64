"""What an official paper says, as plain data: features build it, ``pdf`` and ``word`` set it.

One vocabulary of blocks serves every paper (榜单公告, 需求书, 开标记录, 评审报告, 公示, 结果通知书, 合同, 验收书), so
the PDF that people file and the docx that people edit never say different things. Texts are plain text: a line feed
starts a new paragraph, nothing else has a meaning, and no content can change the layout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Heading:
    """``level`` 1 is 一、, 2 is （一）; the number is part of the text, as in official papers."""

    text: str
    level: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Text:
    """Paragraphs. ``indent``: two characters at the start of each, as Chinese prose has; off for a salutation."""

    text: str
    indent: bool = True
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Points, numbered or with bullets."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of label and value, set as a table with two columns."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """``share`` is the column's part of the width; 0 makes it as wide as its content."""

    label: str
    share: float = 0
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Its head is repeated on every page; ``caption`` above, ``note`` below."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("every row of a table has as many cells as the table has columns")


@dataclass(frozen=True, slots=True)
class Signatures:
    """Lines to sign on: 组长（签字）, 日期 and the like."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows starts on a new page."""


Block = Heading | Text | Listing | Facts | Table | Signatures | PageBreak


@dataclass(frozen=True, slots=True)
class Verification:
    """How a reader checks the paper against its original: QR code of ``url``, start of the SHA-256."""

    url: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole paper.

    ``form``: ``announcement`` has the red head of GB/T 9704 and its page; ``sheet`` a plain head. ``dated_at`` (aware)
    becomes the file's date: the same paper gives the same bytes. ``issued_on`` is text as printed under the signature.
    """

    form: Literal["announcement", "sheet"]
    title: str
    dated_at: datetime
    blocks: tuple[Block, ...] = ()
    issuer: str = ""  # who issues: red head, footer, signature
    head: str = ""  # the red head's second line, or a sheet's kind of paper
    number: str = ""  # 郑开榜〔2026〕2号, or a list number
    subtitle: str = ""
    addressee: str = ""
    signed_by: str = ""
    issued_on: str = ""
    seal_note: str = ""  # （加盖电子印章处）
    watermark: str = ""  # 演示数据, 草稿
    verification: Verification | None = None
    language: Literal["zh", "en"] = "zh"
    keywords: tuple[str, ...] = field(default=())
