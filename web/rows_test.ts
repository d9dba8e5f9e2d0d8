import assert from "node:assert/strict";
import { test } from "node:test";
import { kept, merge } from "./rows";

const keyOf = (value: { k: string }): string => value.k;
const list = (...keys: string[]) => keys.map((k) => ({ k }));
const keys = (rows: readonly { key: string; gone: boolean }[]): string =>
  rows.map((row) => row.key + (row.gone ? "-" : "")).join(" ");

test("without anybody in it the list is the fresh one", () => {
  const first = merge<{ k: string }>([], list("a", "b"), keyOf, false);
  assert.equal(keys(first.rows), "a b");
  const second = merge(first.rows, list("c", "b"), keyOf, false);
  assert.equal(keys(second.rows), "c b");
  assert.equal(second.waiting, 0);
});

test("rows stay where they are while somebody is in the list", () => {
  const { rows } = merge<{ k: string }>([], list("a", "b", "c"), keyOf, false);
  const busy = merge(rows, list("n", "c", "a", "m"), keyOf, true);
  assert.equal(keys(busy.rows), "a b- c");
  assert.equal(busy.waiting, 2);
  const after = merge(busy.rows, list("n", "c", "a", "m"), keyOf, false);
  assert.equal(keys(after.rows), "n c a m");
});

test("a row changes in place, and one that comes back is there again", () => {
  interface One {
    k: string;
    n: number;
  }
  const { rows } = merge<One>([], [{ k: "a", n: 1 }], keyOf, true);
  const gone = merge<One>(rows, [], keyOf, true);
  assert.equal(keys(gone.rows), "a-");
  const back = merge<One>(gone.rows, [{ k: "a", n: 2 }], keyOf, true);
  assert.deepEqual(back.rows, [{ key: "a", value: { k: "a", n: 2 }, gone: false }]);
});

test("the first rows of an empty list do not wait, and a key counts once", () => {
  const shown = merge<{ k: string }>([], list("a", "a", "b"), keyOf, true);
  assert.equal(keys(shown.rows), "a b");
  assert.equal(shown.waiting, 0);
});

test("what left the list is no longer picked", () => {
  const { rows } = merge<{ k: string }>([], list("a", "b"), keyOf, false);
  const now = merge(rows, list("b"), keyOf, true);
  assert.deepEqual([...kept(new Set(["a", "b", "x"]), now.rows)], ["b"]);
});
