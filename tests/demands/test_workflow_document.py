"""The document says what the table says."""

from pathlib import Path

from marketplace.demands import diagram
from marketplace.demands.rules import TABLE

PATH = Path(__file__).parents[2] / "docs" / "workflow.md"


def test_the_document_is_current():
    assert PATH.read_text(encoding="utf-8") == diagram.document(), "run python scripts/workflow.py"


def test_every_step_is_drawn_once():
    drawn = [line for line in diagram.mermaid().splitlines() if " --> " in line and "[*]" not in line]
    assert (len(drawn), len(set(drawn))) == (len(TABLE), len(TABLE))
