"""Custodians' keys and frozen sets"""

import sqlalchemy as sa
from alembic import op

from marketplace import db

revision = '0003_custody'
down_revision = '0002_demands'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('custody_set',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('document', db.Json, nullable=False),
    sa.Column('frozen_at', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_custody_set'))
    )
    op.create_table('custodian_key',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('user_id', db.Key, nullable=False),
    sa.Column('organisation_id', db.Key, nullable=False),
    sa.Column('point', sa.LargeBinary(length=65), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('enrolled_at', db.UtcDateTime(), nullable=False),
    sa.Column('confirmed_at', db.UtcDateTime(), nullable=True),
    sa.Column('confirmed_by_id', db.Key, nullable=True),
    sa.Column('proved_at', db.UtcDateTime(), nullable=True),
    sa.Column('retired_at', db.UtcDateTime(), nullable=True),
    sa.Column('retired_reason', sa.String(), nullable=False),
    sa.CheckConstraint('(confirmed_by_id IS NULL) OR (confirmed_at IS NOT NULL)', name=op.f('ck_custodian_key_confirmed')),
    sa.CheckConstraint('confirmed_by_id IS NULL OR confirmed_by_id <> user_id', name=op.f('ck_custodian_key_two_people')),
    sa.ForeignKeyConstraint(['confirmed_by_id'], ['user.id'], name=op.f('fk_custodian_key_confirmed_by_id_user')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_custodian_key_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_custodian_key_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custodian_key')),
    sa.UniqueConstraint('fingerprint', name=op.f('uq_custodian_key_fingerprint'))
    )
    with op.batch_alter_table('custodian_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_custodian_key_user_id'), ['user_id'], unique=False)
        batch_op.create_index('uq_custodian_key_live', ['user_id'], unique=True, sqlite_where=sa.text('retired_at IS NULL'), postgresql_where=sa.text('retired_at IS NULL'))

    op.create_table('custody_challenge',
    sa.Column('id', db.Key, nullable=False),
    sa.Column('key_id', db.Key, nullable=False),
    sa.Column('nonce', sa.String(length=32), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('answer_sha256', sa.String(length=64), nullable=False),
    sa.Column('asked_at', db.UtcDateTime(), nullable=False),
    sa.Column('answered_at', db.UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['key_id'], ['custodian_key.id'], name=op.f('fk_custody_challenge_key_id_custodian_key')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_challenge')),
    sa.UniqueConstraint('nonce', name=op.f('uq_custody_challenge_nonce'))
    )
    with op.batch_alter_table('custody_challenge', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_custody_challenge_key_id'), ['key_id'], unique=False)

    # Plain ALTER on both databases: a batch would copy the table and, on SQLite, cascade into its children.
    op.add_column('demand', sa.Column('set_hash', sa.String(length=64), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('demand', 'set_hash')
    with op.batch_alter_table('custody_challenge', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_custody_challenge_key_id'))

    op.drop_table('custody_challenge')
    with op.batch_alter_table('custodian_key', schema=None) as batch_op:
        batch_op.drop_index('uq_custodian_key_live', sqlite_where=sa.text('retired_at IS NULL'), postgresql_where=sa.text('retired_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_custodian_key_user_id'))

    op.drop_table('custodian_key')
    op.drop_table('custody_set')
