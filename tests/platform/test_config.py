"""What a start refuses, and what a command may do without any setting."""

import pytest

from marketplace.config import ConfigError, from_environment

STRONG = "a-secret-of-more-than-thirty-two-characters"


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": STRONG, "FLASK_DEBUG": "1", "ZHANGBANG_BASE_URL": "https://x.test"}, "调试"),
        ({"SECRET_KEY": STRONG, "ZHANGBANG_BASE_URL": "http://x.test"}, "https"),
    ],
)
def test_an_unsafe_server_does_not_start(tmp_path, env, word):
    with pytest.raises(ConfigError, match=word):
        from_environment({"ZHANGBANG_INSTANCE": str(tmp_path), **env})


def test_a_real_site_starts(tmp_path):
    env = {"ZHANGBANG_INSTANCE": str(tmp_path), "SECRET_KEY": STRONG, "ZHANGBANG_BASE_URL": "https://x.test"}
    assert from_environment(env).production


def test_a_command_in_a_fresh_checkout_works_on_the_embedded_demo(tmp_path):
    config = from_environment({"ZHANGBANG_INSTANCE": str(tmp_path), "FLASK_RUN_FROM_CLI": "true"})
    assert (config.demo, config.production) == (True, False)
    assert len(config.secret_key) >= 32


def test_a_command_of_a_real_site_is_strict(tmp_path):
    env = {"ZHANGBANG_INSTANCE": str(tmp_path), "FLASK_RUN_FROM_CLI": "true", "SECRET_KEY": "weak"}
    with pytest.raises(ConfigError):
        from_environment(env)
