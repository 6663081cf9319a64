"""What the log says of a request: enough to find it again, nothing of what was sent."""

from __future__ import annotations

import json

import pytest
import structlog
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.client import Client


def test_lines_are_json_on_stderr_with_the_request_and_without_what_was_sent(
    app: Flask, visitor: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    from marketplace import logs

    logs.configure()
    with app.test_request_context("/"):
        logs.begin_request("abc")
        structlog.get_logger("x").warning("constraint", endpoint="bids.seal")
    out, err = capsys.readouterr()
    line = json.loads(err.splitlines()[-1])
    assert out == ""
    assert (line["event"], line["endpoint"], line["request"], line["level"]) == (
        "constraint",
        "bids.seal",
        "abc",
        "warning",
    )
    logs.begin_request("next")
    visitor.http.post("/sign-in", data={"username": "x", "password": "a-secret-that-was-typed"})
    assert "a-secret-that-was-typed" not in "".join(capsys.readouterr())


def test_an_error_of_the_database_quotes_no_value(session: Session) -> None:
    with pytest.raises(DBAPIError) as caught:
        session.execute(text("SELECT * FROM no_such_table WHERE x = :value"), {"value": "a-sealed-value"})
    assert "a-sealed-value" not in str(caught.value)
