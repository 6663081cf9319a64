"""Bids, their versions, parts, receipts, releases and openings"""

import sqlalchemy as sa
from alembic import op

from marketplace import db
from marketplace.bids import guards

revision = '0020_bids'
down_revision = '0011_imports'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bidder_key',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('organisation_id', db.Key, nullable=False),
    sa.Column('check_hash', sa.String(length=64), nullable=False),
    sa.Column('made_at', db.UtcDateTime(), nullable=False),
    sa.Column('made_by_id', db.Key, nullable=True),
    sa.Column('retired_at', db.UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_bidder_key_made_by_id_user')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_bidder_key_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bidder_key'))
    )
    with op.batch_alter_table('bidder_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bidder_key_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('bid',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('demand_id', db.Key, nullable=False),
    sa.Column('organisation_id', db.Key, nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('answers_version', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('created_at', db.UtcDateTime(), nullable=False),
    sa.Column('created_by_id', db.Key, nullable=True),
    sa.Column('lock_version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'draft') = (version = 0)", name=op.f('ck_bid_versioned')),
    sa.CheckConstraint("(state = 'unopenable') <= (reason <> '')", name=op.f('ck_bid_reasoned')),
    sa.CheckConstraint("state IN ('draft', 'sealed', 'withdrawn', 'destroyed', 'unopenable', 'opened', 'cure', 'eligible', 'ineligible', 'renounced', 'candidate', 'not_selected', 'awarded', 'declined', 'void', 'closed')", name=op.f('ck_bid_state')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_bid_created_by_id_user')),
    sa.ForeignKeyConstraint(['demand_id'], ['demand.id'], name=op.f('fk_bid_demand_id_demand')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_bid_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bid')),
    sa.UniqueConstraint('demand_id', 'organisation_id', name=op.f('uq_bid_demand_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_bid_public_id'))
    )
    with op.batch_alter_table('bid', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('bid_freeze',
    sa.Column('demand_id', db.Key, nullable=False),
    sa.Column('document', db.Json, nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('frozen_at', db.UtcDateTime(), nullable=False),
    sa.Column('log_seq', db.Key, nullable=True),
    sa.ForeignKeyConstraint(['demand_id'], ['demand.id'], name=op.f('fk_bid_freeze_demand_id_demand')),
    sa.PrimaryKeyConstraint('demand_id', name=op.f('pk_bid_freeze'))
    )
    op.create_table('bid_release',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('demand_id', db.Key, nullable=False),
    sa.Column('stage', sa.String(32), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('user_id', db.Key, nullable=True),
    sa.Column('released_at', db.UtcDateTime(), nullable=False),
    sa.CheckConstraint("stage IN ('first', 'price')", name=op.f('ck_bid_release_stage')),
    sa.ForeignKeyConstraint(['demand_id'], ['demand.id'], name=op.f('fk_bid_release_demand_id_demand')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_bid_release_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bid_release')),
    sa.UniqueConstraint('demand_id', 'stage', 'position', name=op.f('uq_bid_release_demand_id'))
    )
    op.create_table('bid_draft',
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('own_wraps', db.Json, nullable=False),
    sa.Column('saved_at', db.UtcDateTime(), nullable=False),
    sa.Column('saved_by_id', db.Key, nullable=True),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_bid_draft_bid_id_bid')),
    sa.ForeignKeyConstraint(['saved_by_id'], ['user.id'], name=op.f('fk_bid_draft_saved_by_id_user')),
    sa.PrimaryKeyConstraint('bid_id', name=op.f('pk_bid_draft'))
    )
    op.create_table('bid_member',
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('organisation_id', db.Key, nullable=False),
    sa.Column('invited_at', db.UtcDateTime(), nullable=False),
    sa.Column('confirmed_at', db.UtcDateTime(), nullable=True),
    sa.Column('confirmed_by_id', db.Key, nullable=True),
    sa.Column('declined_at', db.UtcDateTime(), nullable=True),
    sa.CheckConstraint('confirmed_at IS NULL OR declined_at IS NULL', name=op.f('ck_bid_member_one_answer')),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_bid_member_bid_id_bid')),
    sa.ForeignKeyConstraint(['confirmed_by_id'], ['user.id'], name=op.f('fk_bid_member_confirmed_by_id_user')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_bid_member_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('bid_id', 'organisation_id', name=op.f('pk_bid_member'))
    )
    with op.batch_alter_table('bid_member', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_member_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('bid_part',
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('envelope', sa.String(length=12), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('length', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('pt_commit', sa.String(length=64), nullable=False),
    sa.Column('completed_at', db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_bid_part_bid_id_bid')),
    sa.PrimaryKeyConstraint('bid_id', 'version', 'envelope', 'part', name=op.f('pk_bid_part'))
    )
    op.create_table('bid_participant',
    sa.Column('demand_id', db.Key, nullable=False),
    sa.Column('organisation_id', db.Key, nullable=False),
    sa.Column('bid_id', db.Key, nullable=False),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_bid_participant_bid_id_bid')),
    sa.ForeignKeyConstraint(['demand_id'], ['demand.id'], name=op.f('fk_bid_participant_demand_id_demand')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_bid_participant_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('demand_id', 'organisation_id', name=op.f('pk_bid_participant'))
    )
    with op.batch_alter_table('bid_participant', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_participant_bid_id'), ['bid_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_bid_participant_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('bid_piece',
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('envelope', sa.String(length=12), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('piece', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('uploaded_at', db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_bid_piece_bid_id_bid')),
    sa.PrimaryKeyConstraint('bid_id', 'version', 'envelope', 'part', 'piece', name=op.f('pk_bid_piece'))
    )
    with op.batch_alter_table('bid_piece', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_piece_sha256'), ['sha256'], unique=False)

    op.create_table('bid_receipt',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('act', sa.String(length=12), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('manifest_hash', sa.String(length=64), nullable=False),
    sa.Column('at', db.UtcDateTime(), nullable=False),
    sa.Column('log_seq', db.Key, nullable=True),
    sa.Column('issued_to_id', db.Key, nullable=True),
    sa.Column('idempotency_key', sa.String(length=64), nullable=False),
    sa.Column('request_sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_bid_receipt_bid_id_bid')),
    sa.ForeignKeyConstraint(['issued_to_id'], ['user.id'], name=op.f('fk_bid_receipt_issued_to_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bid_receipt')),
    sa.UniqueConstraint('bid_id', 'idempotency_key', name=op.f('uq_bid_receipt_bid_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_bid_receipt_public_id'))
    )
    op.create_table('bid_version',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('bid_id', db.Key, nullable=False),
    sa.Column('demand_id', db.Key, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('manifest', sa.LargeBinary(), nullable=False),
    sa.Column('manifest_hash', sa.String(length=64), nullable=False),
    sa.Column('own_wraps', db.Json, nullable=False),
    sa.Column('demand_version', sa.Integer(), nullable=False),
    sa.Column('decided_at', db.UtcDateTime(), nullable=False),
    sa.Column('sealed_by_id', db.Key, nullable=True),
    sa.ForeignKeyConstraint(['bid_id'], ['bid.id'], name=op.f('fk_bid_version_bid_id_bid')),
    sa.ForeignKeyConstraint(['demand_id'], ['demand.id'], name=op.f('fk_bid_version_demand_id_demand')),
    sa.ForeignKeyConstraint(['sealed_by_id'], ['user.id'], name=op.f('fk_bid_version_sealed_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bid_version')),
    sa.UniqueConstraint('bid_id', 'version', name=op.f('uq_bid_version_bid_id')),
    sa.UniqueConstraint('manifest_hash', name=op.f('uq_bid_version_manifest_hash'))
    )
    with op.batch_alter_table('bid_version', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_version_demand_id'), ['demand_id'], unique=False)

    op.create_table('bid_opening',
    sa.Column('version_id', db.Key, nullable=False),
    sa.Column('envelope', sa.String(length=12), nullable=False),
    sa.Column('outcome', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('form', sa.LargeBinary(), nullable=True),
    sa.Column('decided_at', db.UtcDateTime(), nullable=False),
    sa.CheckConstraint("(outcome = 'opened') = (form IS NOT NULL)", name=op.f('ck_bid_opening_form')),
    sa.CheckConstraint("(outcome = 'opened') = (reason = '')", name=op.f('ck_bid_opening_reason')),
    sa.CheckConstraint("outcome IN ('opened', 'unopenable', 'blocked')", name=op.f('ck_bid_opening_outcome')),
    sa.ForeignKeyConstraint(['version_id'], ['bid_version.id'], name=op.f('fk_bid_opening_version_id_bid_version')),
    sa.PrimaryKeyConstraint('version_id', 'envelope', name=op.f('pk_bid_opening'))
    )
    op.create_table('bid_released_share',
    sa.Column('release_id', db.Key, nullable=False),
    sa.Column('version_id', db.Key, nullable=False),
    sa.Column('envelope', sa.String(length=12), nullable=False),
    sa.Column('share', sa.LargeBinary(), nullable=True),
    sa.Column('right', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['release_id'], ['bid_release.id'], name=op.f('fk_bid_released_share_release_id_bid_release'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['version_id'], ['bid_version.id'], name=op.f('fk_bid_released_share_version_id_bid_version')),
    sa.PrimaryKeyConstraint('release_id', 'version_id', 'envelope', name=op.f('pk_bid_released_share'))
    )
    with op.batch_alter_table('bid_released_share', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_released_share_version_id'), ['version_id'], unique=False)

    op.create_table('bid_share',
    sa.Column('version_id', db.Key, nullable=False),
    sa.Column('envelope', sa.String(length=12), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['bid_version.id'], name=op.f('fk_bid_share_version_id_bid_version'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('version_id', 'envelope', 'position', name=op.f('pk_bid_share'))
    )
    op.create_table('bid_file',
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('envelope', sa.String(length=12), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('role', sa.String(length=255), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('stored_sha256', sa.String(length=64), nullable=False),
    sa.Column('finding', sa.String(length=40), nullable=False),
    sa.Column('scan', sa.String(length=16), nullable=False),
    sa.ForeignKeyConstraint(['version_id', 'envelope'], ['bid_opening.version_id', 'bid_opening.envelope'], name=op.f('fk_bid_file_version_id_bid_opening'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('version_id', 'envelope', 'part', name=op.f('pk_bid_file'))
    )
    with op.batch_alter_table('bid_file', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_file_stored_sha256'), ['stored_sha256'], unique=False)

    dialect = op.get_bind().dialect.name
    for name, statement in guards.statements():
        if name == dialect:
            op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    with op.batch_alter_table('bid_file', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_file_stored_sha256'))

    op.drop_table('bid_file')
    op.drop_table('bid_share')
    with op.batch_alter_table('bid_released_share', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_released_share_version_id'))

    op.drop_table('bid_released_share')
    op.drop_table('bid_opening')
    with op.batch_alter_table('bid_version', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_version_demand_id'))

    op.drop_table('bid_version')
    op.drop_table('bid_receipt')
    with op.batch_alter_table('bid_piece', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_piece_sha256'))

    op.drop_table('bid_piece')
    with op.batch_alter_table('bid_participant', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_participant_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_bid_participant_bid_id'))

    op.drop_table('bid_participant')
    op.drop_table('bid_part')
    with op.batch_alter_table('bid_member', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_member_organisation_id'))

    op.drop_table('bid_member')
    op.drop_table('bid_draft')
    op.drop_table('bid_release')
    op.drop_table('bid_freeze')
    with op.batch_alter_table('bid', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_organisation_id'))

    op.drop_table('bid')
    with op.batch_alter_table('bidder_key', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bidder_key_organisation_id'))

    op.drop_table('bidder_key')
    if op.get_bind().dialect.name == "postgresql":
        for name in guards.FUNCTIONS:
            op.execute(f"DROP FUNCTION {name}()")
