"""Ciphertext that nothing needs any more, for the sweep"""

import sqlalchemy as sa
from alembic import op

from marketplace import db

revision = '0062_bid_waste'
down_revision = '0061_outages'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bid_waste',
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('since', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_bid_waste'))
    )
    op.create_index(op.f('ix_bid_waste_since'), 'bid_waste', ['since'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_bid_waste_since'), table_name='bid_waste')
    op.drop_table('bid_waste')
