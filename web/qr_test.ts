import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { path, qr } from "./qr";

// Both were read by zbarimg, as were codes of 330 and 666 octets (version 20).
const hello = `
#######.##.#..#######
#.....#..##.#.#.....#
#.###.#..####.#.###.#
#.###.#.#..#..#.###.#
#.###.#.#...#.#.###.#
#.....#.#.##..#.....#
#######.#.#.#.#######
........#####........
#...#.######.#####..#
...###..#.###..#.####
#.##..#.#.##..###..#.
###..#...#...##.#....
..#.###..#..###...##.
........###.###..#.##
#######.##..##...#.#.
#.....#....##..#...#.
#.###.#.#..#..###.#.#
#.###.#....##....#.##
#.###.#..###..####...
#.....#..#...##......
#######.#...#####.#.#
`.trim();

test("a code of one word is the one that was read", () => {
  assert.equal((qr("HELLO") ?? []).map((row) => row.map((dark) => (dark ? "#" : ".")).join("")).join("\n"), hello);
});

test("a code with several blocks is the one that was read", () => {
  const rows = qr("x".repeat(300)) ?? [];
  assert.equal(rows.length, 69);
  assert.equal(
    createHash("sha256").update(path(rows)).digest("hex"),
    "ead167ed606965d07e45b734af420226b87e4457fdde545f95a2fac53b459c26",
  );
});

test("what is too long has no code", () => {
  assert.equal(qr("a".repeat(666))?.length, 97);
  assert.equal(qr("a".repeat(667)), undefined);
  assert.equal(qr("é".repeat(334)), undefined);
});

test("a path has a margin of four modules", () => {
  assert.equal(
    path([
      [true, true, false, true],
      [false, false, false, false],
    ]),
    "M4 4h2v1H4zM7 4h1v1H7z",
  );
});
