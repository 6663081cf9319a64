"""How a telephone number and an e-mail address are written: one pattern each for forms, demands and capabilities. Pure."""

from __future__ import annotations

import re

EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")
PHONE = re.compile(r"^[0-9+()（）\- 转]{7,30}$")  # 转: an extension
EMAIL_SAID = "请填写能收信的邮箱，如 name@example.com。"
PHONE_SAID = "请填写电话号码，只用数字、空格和短横线，分机写“转801”。"
