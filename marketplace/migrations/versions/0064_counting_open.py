"""What is open now is counted by an index alone"""

from alembic import op

revision = '0064_counting_open'
down_revision = '0063_match_offers'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_demand_closing', table_name='demand')
    op.create_index('ix_demand_closing', 'demand', ['state', 'closes_at', 'visible_from'])


def downgrade() -> None:
    op.drop_index('ix_demand_closing', table_name='demand')
    op.create_index('ix_demand_closing', 'demand', ['state', 'closes_at'])
