"""Why a sealed thing is refused: one code, one sentence, and whose fault it is."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """Who answers for it. Only ``BIDDER`` makes a bid unopenable for good."""

    BIDDER = "bidder"
    """What was sealed cannot be opened in one way alone; the evidence is kept."""

    STORAGE = "storage"
    """What we keep is not what was committed to: the platform restores it from a backup and opens again."""

    CUSTODIAN = "custodian"
    """More or other shares are needed; the bid is untouched."""

    REQUEST = "request"
    """Never accepted in the first place."""


class Reason(Enum):
    """``(code, fault, sentence)``. Codes are printed in the opening record and never change their meaning."""

    MANIFEST_MALFORMED = ("M-01", Fault.REQUEST, "标书清单格式不符，请刷新页面后重新封标")
    MANIFEST_MISPLACED = ("M-02", Fault.REQUEST, "标书清单不属于这份标书、这个版本或这项需求")
    MANIFEST_CUSTODIANS = ("M-03", Fault.REQUEST, "标书清单所用的保管人集合与公告不符，请刷新页面后重新封标")
    MANIFEST_SHARES = ("M-04", Fault.REQUEST, "上传的分片与标书清单中的指纹不符")
    PART_LIMITS = ("M-05", Fault.REQUEST, "文件过大或过多：单个不超过50 MiB，合计不超过200 MiB，每个封套不超过40件")
    NOT_SEALED = ("M-06", Fault.REQUEST, "收到的不是密文。平台不接收未加密的标书")
    SUITE_UNKNOWN = ("M-07", Fault.REQUEST, "不认识的加密套件")

    PART_MISSING = ("S-01", Fault.STORAGE, "存储中缺少密文，需从备份恢复后重新开启")
    PART_LENGTH = ("S-02", Fault.STORAGE, "存储中的密文长度与清单不符，需从备份恢复后重新开启")
    PART_HASH = ("S-03", Fault.STORAGE, "存储中的密文与清单指纹不符，需从备份恢复后重新开启")
    MANIFEST_HASH = ("S-04", Fault.STORAGE, "存储中的标书清单与回执指纹不符，需从备份恢复后重新开启")

    SHARES_SHORT = ("K-01", Fault.CUSTODIAN, "有效的保管人分片不足，需其他保管人释放")
    SHARE_WRONG = ("K-02", Fault.CUSTODIAN, "保管人释放的分片与承诺值不符，已忽略并标记")

    SHARES_INCONSISTENT = ("J-01", Fault.BIDDER, "密钥分片互相矛盾：不同保管人组合会得到不同的密钥")
    CONTAINER_HEADER = ("J-02", Fault.BIDDER, "密文头部不合规")
    CONTAINER_CHUNK = ("J-03", Fault.BIDDER, "密文无法用承诺的密钥解开，或被截断、重排")
    CONTENT_COMMITMENT = ("J-04", Fault.BIDDER, "解密后与承诺值不符")
    FORM_UNREADABLE = ("J-05", Fault.BIDDER, "表单封装不合规，无法核对各件的承诺值")
    FILE_LIST = ("J-06", Fault.BIDDER, "表单所列文件与清单不符")

    KEY_CODE = ("C-01", Fault.REQUEST, "钥匙码有误，请对照打印件逐段核对")
    KEY_WRONG = ("C-02", Fault.REQUEST, "这把单位标书钥匙打不开这份内容")
    KEY_FILE = ("C-03", Fault.REQUEST, "不是有效的保管人密钥文件")
    PASSPHRASE = ("C-04", Fault.REQUEST, "口令不对，或密钥文件已损坏")
    SHARE_UNREADABLE = ("C-05", Fault.CUSTODIAN, "这把密钥打不开交给它的分片")
    PUBLIC_KEY = ("C-06", Fault.REQUEST, "不是有效的P-256公钥")
    PACKAGE = ("C-07", Fault.REQUEST, "离线封标包不完整或被改动")

    def __init__(self, code: str, fault: Fault, sentence: str) -> None:
        self.code = code
        self.fault = fault
        self.sentence = sentence


class SealError(Exception):
    """Refused for ``reason``. ``detail`` says where (a part, an index); it never holds content or key material."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.code} {reason.sentence}" + (f"（{detail}）" if detail else ""))
        self.reason = reason
        self.detail = detail
