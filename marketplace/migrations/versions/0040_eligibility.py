"""Eligibility: checklists, cures, later files, decisions; downloads beside looks"""

import sqlalchemy as sa
from alembic import op

from marketplace import db

revision = '0040_eligibility'
down_revision = '0026_capabilities'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('eligibility_cure',
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('asked_at', db.UtcDateTime(), nullable=False),
    sa.Column('asked_by_id', db.Key, nullable=True),
    sa.Column('due_at', db.UtcDateTime(), nullable=False),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('answered_at', db.UtcDateTime(), nullable=True),
    sa.Column('answered_by_id', db.Key, nullable=True),
    sa.CheckConstraint("(answered_at IS NULL) = (answer = '')", name=op.f('ck_eligibility_cure_answered')),
    sa.CheckConstraint('due_at > asked_at', name=op.f('ck_eligibility_cure_due')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['user.id'], name=op.f('fk_eligibility_cure_answered_by_id_user')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user.id'], name=op.f('fk_eligibility_cure_asked_by_id_user')),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_eligibility_cure_bid_id_bid')),
    sa.PrimaryKeyConstraint('bid_id', name=op.f('pk_eligibility_cure'))
    )
    with op.batch_alter_table('eligibility_cure', schema=None) as batch_op:
        batch_op.create_index('ix_eligibility_cure_due', ['answered_at', 'due_at'], unique=False)

    op.create_table('eligibility_decision',
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('eligible', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=24), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('decided_at', db.UtcDateTime(), nullable=False),
    sa.Column('decided_by_id', db.Key, nullable=True),
    sa.Column('log_seq', db.Key, nullable=True),
    sa.CheckConstraint("eligible = (reason = '')", name=op.f('ck_eligibility_decision_reason')),
    sa.CheckConstraint("eligible OR text <> ''", name=op.f('ck_eligibility_decision_text')),
    sa.CheckConstraint("reason IN ('', 'unsigned', 'unqualified', 'consortium', 'credit', 'affiliated', 'same_controller', 'untrue', 'not_cured', 'promise_unmet', 'incomplete')", name=op.f('ck_eligibility_decision_code')),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_eligibility_decision_bid_id_bid')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_eligibility_decision_decided_by_id_user')),
    sa.PrimaryKeyConstraint('bid_id', name=op.f('pk_eligibility_decision'))
    )
    op.create_table('eligibility_file',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('document', sa.String(length=24), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('stored_sha256', sa.String(length=64), nullable=False),
    sa.Column('finding', sa.String(length=40), nullable=False),
    sa.Column('scan', sa.String(length=16), nullable=False),
    sa.Column('added_at', db.UtcDateTime(), nullable=False),
    sa.Column('added_by_id', db.Key, nullable=True),
    sa.Column('removed_at', db.UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['added_by_id'], ['user.id'], name=op.f('fk_eligibility_file_added_by_id_user')),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_eligibility_file_bid_id_bid')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_eligibility_file')),
    sa.UniqueConstraint('key', name=op.f('uq_eligibility_file_key'))
    )
    with op.batch_alter_table('eligibility_file', schema=None) as batch_op:
        batch_op.create_index('ix_eligibility_file_bid', ['bid_id', 'part'], unique=True)
        batch_op.create_index(batch_op.f('ix_eligibility_file_stored_sha256'), ['stored_sha256'], unique=False)

    op.create_table('eligibility_review',
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('checks', db.Json, nullable=False),
    sa.Column('checked_at', db.UtcDateTime(), nullable=False),
    sa.Column('checked_by_id', db.Key, nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_eligibility_review_bid_id_bid')),
    sa.ForeignKeyConstraint(['checked_by_id'], ['user.id'], name=op.f('fk_eligibility_review_checked_by_id_user')),
    sa.PrimaryKeyConstraint('bid_id', name=op.f('pk_eligibility_review'))
    )
    with op.batch_alter_table('demand_views', schema=None) as batch_op:
        batch_op.add_column(sa.Column('downloads', sa.Integer(), server_default='0', nullable=False))



def downgrade() -> None:
    with op.batch_alter_table('demand_views', schema=None) as batch_op:
        batch_op.drop_column('downloads')

    op.drop_table('eligibility_review')
    with op.batch_alter_table('eligibility_file', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_eligibility_file_stored_sha256'))
        batch_op.drop_index('ix_eligibility_file_bid')

    op.drop_table('eligibility_file')
    op.drop_table('eligibility_decision')
    with op.batch_alter_table('eligibility_cure', schema=None) as batch_op:
        batch_op.drop_index('ix_eligibility_cure_due')

    op.drop_table('eligibility_cure')
