"""Frozen sets that an outage superseded; what the deciding clock showed when the machine started"""

import sqlalchemy as sa
from alembic import op

from marketplace import db

revision = '0061_outages'
down_revision = '0029_unfound'
branch_labels = None
depends_on = None

# SQLite makes the table anew, and what the table refused goes with it (marketplace/bids/guards.py).
SQLITE_KEPT = (
    "CREATE TRIGGER bid_freeze_fixed BEFORE UPDATE OF demand_id, document, hash ON bid_freeze "
    "BEGIN SELECT RAISE(ABORT, 'bid_freeze is fixed'); END",
    "CREATE TRIGGER bid_freeze_kept BEFORE DELETE ON bid_freeze "
    "BEGIN SELECT RAISE(ABORT, 'bid_freeze is fixed'); END",
)


def _key(*columns: str) -> None:
    with op.batch_alter_table('bid_freeze', recreate='auto') as batch_op:
        batch_op.drop_constraint(op.f('pk_bid_freeze'), type_='primary')
        batch_op.create_primary_key(op.f('pk_bid_freeze'), list(columns))


def _refuse_again() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        for statement in SQLITE_KEPT:
            op.execute(statement)


def upgrade() -> None:
    op.create_table('clock_witness',
    sa.Column('boot_id', sa.String(length=64), nullable=False),
    sa.Column('started_s', sa.Float(), nullable=False),
    sa.Column('taken_at', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('boot_id', name=op.f('pk_clock_witness'))
    )
    op.add_column('bid_freeze', sa.Column('round', sa.Integer(), server_default='1', nullable=False))
    op.add_column('bid_freeze', sa.Column('superseded_at', db.UtcDateTime(), nullable=True))
    _key('demand_id', 'round')
    _refuse_again()


def downgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        op.execute("DROP TRIGGER bid_freeze_kept")
    else:
        op.execute("ALTER TABLE bid_freeze DISABLE TRIGGER bid_freeze_fixed")
    op.execute("DELETE FROM bid_freeze WHERE superseded_at IS NOT NULL")
    if op.get_bind().dialect.name != 'sqlite':
        op.execute("ALTER TABLE bid_freeze ENABLE TRIGGER bid_freeze_fixed")
    _key('demand_id')
    with op.batch_alter_table('bid_freeze') as batch_op:
        batch_op.drop_column('superseded_at')
        batch_op.drop_column('round')
    _refuse_again()
    op.drop_table('clock_witness')
