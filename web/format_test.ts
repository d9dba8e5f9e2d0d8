import assert from "node:assert/strict";
import { test } from "node:test";
import {
  apart,
  ceiling,
  clock,
  count,
  day,
  justBefore,
  moment,
  named,
  plural,
  readSize,
  share,
  size,
  span,
  when,
} from "./format";

const now = new Date("2026-11-24T10:24:07Z");

test("numbers are grouped by three", () => {
  assert.equal(count(0), "0");
  assert.equal(count(999), "999");
  assert.equal(count(1000), "1,000");
  assert.equal(count(1234567), "1,234,567");
  assert.equal(plural(1, "message"), "1 message");
  assert.equal(plural(0, "message"), "0 messages");
  assert.equal(plural(2, "try", "tries"), "2 tries");
});

test("octets have the largest unit that leaves a whole number", () => {
  assert.equal(size(0), "0 octets");
  assert.equal(size(1), "1 octet");
  assert.equal(size(1023), "1,023 octets");
  assert.equal(size(1024), "1 KiB");
  assert.equal(size(1536), "1.5 KiB");
  assert.equal(size(1024 * 1024 - 1), "1 MiB");
  assert.equal(size(412 * 2 ** 30), "412 GiB");
  assert.equal(size(2 ** 60), "1024 PiB");
});

test("sizes are read as people write them", () => {
  assert.equal(readSize("0"), 0);
  assert.equal(readSize(" 500MiB "), 500 * 2 ** 20);
  assert.equal(readSize("2G"), 2 * 2 ** 30);
  assert.equal(readSize("1.5 gb"), 1.5 * 2 ** 30);
  assert.equal(readSize("12 octets"), 12);
  for (const wrong of ["", "x", "-1", "1 PiB", "2 G G", "99999999999999999999"])
    assert.equal(readSize(wrong), null, wrong);
});

test("lengths of time have two units at most", () => {
  assert.equal(span(-5), "0 s");
  assert.equal(span(4_000), "4 s");
  assert.equal(span(59_400), "59 s");
  assert.equal(span(31 * 60_000), "31 min");
  assert.equal(span(59.6 * 60_000), "1 h");
  assert.equal(span((18 * 60 + 4) * 60_000), "18 h 4 min");
  assert.equal(span(26 * 3_600_000), "1 day 2 h");
  assert.equal(span(9.5 * 86_400_000), "9 days");
});

test("times are in UTC, and say the day when it is another one", () => {
  assert.equal(clock(new Date("2026-11-24T08:02:14Z")), "8:02");
  assert.equal(clock(new Date("2026-11-24T08:02:14Z"), true), "8:02:14");
  assert.equal(when(new Date("2026-11-24T00:00:00Z"), now), "0:00");
  assert.equal(when(new Date("2026-11-23T18:05:02Z"), now), "Mon 18:05");
  assert.equal(when(new Date("2026-11-29T08:02:00Z"), now), "Sun 8:02");
  assert.equal(when(new Date("2026-03-03T08:02:00Z"), now), "3 March");
  assert.equal(day(new Date("2025-03-03T08:02:00Z"), now), "3 March 2025");
  assert.equal(moment(now), "Tuesday 24 November, 10:24 UTC");
  assert.equal(apart(new Date("2026-11-24T10:37:07Z"), now), "in 13 min");
  assert.equal(apart(new Date("2026-11-24T10:24:00Z"), now), "7 s ago");
  assert.equal(apart(now, now), "now");
});

test("shares never round up to all or down to none", () => {
  assert.equal(share(0, 10), "0 %");
  assert.equal(share(1, 1000), "under 1 %");
  assert.equal(share(9999, 10000), "99.9 %");
  assert.equal(share(10, 10), "100 %");
  assert.equal(share(1, 0), "none");
});

test("plots end at a round number", () => {
  assert.deepEqual([0, 1, 3, 7, 11, 167, 501].map(ceiling), [1, 1, 5, 10, 20, 200, 1000]);
});

test("names are listed as people do", () => {
  assert.equal(named([]), "nobody");
  assert.equal(named(["a"]), "a");
  assert.equal(named(["a", "b"]), "a and b");
  assert.equal(named(["a", "b", "c"]), "a, b and c");
  assert.equal(named(["a", "b", "c", "d"]), "a, b and 2 more");
});

test("a list begins just before what is sought", () => {
  const octets = (text: string): string => Buffer.from(text).toString("hex");
  for (const [below, above] of [
    ["anm", "ann"],
    ["anmzzz@x", "ann@example.org"],
    ["z", "é"],
  ] as const) {
    assert.ok(octets(justBefore(above)) > octets(below) && octets(justBefore(above)) < octets(above), above);
  }
  assert.equal(justBefore(""), "");
});
