import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOf, to } from "./place";

test("an address leads to the place that it was made for", () => {
  for (const name of ["ann@example.org", "a/b", "..", "100%", "<b>", "ü ?#&=", "."]) {
    const url = new URL(to("accounts", name, { q: name, none: undefined, empty: "" }), "https://mx.example.org");
    // "." and ".." alone are taken away by the browser, however they are written.
    if (name !== "." && name !== "..")
      assert.deepEqual(placeOf(url.pathname, url.search, url.hash).parts, ["accounts", name], name);
    const query = new URLSearchParams(url.search);
    assert.equal(query.get("q"), name);
    assert.equal(query.has("none") || query.has("empty"), false);
  }
  assert.equal(to(""), "/console/");
  assert.equal(to("trail", 7), "/console/trail/7");
});

test("an address with a broken percent sign is no crash", () => {
  assert.deepEqual(placeOf("/console/trail/%E0%A4%A", "", "#x").parts, ["trail", "%E0%A4%A"]);
  assert.deepEqual(placeOf("/elsewhere/trail", "", "").parts, []);
  assert.deepEqual(placeOf("/console//queue/", "?view=held", "").parts, ["queue"]);
  assert.equal(placeOf("/console/link", "", "#TOKEN").hash, "TOKEN");
});
