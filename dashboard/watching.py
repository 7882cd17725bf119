"""What an operator sees of the running dashboard: whether it is ready, counts and times, and one log line a request.

Neither holds who asked or what for: a line names the route, not the address, and the role, not the person.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import time
from datetime import UTC
from typing import Any

from flask import Flask, Response, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client import REGISTRY as ONE_PROCESS
from prometheus_client.multiprocess import MultiProcessCollector

from dashboard.domain.errors import DataUnavailable, Problem
from dashboard.identity import here
from dashboard.services import Services

log = logging.getLogger("dashboard311.requests")

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""Set by `serving` before anything is counted: the folder in which the processes add up."""
_answers = Counter("dashboard311_answers_total", "Answers over HTTP.", ["route", "status"])
_seconds = Histogram(
    "dashboard311_answer_seconds", "Time to the first byte of an answer.", ["route"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip
_as_of = Gauge("dashboard311_data_as_of_seconds", "The data's own clock, as a Unix time.", multiprocess_mode="max")


def add_watching(server: Flask, services: Services) -> None:
    """Count and log every answer of `server`; serve ``/readyz`` and ``/metrics``."""

    @server.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @server.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else "(none)"
        took = time.perf_counter() - g.get("begun", time.perf_counter())
        _answers.labels(route, str(response.status_code)).inc()
        _seconds.labels(route).observe(took)
        visitor = here()
        about = {
            "method": request.method, "route": route, "status": response.status_code, "ms": round(1000 * took),
            "role": visitor.viewer.role if visitor is not None else "",
        }  # fmt: skip
        log.info("answered", extra={"about": about})
        return response

    @server.get("/readyz")
    def readyz() -> tuple[Response, int]:
        found: dict[str, str] = {}
        for name, ask in (("data", services.build), ("accounts", services.state.has_accounts)):
            try:
                ask()
                found[name] = "ok"
            except Problem:
                found[name] = "not ready"
        ready = all(state == "ok" for state in found.values())
        return jsonify(status="ready" if ready else "not ready", **found), 200 if ready else 503

    @server.get("/metrics")
    def metrics() -> Response:
        token = services.settings.metrics_token
        given = request.headers.get("Authorization", "")
        if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Response("Not without the token.\n", 404 if not token else 401, mimetype="text/plain")
        try:
            _as_of.set(services.build().as_of.replace(tzinfo=UTC).timestamp())
        except DataUnavailable:
            _as_of.set(0)
        registry = ONE_PROCESS
        if os.environ.get(MULTIPROCESS):  # noqa: TID251  # not a setting: serving and this module agree on it
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class JsonLines(logging.Formatter):
    """A log line as one JSON object: at, level, logger, message and what the message is about."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}Z", "level": record.levelname,
            "logger": record.name, "message": record.getMessage(), **getattr(record, "about", {}),
        }  # fmt: skip
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Write every log line of this process as JSON on the error stream, requests included."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name in ("dashboard311", "dashboard", "data_access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
