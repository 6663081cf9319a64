"""Approved capabilities whose firm was told of the open demands that fit"""

import sqlalchemy as sa
from alembic import op

from marketplace import db

revision = '0063_match_offers'
down_revision = '0062_bid_waste'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('match_offer',
    sa.Column('capability_id', db.Key, autoincrement=False, nullable=False),
    sa.Column('approved_at', db.UtcDateTime(), nullable=False),
    sa.Column('at', db.UtcDateTime(), nullable=False),
    sa.Column('demands', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['capability_id'], ['capability.id'], name=op.f('fk_match_offer_capability_id_capability'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('capability_id', name=op.f('pk_match_offer'))
    )


def downgrade() -> None:
    op.drop_table('match_offer')
