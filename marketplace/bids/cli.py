"""``flask bids seal``: the offline sealer, the very code of ``static/tools/seal_bid.py``."""

from __future__ import annotations

import sys

import click

from marketplace.platform.sealing import seal_tool


@click.group("bids")
def bids_commands() -> None:
    """揭榜：离线封标。"""


@bids_commands.command("seal")
@click.argument("sheet", type=click.Path(exists=True, dir_okay=False))
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.argument("target", type=click.Path())
@click.option(
    "--own-key", type=click.Path(exists=True, dir_okay=False), help="存有单位标书钥匙的文件；不给则从键盘读入。"
)
@click.option("--new-key", is_flag=True, help="生成一把新的单位标书钥匙并显示。")
def seal(sheet: str, folder: str, target: str, own_key: str | None, new_key: bool) -> None:
    """按封标参数 SHEET 把目录 FOLDER 加密成封标包 TARGET；包在标书页上传。不连接数据库，也不联网。"""
    arguments = [sheet, folder, target]
    arguments += ["--own-key", own_key] if own_key else []
    arguments += ["--new-key"] if new_key else []
    sys.exit(seal_tool.main(arguments))
