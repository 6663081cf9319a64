"""Write docs/workflow.md from the transition table of demands."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if __name__ == "__main__":
    from marketplace.demands.diagram import document

    ROOT.joinpath("docs/workflow.md").write_text(document(), encoding="utf-8")
