"""Sheets remember that the dispersion check has seen them"""

import sqlalchemy as sa
from alembic import op

from marketplace import db

revision = '0051_sheet_checked'
down_revision = '0019_newest'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('sheet', schema=None) as batch_op:
        batch_op.add_column(sa.Column('checked_at', db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('sheet', schema=None) as batch_op:
        batch_op.drop_column('checked_at')
