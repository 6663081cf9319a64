"""The last publications are found along an index"""

from alembic import op

revision = '0019_newest'
down_revision = '0050_panels'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('demand_version', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_demand_version_published_at'), ['published_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('demand_version', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_demand_version_published_at'))
