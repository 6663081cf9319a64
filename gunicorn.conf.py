"""The served process: two workers with threads, warm before the fork, no control socket."""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "8"))
preload_app = True
control_socket_disable = True
timeout = 60
graceful_timeout = 20
max_requests = 20_000
max_requests_jitter = 2_000
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")


def when_ready(server):
    """Before the first fork: the segmenter and its dictionary are loaded once for all workers."""
    from wsgi import app

    app.extensions["warm"]()


def post_fork(server, worker):
    """A forked child must not share its parent's database connections."""
    from wsgi import app

    app.extensions["engine"].dispose(close=False)


def post_worker_init(worker):
    """The first worker to take the lock also runs the embedded background work."""
    from wsgi import app

    start = app.extensions.get("start_worker")
    if start is not None:
        start()
