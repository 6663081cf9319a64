"""``flask doctor``: what an operator would look at, one line each, with what to do about it. It changes nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from marketplace import db, migrate
from marketplace.accounts.models import RoleAssignment, User
from marketplace.accounts.rules import Role
from marketplace.config import Config
from marketplace.notifications.models import Mail
from marketplace.platform import clock
from marketplace.platform.audit import queries as log
from marketplace.platform.files import LocalStorage, Storage, Verdict, scan
from marketplace.platform.outbox.models import OutboxConsumer
from marketplace.platform.outbox.service import lag
from marketplace.platform.working_days import YearStatus, beijing_day
from marketplace.search.place import Place
from marketplace.settings import queries as settings

LEAST_FREE = 500 * 2**20  # bytes: below, an upload of one package may fill the disk
ENOUGH_FREE = 5 * 2**30
LATE = timedelta(minutes=10)
YEARS = {YearStatus.CONFIRMED: "已核对", YearStatus.PROVISIONAL: "暂定"}
BEHIND = 1000  # outbox rows


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` was looked at, what was found, and for anything but ``ok`` what to do."""

    level: Level
    what: str
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Doctor:
    """What is looked at, with the things of the running site."""

    config: Config
    storage: Storage
    index: Place

    def examine(self) -> Iterator[Finding]:
        """Every check; one that fails in an unforeseen way is a problem, and the others go on."""
        checks: dict[str, Callable[[], Finding]] = {
            "数据库结构": self._schema,
            "运行目录": self._disk,
            "服务器密钥": self._keys,
            "文件存储": self._storage,
            "审计日志": self._log,
            "时钟": self._clock,
            "工作日历": self._calendar,
            "后台任务": self._worker,
            "发件箱": self._outbox,
            "邮件": self._mails,
            "检索索引": self._search,
            "病毒扫描": self._scanner,
            "安全管理员": self._administrators,
        }
        for what, look in checks.items():
            try:
                yield look()
            except Exception as error:
                db.session.rollback()
                yield Finding(Level.PROBLEM, what, f"检查没有完成：{type(error).__name__}", "请查看服务日志。")

    def _schema(self) -> Finding:
        head = ScriptDirectory.from_config(migrate.alembic_config()).get_current_head()
        connection = db.session.connection()
        current = MigrationContext.configure(connection).get_current_revision()
        if current != head:
            return Finding(
                Level.PROBLEM,
                "数据库结构",
                f"现为 {current or '空库'}，程序要求 {head}",
                "先停服务，再运行 flask --app wsgi prepare。",
            )
        return Finding(Level.OK, "数据库结构", f"{connection.dialect.name}，{current}")

    def _disk(self) -> Finding:
        folder = self.config.instance
        if not os.access(folder, os.W_OK):
            return Finding(Level.PROBLEM, "运行目录", f"{folder} 不可写", "请把目录交给运行服务的用户。")
        free = shutil.disk_usage(folder).free
        found = f"{folder}，可用 {free / 2**30:.1f} GiB"
        if free < ENOUGH_FREE:
            level = Level.PROBLEM if free < LEAST_FREE else Level.WARNING
            return Finding(level, "运行目录", found, "请清理或扩容：磁盘写满时封标和上传会被拒绝。")
        return Finding(Level.OK, "运行目录", found)

    def _keys(self) -> Finding:
        folder = self.config.keys
        open_to = [path.name for path in (folder, *folder.glob("*")) if path.stat().st_mode & 0o077]
        if open_to:
            return Finding(
                Level.PROBLEM,
                "服务器密钥",
                f"他人可读：{'、'.join(open_to)}",
                f"chmod -R go-rwx {folder}；如可能已泄露，请更换。",
            )
        return Finding(Level.OK, "服务器密钥", f"{folder}，仅本用户可读")

    def _storage(self) -> Finding:
        if isinstance(self.storage, LocalStorage):
            root: Path = self.storage.root
            if root.exists() and not os.access(root, os.W_OK):
                return Finding(Level.PROBLEM, "文件存储", f"{root} 不可写", "请把目录交给运行服务的用户。")
            return Finding(Level.OK, "文件存储", str(root))
        self.storage.size("0" * 64)  # raises when the store does not answer
        return Finding(Level.OK, "文件存储", "对象存储有应答")

    def _log(self) -> Finding:
        newest, size = log.newest_checkpoint(), log.size()
        if size and (newest is None or newest.size != size):
            return Finding(
                Level.PROBLEM, "审计日志", f"{size} 条，检查点不在末尾", "请运行 flask --app wsgi audit verify。"
            )
        if newest is not None and (problem := log.checkpoint_problem(newest, newest.root)):
            return Finding(Level.PROBLEM, "审计日志", problem, "请核对 ZHANGBANG_KEYS 和 ZHANGBANG_BASE_URL。")
        return Finding(Level.OK, "审计日志", f"{size} 条，检查点签名相符（全量核验：flask --app wsgi audit verify）")

    def _clock(self) -> Finding:
        drift, lead = clock.drift(), clock.offset()
        if self.config.production and lead:
            return Finding(Level.PROBLEM, "时钟", f"正式站点的时钟被拨动 {lead}", "这个库曾是演示库，请换用新库。")
        if abs(drift) > clock.DRIFT_LIMIT_S:
            return Finding(
                Level.PROBLEM,
                "时钟",
                f"与开机计时相差 {drift:+.1f} 秒",
                "请与授时源核对，再由系统管理员在“时钟”页确认；在此之前封标和开启回答 503。",
            )
        return Finding(Level.OK, "时钟", f"与开机计时相差 {drift:+.1f} 秒")

    def _calendar(self) -> Finding:
        this = beijing_day(clock.site_now()).year
        known = {year.year: year.status for year in settings.working_days()[1]}
        missing = [str(year) for year in (this, this + 1) if year not in known]
        if missing:
            return Finding(
                Level.WARNING, "工作日历", f"没有 {'、'.join(missing)} 年", "请系统管理员在“工作日历”页录入。"
            )
        return Finding(Level.OK, "工作日历", "、".join(f"{year}（{YEARS[known[year]]}）" for year in (this, this + 1)))

    def _worker(self) -> Finding:
        if not self.config.embedded_worker:
            return Finding(Level.OK, "后台任务", "由单独的 flask worker 承担")
        with (self.config.instance / "worker.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return Finding(Level.OK, "后台任务", "正在运行")
        return Finding(Level.WARNING, "后台任务", "没有在运行", "启动服务：开启、消息和邮件由它办理。")

    def _outbox(self) -> Finding:
        stuck = list(db.session.scalars(select(OutboxConsumer).where(OutboxConsumer.failures > 0)))
        if stuck:
            return Finding(
                Level.PROBLEM,
                "发件箱",
                "；".join(f"{item.name} 连续失败 {item.failures} 次（{item.last_error[:80]}）" for item in stuck),
                "会自动重试；请查看服务日志中的原因。",
            )
        behind = {name: rows for name, rows in lag(without="bid.").items() if rows > BEHIND}
        if behind:
            return Finding(
                Level.WARNING,
                "发件箱",
                "、".join(f"{name} 落后 {rows} 条" for name, rows in behind.items()),
                "请看后台任务是否在运行。",
            )
        return Finding(Level.OK, "发件箱", "没有积压")

    def _mails(self) -> Finding:
        server = self.config.smtp_url or settings.setting("mail").get("host")
        late = db.session.scalar(
            select(func.count())
            .select_from(Mail)
            .where(Mail.sent_at.is_(None), Mail.created_at < clock.site_now() - LATE)
        )
        if not server and self.config.production:
            return Finding(
                Level.WARNING,
                "邮件",
                "没有发信服务器，只写入文件",
                "请在“邮件与后台任务”页设置，或设 ZHANGBANG_SMTP_URL。",
            )
        if late:
            return Finding(Level.WARNING, "邮件", f"{late} 封超过十分钟没有发出", "请核对发信服务器和后台任务。")
        return Finding(Level.OK, "邮件", "没有积压" if server else "写入 instance/mail/（演示）")

    def _search(self) -> Finding:
        if self.index.current() is None:
            return Finding(
                Level.WARNING, "检索索引", "还没有", "服务会自动建立；也可运行 flask --app wsgi search rebuild。"
            )
        return Finding(Level.OK, "检索索引", f"{self.config.search_backend}（逐条核对：flask --app wsgi search check）")

    def _scanner(self) -> Finding:
        if not self.config.clamd:
            return Finding(Level.WARNING, "病毒扫描", "没有设置", "开启的文件标为“未扫描”；可设 ZHANGBANG_CLAMD。")
        if scan([b"doctor"], address=self.config.clamd).verdict is not Verdict.CLEAN:
            return Finding(
                Level.PROBLEM, "病毒扫描", f"{self.config.clamd} 没有应答", "请启动 clamd；在此之前文件标为“未扫描”。"
            )
        return Finding(Level.OK, "病毒扫描", self.config.clamd)

    def _administrators(self) -> Finding:
        count = db.session.scalar(
            select(func.count(func.distinct(RoleAssignment.user_id)))
            .join(User, User.id == RoleAssignment.user_id)
            .where(
                RoleAssignment.role == Role.SECADMIN,
                RoleAssignment.in_force_at.is_not(None),
                RoleAssignment.revoked_at.is_(None),
                User.disabled_at.is_(None),
            )
        )
        if not count:
            return Finding(Level.PROBLEM, "安全管理员", "没有", "请运行 flask --app wsgi admin create。")
        if count < 2:
            return Finding(
                Level.WARNING, "安全管理员", "只有1位", "工作人员的角色须另一位安全管理员确认，请再邀请一位。"
            )
        return Finding(Level.OK, "安全管理员", f"{count}位")
