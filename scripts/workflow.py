"""Write docs/workflow.md from the transition table of demands."""

from pathlib import Path

from marketplace.demands.diagram import document

if __name__ == "__main__":
    Path(__file__).resolve().parents[1].joinpath("docs/workflow.md").write_text(document(), encoding="utf-8")
