"""Openings: how far they have come, decoys among shares, objections on the spot"""

import sqlalchemy as sa
from alembic import op

from marketplace import db

revision = '0035_openings'
down_revision = '0051_sheet_checked'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bid_decoy',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('demand_id', db.Key, nullable=False),
    sa.Column('bid', sa.String(length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('envelope', sa.String(length=12), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('answer_sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['demand_id'], ['demand.id'], name=op.f('fk_bid_decoy_demand_id_demand')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bid_decoy'))
    )
    with op.batch_alter_table('bid_decoy', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_decoy_demand_id'), ['demand_id'], unique=False)

    op.create_table('bid_stage',
    sa.Column('demand_id', db.Key, nullable=False),
    sa.Column('stage', sa.String(32), nullable=False),
    sa.Column('called_at', db.UtcDateTime(), nullable=False),
    sa.Column('reached_at', db.UtcDateTime(), nullable=True),
    sa.Column('concluded_at', db.UtcDateTime(), nullable=True),
    sa.Column('due', sa.Boolean(), nullable=False),
    sa.Column('record', db.Json, nullable=True),
    sa.Column('record_hash', sa.String(length=64), nullable=False),
    sa.CheckConstraint("stage IN ('first', 'price')", name=op.f('ck_bid_stage_stage')),
    sa.ForeignKeyConstraint(['demand_id'], ['demand.id'], name=op.f('fk_bid_stage_demand_id_demand')),
    sa.PrimaryKeyConstraint('demand_id', 'stage', name=op.f('pk_bid_stage'))
    )
    with op.batch_alter_table('bid_stage', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_stage_due'), ['due'], unique=False)

    op.create_table('opening_objection',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('filed_at', db.UtcDateTime(), nullable=False),
    sa.Column('filed_by_id', db.Key, nullable=True),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('answered_at', db.UtcDateTime(), nullable=True),
    sa.Column('answered_by_id', db.Key, nullable=True),
    sa.CheckConstraint("(answered_at IS NULL) = (answer = '')", name=op.f('ck_opening_objection_answered')),
    sa.CheckConstraint('answered_by_id IS NULL OR answered_by_id <> filed_by_id', name=op.f('ck_opening_objection_two_people')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['user.id'], name=op.f('fk_opening_objection_answered_by_id_user')),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_opening_objection_bid_id_bid')),
    sa.ForeignKeyConstraint(['filed_by_id'], ['user.id'], name=op.f('fk_opening_objection_filed_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opening_objection')),
    sa.UniqueConstraint('public_id', name=op.f('uq_opening_objection_public_id'))
    )
    with op.batch_alter_table('opening_objection', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_opening_objection_bid_id'), ['bid_id'], unique=False)

    op.add_column('demand', sa.Column('released_at', db.UtcDateTime(), nullable=True))



def downgrade() -> None:
    op.drop_column('demand', 'released_at')

    with op.batch_alter_table('opening_objection', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_opening_objection_bid_id'))

    op.drop_table('opening_objection')
    with op.batch_alter_table('bid_stage', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_stage_due'))

    op.drop_table('bid_stage')
    with op.batch_alter_table('bid_decoy', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_decoy_demand_id'))

    op.drop_table('bid_decoy')
