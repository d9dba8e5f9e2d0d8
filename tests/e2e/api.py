"""Speaks to the API of a server, and judges every answer by the document that the server itself gives of it.

    api = Api(server)
    status, fields, told = api.ask("/v1/accounts", Authorization=...)       # over HTTPS, where a listener `https` is
    told = api.must("/v1/domains", {"name": "example.org"})                   # at the control socket, as root

The document is `GET /v1/openapi.json`, the judge is python3-jsonschema. Judged are also members that the document does not know:
programs may be sent new ones, but whoever adds one says so.
"""

import contextlib
import copy
import http.client
import json
import re
import socket

import jsonschema

from server import trusting

FORMATS = jsonschema.FormatChecker(())


@FORMATS.checks("date-time")
def is_time(value):
    """RFC 3339, as the API tells times: in UTC, to the millisecond."""
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None


def closed(schema):
    """The same, but no object of it may have members that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if made.get("type") == "object" and "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


class Judge:
    """Answers, by an OpenAPI document."""

    def __init__(self, document):
        self.document = copy.deepcopy(document)
        self.document["components"]["schemas"] = {name: self.strict(one) for name, one in document["components"]["schemas"].items()}
        self.resolver = jsonschema.RefResolver("", self.document)
        self.paths = [(re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in
                                          re.split(r"(\{[^}]*\})", path)) + "$"), path.count("{"), one)
                      for path, one in document["paths"].items()]
        self.judged = set()

    @staticmethod
    def strict(schema):
        return closed(schema)

    def operation(self, method, path):
        """That of the path with the fewest names in it: those without any come first (OpenAPI 3.1, Paths)."""
        found = sorted((names, number) for number, (form, names, one) in enumerate(self.paths)
                       if form.match(path) and method.lower() in one)
        return self.paths[found[0][1]][2][method.lower()] if found else None

    def check(self, method, target, status, media, told):
        """Fails when the answer is not what the document says. A name that is not the server's (421) never comes to the API."""
        if status == 421:
            return
        operation = self.operation("GET" if method == "HEAD" else method, target.partition("?")[0])
        if operation is None:
            assert status in (404, 405), f"{method} {target} is not in the document, and answered {status}"
            answer = self.document["components"]["responses"]["Problem"]
        else:
            answers = operation["responses"]
            answer = answers.get(str(status), answers["default"])
            self.judged.add(operation["operationId"])
        while "$ref" in answer:
            answer = self.resolver.resolve(answer["$ref"])[1]
        media = media.partition(";")[0]
        assert media in answer["content"], f"{method} {target} answered {status} as {media}"
        self.compare(f"{method} {target} ({status})", answer["content"][media].get("schema", {}), told)

    def is_a(self, name, told):
        """Fails when it is none of these shapes of the document; gives it back."""
        self.compare(name, self.document["components"]["schemas"][name], told)
        return told

    def compare(self, what, schema, told):
        judge = jsonschema.Draft202012Validator(self.strict(schema), resolver=self.resolver, format_checker=FORMATS)
        errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in judge.iter_errors(told)]
        assert not errors, f"{what}: {errors[:3]}"


class LocalConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api:
    def __init__(self, server):
        self.server = server
        self._judge = None

    @property
    def judge(self):
        if self._judge is None:
            self._judge = Judge(self._exchange(self._local(), "GET", "/v1/openapi.json", None, {})[2])
        return self._judge

    def judged(self, method, target, status, fields, content):
        """Judges an answer that a test got by itself, when it is one of the API's, and gives it back. Paths of the console are none."""
        if target.startswith("/v1/") and method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            media = fields.get("Content-Type", "")
            self.judge.check(method, target, status, media, json.loads(content) if content and "json" in media else content)
        return status, fields, content

    def _local(self):
        return LocalConnection(self.server.data / "control.sock")

    @staticmethod
    def _exchange(client, method, path, body, headers):
        with contextlib.closing(client):
            client.request(method, path, headers=headers, body=None if body is None else json.dumps(body))
            answer = client.getresponse()
            return answer.status, dict(answer.getheaders()), json.loads(answer.read())

    def _judged(self, client, path, body, method, headers):
        method = method or ("POST" if body is not None else "GET")
        status, fields, told = self._exchange(client, method, path, body, headers)
        self.judge.check(method, path, status, fields.get("Content-Type", ""), told)
        return status, fields, told

    def ask(self, path, body=None, method=None, **fields):
        """Status, fields and JSON of an answer over HTTPS."""
        client = http.client.HTTPSConnection("127.0.0.1", self.server.ports["https"], context=trusting(), timeout=60)
        headers = {"Host": self.server.hostname} | {name.replace("_", "-"): value for name, value in fields.items()}
        return self._judged(client, path, body, method, headers)

    def order(self, path, body=None, method=None):
        """The same at the control socket."""
        return self._judged(self._local(), path, body, method, {})

    def must(self, path, body=None, method=None):
        """The JSON of an answer that is no problem, at the control socket."""
        status, _, told = self.order(path, body, method)
        assert status == 200, told
        return told
