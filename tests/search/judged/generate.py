"""Writes the judged set: ``python -m tests.search.judged.generate``. The same input gives the same bytes.

2,058 demands on 147 subjects, each subject in several wordings, with passing mentions of other subjects as noise; the
queries are those of queries.txt, written and graded by hand for subjects and resolved to documents here.
"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import NamedTuple

from marketplace.search.analysis import squeeze

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "data" / "search"
EACH = 14

DIRECTIONS = {
    "carrier": "重大项目载体",
    "industry": "产业数字化转型",
    "building": "城市建设与城市更新",
    "living": "城市管理和民生服务",
}
INDUSTRIES = {
    "iot": "物联网·传感器",
    "infosec": "电子信息·网络安全",
    "beidou": "北斗应用·精密测绘",
    "superhard": "新材料·超硬材料",
    "computing": "数算产业",
    "hydrogen": "氢能与储能",
    "health": "生命健康",
    "newit": "新一代信息技术",
    "quantum": "量子信息",
    "brain": "类脑智能",
    "network": "未来网络",
    "frontier": "前沿新材料",
    "other": "其他",
}
UNITS = {
    "city": ("高新区城市管理局", "枫杨街道办事处", "梧桐街道综合行政执法队"),
    "build": ("高新区建设局", "启元城市发展集团有限公司", "云岭新城开发有限公司"),
    "water": ("高新区水务局", "云溪公用事业有限公司", "澄湖流域管护中心"),
    "energy": ("绿驰能源有限公司", "云溪公用事业有限公司", "高新区发展和改革局"),
    "traffic": ("高新区交警大队", "高新区交通运输局", "启元公共交通有限公司"),
    "ecology": ("高新区生态环境分局", "高新区生态环境监测站"),
    "emergency": ("高新区应急管理局", "高新区消防救援大队"),
    "civil": ("高新区民政和社会事务局", "石佛街道办事处"),
    "education": ("高新区教育文化卫生体育局", "莲湖实验学校"),
    "health": ("高新区天枢医院", "高新区疾病预防控制中心"),
    "market": ("高新区市场监督管理局",),
    "gov": ("高新区智慧城市运营中心", "高新区政务服务中心", "高新区数据管理局"),
    "park": ("智感谷园区运营有限公司", "高新区科技创新局", "金岱产业园管理有限公司"),
    "factory": ("河南嵩砺机械股份有限公司", "郑州衡准仪表股份有限公司", "郑州鼎钧汽车零部件有限公司"),
    "superhard": ("金砂超硬材料产业园管理有限公司", "河南金砺超硬工具有限公司"),
    "sensor": ("智感谷园区运营有限公司", "郑州衡准仪表股份有限公司"),
    "computing": ("中原算力运营有限公司", "高新区数据管理局"),
    "security": ("高新区数据管理局", "郑州北落信息技术有限公司"),
    "culture": ("高新区教育文化卫生体育局", "云岭文旅发展有限公司"),
    "agri": ("沟赵农业科技有限公司", "高新区农业农村服务中心"),
}
PLACES = (
    "莲花街片区",
    "科学大道沿线",
    "枫杨街道",
    "梧桐街道",
    "石佛片区",
    "沟赵片区",
    "双桥片区",
    "云溪河两岸",
    "澄湖周边",
    "智感谷",
    "金砂产业园",
    "天枢医院及周边",
    "大学城",
    "西四环沿线",
    "瑞达路",
    "长椿路",
    "须水河片区",
    "贾鲁河西段",
    "高新东区",
    "高新西区",
    "翠竹街",
    "冬青街",
    "银屏路",
    "国槐街",
    "雪松路",
    "化工路",
    "药厂街",
    "红松路",
    "碧桃路",
    "玉兰街",
)
TITLES = (
    "{place}{name}应用场景",
    "{name}",
    "{place}{name}",
    "{name}关键技术与示范",
    "面向{place}的{name}",
    "{name}（{place}）",
)
BACKGROUNDS = (
    "{place}现状是：{need}。去年相关问题共登记{n}件，其中三成超过时限才办结。",
    "{need}，{unit}曾试过人工办法，投入大而见效慢。{place}为本次验证区域。",
    "近三年{place}累计投入{n}万元，但{need}。",
    "{unit}负责{place}的日常工作。{need}，一线反映强烈。",
)
GOALS = (
    "希望六个月内形成可验证的做法，处置时间缩短到{m}分钟以内，并可在全区推广。",
    "目标是把发现到处置的时间压缩{m}%，年运行费用不高于现状。",
    "在真实环境连续运行九十天，准确率不低于{p}%，误报每日不超过{k}次。",
    "形成一套可复制的标准流程，交付后由本单位人员独立运行。",
)
CONTENTS = (
    "一、{a}；二、{b}；三、与既有业务流程对接并完成人员培训。",
    "揭榜单位须完成{a}，并在此基础上实现{b}，成果以现场测试为准。",
    "主要内容包括{a}、{b}，以及运行期间的数据移交。",
)
FILLERS = (
    "数据由揭榜单位脱敏后使用，未经同意不得移作他用。",
    "验收按合同约定的测试方法进行，专家现场抽查。",
    "场地、供电与网络由需求单位协调提供。",
    "系统须满足等保二级要求。",
    "须提供开放接口和完整文档，不得形成技术锁定。",
    "涉及个人信息的，按最小必要原则处理。",
    "预算含一年运维，超出部分另行协商。",
    "鼓励中小企业牵头或组成联合体参与。",
)
MENTIONS = ("本项目不含{other}的建设内容。", "后续可与{other}共用杆件和网络。", "附近已有{other}在实施，工期须错开。")
STANDARDS = (
    "GB/T 37668-2019",
    "GB/T 35273-2020",
    "ISO 14064-1",
    "HJ 915—2017",
    "CJJ/T 125",
    "DB41/T 2059-2020",
    "GB 50981",
    "GB/T 22239-2019",
    "JTG 5142",
    "ISO/IEC 27001",
)
CODES = ("91419999MA9KQ0A014", "91419999MA9KQ0B02X", "91419999MA9KQ0C038")
TECH = {"manhole": "采用NB-IoT通信。", "sensor-mems": "接口为RS485与I2C。", "indoor-pos": "UWB基站间距不大于25米。"}


class Concept(NamedTuple):
    key: str
    direction: str
    industry: str
    unit: str
    names: list[str]
    needs: list[str]
    means: list[str]


def concepts() -> list[Concept]:
    result = []
    for line in (HERE / "concepts.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            key, direction, industry, unit, names, needs, means = (part.strip() for part in line.split("|"))
            result.append(Concept(key, direction, industry, unit, names.split("/"), needs.split("/"), means.split("/")))
    return result


def document(concept: Concept, number: int, serial: int, everyone: list[Concept]) -> dict[str, object]:
    """One demand; ``serial`` numbers all of them."""
    dice = random.Random(f"{concept.key}-{number}")
    name = concept.names[number % len(concept.names)]
    place, unit = dice.choice(PLACES), dice.choice(UNITS[concept.unit])
    needs = dice.sample(concept.needs, k=min(len(concept.needs), 1 + number % 2))
    a, b = dice.choice(concept.means), dice.choice(concept.means)
    words = {
        "place": place, "name": name, "unit": unit, "need": "；".join(needs), "a": a, "b": b,
        "n": dice.randint(12, 480), "m": dice.randint(10, 60), "p": dice.randint(85, 99), "k": dice.randint(1, 9),
    }  # fmt: skip
    body = [dice.choice(BACKGROUNDS).format(**words), dice.choice(CONTENTS).format(**words), TECH.get(concept.key, "")]
    body += dice.sample(FILLERS, k=3)
    if dice.random() < 0.3:
        other = dice.choice([item for item in everyone if item.key != concept.key])
        body.append(dice.choice(MENTIONS).format(other=dice.choice(other.names)))
    if serial % 37 == 0:
        body.append(f"成果须符合{STANDARDS[serial // 37 % len(STANDARDS)]}的要求。")
    if serial % 53 == 0:
        body.append(f"联合申报单位统一社会信用代码{CODES[serial // 53 % len(CODES)]}。")
    tags = [name, dice.choice(concept.names)] if dice.random() < 0.5 else []
    return {
        "id": f"ZZGX-{2024 + serial % 3}-{1 + serial // 3 % 4:02d}-{serial // 12 + 1:03d}",
        "title": dice.choice(TITLES).format(**words),
        "summary": dice.choice(GOALS).format(**words),
        "body": "\n".join(part for part in body if part),
        "tags": list(dict.fromkeys(tags)),
        "unit": unit,
        "direction": DIRECTIONS[concept.direction],
        "industry": INDUSTRIES[concept.industry],
    }


def documents() -> list[tuple[Concept, dict[str, object]]]:
    everyone = concepts()
    rows = [(concept, number) for number in range(EACH) for concept in everyone]
    return [(concept, document(concept, number, serial, everyone)) for serial, (concept, number) in enumerate(rows)]


def _holds(part: str, concept: Concept, row: dict[str, object]) -> bool:
    kind, _, value = part.partition(":")
    if not value:
        return concept.key == part
    if kind == "id":
        return row["id"] == value
    if kind == "unit":
        return value in str(row["unit"])
    texts = (row["title"], row["summary"], row["body"], " ".join(map(str, row["tags"])))  # type: ignore[call-overload]
    return any(squeeze(value) in squeeze(str(text)) for text in texts)


def queries(rows: list[tuple[Concept, dict[str, object]]], name: str = "queries") -> list[dict[str, object]]:
    """The judged queries of a file: ``queries`` and ``heldout`` were looked at while weights were chosen, the others not."""
    result: list[dict[str, object]] = []
    for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        kind, q, spec = (part.strip() for part in line.split("|"))
        relevant: dict[str, int] = {}
        for rule in _rules(spec):
            condition, _, grade = rule.rpartition("=")
            for concept, row in rows:
                if all(_holds(part, concept, row) for part in condition.split("&")):
                    relevant[str(row["id"])] = max(relevant.get(str(row["id"]), 0), int(grade))
        if not relevant:
            raise SystemExit(f"nothing is relevant to {q}")
        result.append({"q": q, "kind": kind, "relevant": relevant})
    return result


def _rules(spec: str) -> list[str]:
    """``std:GB/T 37668=3 key=2``: a rule ends with its grade."""
    rules, words = [], []
    for word in spec.split():
        words.append(word)
        if "=" in word:
            rules.append(" ".join(words))
            words = []
    return rules


def main() -> None:
    rows = documents()
    DATA.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for _, row in rows)
    (DATA / "docs.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    for name in ("queries", "heldout", "unseen", "visitors"):
        asked = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in queries(rows, name))
        (DATA / f"{name}.jsonl.gz").write_bytes(gzip.compress(asked.encode(), mtime=0))


if __name__ == "__main__":
    main()
