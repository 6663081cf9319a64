"""Questions and answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.questions.rules import QuestionState


class Question(db.Base):
    """One question. ``answer`` is public from ``answered_at`` on; ``asked_by_id`` never is."""

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint(db.codes("state", QuestionState), name="state"),
        CheckConstraint("(state = 'answered') = (answered_at IS NOT NULL)", name="answered"),
        Index("ix_question_demand_state", "demand_id", "state"),
        Index("ix_question_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"))
    state: Mapped[QuestionState] = mapped_column(db.Code(QuestionState), default=QuestionState.ASKED)
    text: Mapped[str]
    answer: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")  # why it is not answered, or what to mend in the draft
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    demand: Mapped[Demand] = relationship()

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"question:{self.id}"
