import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, asProblem, ask, at, lacks, lost, part, serverNow, whenLoggedOut } from "./api";

test("names are written so that they stay one part of a path", () => {
  assert.equal(part("ann@example.org"), "ann%40example.org");
  assert.equal(part("192.0.2.0/24"), "192.0.2.0~124");
  assert.equal(part("a~b/../c?d#e"), "a~0b~1..~1c%3Fd%23e");
  assert.equal(
    at("/v1/queue", { held: true, destination: "", after: "a b&c", limit: 50, x: null, y: undefined, z: false }),
    "/v1/queue?held=1&after=a%20b%26c&limit=50",
  );
  assert.equal(at("/v1/queue"), "/v1/queue");
});

function answering(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): { calls: [string, RequestInit][] } {
  const calls: [string, RequestInit][] = [];
  globalThis.fetch = async (path, init) => {
    calls.push([String(path), init ?? {}]);
    return new Response(body, { status, headers });
  };
  return { calls };
}

const problemOf = async (what: Promise<unknown>) => {
  try {
    await what;
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error.problem;
  }
  assert.fail("no problem");
};

test("a change is sent as JSON with what was seen", async () => {
  const { calls } = answering(200, '{"login":"a"}', { ETag: '"7"' });
  const { body, etag } = await ask<{ login: string }>("PATCH", "/v1/accounts/a", { body: { quota: 0 }, etag: '"6"' });
  assert.equal(body.login, "a");
  assert.equal(etag, '"7"');
  const headers = calls[0]?.[1].headers as Record<string, string>;
  assert.equal(headers["Content-Type"], "application/json");
  assert.equal(headers["If-Match"], '"6"');
  assert.equal(calls[0]?.[1].credentials, "same-origin");
  assert.equal(calls[0]?.[1].redirect, "error");
});

test("problems are told with code, field and advice", async () => {
  answering(409, '{"code":"conflict","detail":"taken","advice":"another","field":"label"}');
  const problem = await problemOf(ask("POST", "/v1/x?y=1", { body: {} }));
  assert.deepEqual(
    [problem.code, problem.detail, problem.advice, problem.field, problem.asked],
    ["conflict", "taken", "another", "label", "POST /v1/x"],
  );
});

test("a proxy's page is a problem, not a crash", async () => {
  answering(502, "<html>Bad Gateway", { "Retry-After": "7" });
  const problem = await problemOf(ask("GET", "/v1/x"));
  assert.equal(problem.status, 502);
  assert.equal(problem.after, 7);
  answering(200, "<html>Welcome to the hotel's network");
  assert.equal((await problemOf(ask("GET", "/v1/x"))).code, "no JSON");
});

test("no answer is no connection", async () => {
  globalThis.fetch = async () => {
    throw new TypeError("failed");
  };
  const problem = await problemOf(ask("GET", "/v1/x"));
  assert.ok(lost(problem));
  assert.ok(!lacks(problem));
  assert.equal(asProblem(new Error("x")).code, "no_connection");
});

test("an ended session is told once to who waits for it, but not to the door itself", async () => {
  let told = 0;
  whenLoggedOut(() => ++told);
  answering(401, '{"code":"login_required"}');
  await problemOf(ask("GET", "/v1/x", { quiet: true }));
  assert.equal(told, 0);
  await problemOf(ask("GET", "/v1/x"));
  assert.equal(told, 1);
});

test("what this server lacks is told from what failed", async () => {
  for (const status of [403, 404, 405, 501]) {
    answering(status, "{}");
    assert.ok(lacks(await problemOf(ask("GET", "/v1/x"))));
  }
  answering(500, "{}");
  assert.ok(!lacks(await problemOf(ask("GET", "/v1/x"))));
});

test("the clock is the server's", async () => {
  answering(200, "{}", { Date: new Date(Date.now() + 540_000).toUTCString() });
  await ask("GET", "/v1/x");
  assert.ok(Math.abs(serverNow().getTime() - Date.now() - 540_000) < 5_000);
});
