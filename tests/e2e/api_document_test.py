"""What the program says of its API, judged by others: the types by TypeScript's checker, the OpenAPI document by @redocly/cli of npm
(PROGRAMS_ALL=1, `make test-programs`, where it must be there)."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import jsonschema

from server import BINARY, PEERS

REDOCLY = PEERS / "npm/node_modules/.bin/redocly"

USE = """
import { actions, type Account, type Actions, type Problem } from "./api";
type Answer<Id extends keyof Actions> = Actions[Id]["answer"];
const shown: Answer<"account.show"> = null!;
const login: string = shown.login, quota: number = shown.quota, aliases: string[] = shown.aliases;
const listed: Account[] = (null! as Answer<"account.list">).accounts;
const [method, path] = actions["held.release"];
const names: Actions["held.release"]["names"] = { id: "x" };
const order: Actions["queue.count"]["request"] = { order: "retry", all: true };
const limits: Actions["limit.change"]["request"] = { messages_per_hour: 5, messages_per_day: null };
const level: "good" | "note" | "unknown" | "warning" | "wrong" = (null! as Answer<"today.show">).level;
// @ts-expect-error: there is no such order
const wrong: Actions["queue.count"]["request"] = { order: "dance" };
// @ts-expect-error: there is no such action
const none = actions["account.dance"];
export const used: unknown[] = [login, quota, aliases, listed, method, path, names, order, limits, level, wrong, none, null! as Problem];
"""


def told(*words):
    done = subprocess.run([BINARY, "api", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


class DocumentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = json.loads(told("--json"))

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return pathlib.Path(folder.name)

    @unittest.skipUnless(shutil.which("tsc"), "tsc (node-typescript) is not installed")
    def test_types_are_typescript(self):
        folder = self.folder()
        (folder / "api.ts").write_text(told("--types"))
        (folder / "use.ts").write_text(USE)
        done = subprocess.run(["tsc", "--noEmit", "--strict", "--target", "es2022", "--moduleResolution", "node", "use.ts", "api.ts"],
                              cwd=folder, capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_every_schema_is_one(self):
        """Each is a JSON Schema (draft 2020-12), and each reference leads somewhere."""
        resolver = jsonschema.RefResolver("", self.document)

        def walk(node):
            if isinstance(node, list):
                for one in node:
                    walk(one)
            if not isinstance(node, dict):
                return
            if isinstance(node.get("$ref"), str):
                resolver.resolve(node["$ref"])
            for key, one in node.items():
                if key == "schema":
                    jsonschema.Draft202012Validator.check_schema(one)
                walk(one)

        for one in self.document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(one)
        walk(self.document)

    def test_every_action_says_what_may_go_wrong_and_who_asks(self):
        self.assertTrue(self.document["security"])
        schemes = self.document["components"]["securitySchemes"]
        for one in self.document["security"]:
            self.assertLessEqual(one.keys(), schemes.keys())
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                answers = operation["responses"]
                self.assertLessEqual({"401", "403", "429", "default"}, answers.keys(), operation["operationId"])
                self.assertTrue(any(status.startswith("2") for status in answers), operation["operationId"])
                if "{" in path:
                    self.assertIn("404", answers, operation["operationId"])
                named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
                self.assertEqual(named, {part[1:-1] for part in path.split("/") if part.startswith("{")})
                self.assertEqual("requestBody" in operation, operation.get("requestBody") is not None)

    def test_redocly_has_nothing_to_say(self):
        if not REDOCLY.exists():
            self.assertFalse(os.environ.get("PROGRAMS_ALL"), "@redocly/cli is not there: tools/modules")
            self.skipTest("@redocly/cli is not there (tools/modules)")
        folder = self.folder()
        (folder / "openapi.json").write_text(json.dumps(self.document))
        (folder / "redocly.yaml").write_text("extends: [recommended-strict]\n")
        away = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "HOME": str(folder)}
        done = subprocess.run([REDOCLY, "lint", "openapi.json", "--format=json"], cwd=folder, capture_output=True, text=True, timeout=120,
                              env=os.environ | away)
        problems = [(one["ruleId"], one["message"], one["location"][0].get("pointer")) for one in json.loads(done.stdout)["problems"]]
        self.assertEqual((problems, done.returncode), ([], 0))


if __name__ == "__main__":
    unittest.main()
