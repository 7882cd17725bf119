"""The dashboard under gunicorn: several processes, each with threads and connections of its own."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from importlib import import_module

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import ThreadWorker

from dashboard.settings import Settings


class Threads(ThreadWorker):
    """gunicorn's worker with threads, which ends at once when told so even while it takes a request in."""

    def handle_quit(self, sig, frame):
        """End at once, without the lock of the pool of threads, which this very thread may be holding."""
        Worker.handle_quit(self, sig, frame)


class Lines(Logger):
    """What gunicorn itself has to say, as lines like all others."""

    def setup(self, cfg) -> None:
        """Begin to write."""
        from dashboard.watching import JsonLines  # by now it is known where processes count together

        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())


def settle() -> None:
    """Let the collector of garbage pass over what lives as long as the process: that takes as long as an answer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class _Served(BaseApplication):
    """gunicorn told by us instead of by a file; the application is made after the fork."""

    def __init__(self, settings: Settings, options: dict, public: bool):
        self._settings, self._options, self._public = settings, options, public
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self):
        from dashboard.app import create_app
        from dashboard.public import create_public_server
        from dashboard.watching import log_as_json

        log_as_json()
        served = create_public_server(self._settings) if self._public else create_app(self._settings).server
        settle()
        return served


def serve(settings: Settings, host: str, port: int, workers: int, public: bool = False) -> None:
    """Serve until stopped; with `public` the public pages alone."""
    options = {
        "bind": f"{host}:{port}",
        "workers": workers,
        "worker_class": "dashboard.serving.Threads",
        "threads": 48,  # most of them wait in line or send what is kept; `repeats` says how many compute
        "timeout": max(30, int(settings.query_seconds) + 10),
        "limit_request_line": 8190,  # a shared link may hold many choices
        "forwarder_headers": "",  # who asks has no say in where the dashboard lives (SCRIPT_NAME)
        "control_socket_disable": True,
        "loglevel": "warning",
        "logger_class": "dashboard.serving.Lines",
        "child_exit": _forget,
    }
    counts, above = tempfile.mkdtemp(prefix="dashboard311-counts-"), os.getpid()
    try:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts  # noqa: TID251  # prometheus_client reads it when it is loaded
        import_module("dashboard.public" if public else "dashboard.app")  # once for all processes, which share it
        settle()
        _Served(settings, options, public).run()
    finally:
        if os.getpid() == above:  # a process that answers comes by here too when it ends, and the others still count
            shutil.rmtree(counts, ignore_errors=True)


def _forget(_server, worker) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)
