"""Whoever wrote or handed in a demand finds it without reading all"""

from alembic import op

revision = '0065_own_demands'
down_revision = '0064_counting_open'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_demand_drafter', 'demand', ['drafter_id'])
    op.create_index('ix_demand_submitter', 'demand', ['submitter_id'])


def downgrade() -> None:
    op.drop_index('ix_demand_submitter', table_name='demand')
    op.drop_index('ix_demand_drafter', table_name='demand')
