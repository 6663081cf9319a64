"""A page client that reads every page as a strict stranger would: duplicate ids, a title that is not the heading,
fields without labels, forms without CSRF, scripts without a nonce all fail the test that met them.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import lxml.html
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Page:
    """An answer with its parsed HTML."""

    def __init__(self, client: Client, response: TestResponse, url: str) -> None:
        self.client, self.response, self.url = client, response, url
        self.status = response.status_code
        self.text = (
            response.get_data(as_text=True)
            if response.mimetype.startswith(("text/", "application/json", "application/atom", "application/problem"))
            else ""
        )
        self.is_html = response.mimetype == "text/html" and bool(self.text.strip())
        for header, value in response.headers:
            assert value.isascii(), f"{header} is not ASCII on {url}: no server sends it"
        self.html = lxml.html.document_fromstring(self.text) if self.is_html else None
        if self.is_html and "<html" in self.text:
            self._review()

    def _review(self) -> None:
        html = self.html
        ids = html.xpath("//@id")
        assert len(ids) == len(set(ids)), f"duplicate ids on {self.url}: {[i for i in ids if ids.count(i) > 1]}"
        headings = [" ".join(h.text_content().split()) for h in html.xpath("//h1")]
        assert len(headings) == 1, f"{len(headings)} h1 on {self.url}"
        title = html.findtext(".//title") or ""
        assert squeeze(title).startswith(squeeze(headings[0])), f"title {title!r} ≠ h1 {headings[0]!r} on {self.url}"
        labelled = set(html.xpath("//label/@for"))
        for field in html.xpath("//input[not(@type='hidden') and not(@type='submit')] | //select | //textarea"):
            named = field.get("aria-label") or field.get("aria-labelledby") or field.get("id") in labelled
            assert named or field.xpath("ancestor::label"), f"unlabelled field {field.get('name')} on {self.url}"
        for form in html.xpath("//form[translate(@method,'POST','post')='post']"):
            assert form.xpath(".//input[@name='csrf_token']"), f"form without CSRF on {self.url}"
        for script in html.xpath("//script[not(@type='application/json')]"):
            assert script.get("src") or script.get("nonce"), f"inline script without nonce on {self.url}"
        assert not html.xpath("//@style"), f"inline style on {self.url}"

    @property
    def main(self) -> str:
        """The readable text of the main part, white space folded."""
        part = self.html.xpath("//main")
        return " ".join((part[0] if part else self.html).text_content().split())

    def links(self) -> list[str]:
        return [href for href in self.html.xpath("//a/@href") if href.startswith("/")]

    def has(self, text: str) -> bool:
        return squeeze(text) in squeeze(self.main)

    def form(self, action: str | None = None) -> dict[str, Any]:
        """The values a browser would send for a POST form (the first, or the one whose action contains ``action``)."""
        forms = [
            f for f in self.html.xpath("//main//form") if (f.get("method") or "").lower() == "post"
        ] or self.html.xpath("//form")
        for form in forms:
            if action is None or action in (form.get("action") or self.url):
                values: dict[str, Any] = {}
                for name, value in form.form_values():
                    values.setdefault(name, []).append(value)
                self._target = urljoin(self.url, form.get("action") or self.url)
                return values
        raise AssertionError(f"no form {action!r} on {self.url}")

    def submit(self, action: str | None = None, /, *, follow: bool = True, **changes: Any) -> Page:
        """Post the form with some values changed (``None`` leaves a field out), as a person would."""
        values = self.form(action)
        for name, value in changes.items():
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value
        return self.client.post(self._target, data=values, follow=follow, csrf=False)


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


class Client:
    """One browser."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.http: FlaskClient = app.test_client()

    def get(self, url: str, *, follow: bool = False, **options: Any) -> Page:
        return Page(self, self.http.get(url, follow_redirects=follow, **options), url)

    def post(self, url: str, data: Any = None, *, follow: bool = False, csrf: bool = True, **options: Any) -> Page:
        """Post; with ``csrf`` a valid token is added, so that only the guard itself is under test."""
        if csrf:
            data = {**(data or {}), "csrf_token": self.csrf_token()}
        response = self.http.post(url, data=data, follow_redirects=follow, **options)
        return Page(self, response, response.request.path if follow else url)

    def csrf_token(self) -> str:
        """A token as a page of this browser would carry."""
        from flask_wtf.csrf import generate_csrf

        with self.http.session_transaction() as kept:
            secret = kept.get("csrf_token")
            with self.app.test_request_context():
                from flask import session

                if secret:
                    session["csrf_token"] = secret
                token = generate_csrf()
                kept["csrf_token"] = session["csrf_token"]
        return token

    def sign_in(self, username: str) -> Client:
        """Open a session for a member of the cast, as the sign-in page would."""
        from marketplace import db
        from marketplace.accounts import service
        from marketplace.platform import clock
        from tests.factories import person

        token = service.open_session(
            person(username), now=clock.site_now(), agent="test", network="", second_factor=True
        )
        db.session.commit()
        with self.http.session_transaction() as kept:
            kept.clear()
            kept["_user_id"] = token
            kept["_fresh"] = True
        return self
