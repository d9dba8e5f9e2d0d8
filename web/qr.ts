// QR codes (ISO/IEC 18004): bytes, level M, versions 1 to 20, up to 666 octets. No library: the console fetches none.

/** Error correction, level M: octets a block, and blocks, by version. */
const checkOctets = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const blockCounts = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const versions = checkOctets.length;

/** All octets that a version holds, those of error correction too. */
function octetsOf(version: number): number {
  let modules = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const marks = Math.floor(version / 7) + 2;
    modules -= (25 * marks - 10) * marks - 55;
  }
  if (version >= 7) modules -= 36;
  return Math.floor(modules / 8);
}

const at = <T>(list: ArrayLike<T>, index: number): T => list[index] as T;
const dataOctets = (version: number): number =>
  octetsOf(version) - at(checkOctets, version - 1) * at(blockCounts, version - 1);

// ---- Octets ----

/** Product in the field of 256 elements modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; --bit) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

function divisor(degree: number): Uint8Array {
  const result = new Uint8Array(degree);
  result[degree - 1] = 1;
  let root = 1;
  for (let i = 0; i < degree; ++i) {
    for (let j = 0; j < degree; ++j) result[j] = times(at(result, j), root) ^ (j + 1 < degree ? at(result, j + 1) : 0);
    root = times(root, 2);
  }
  return result;
}

/** The check octets of a block: Reed and Solomon's remainder. */
function remainder(data: Uint8Array, by: Uint8Array): Uint8Array {
  const result = new Uint8Array(by.length);
  for (const octet of data) {
    const factor = octet ^ at(result, 0);
    result.copyWithin(0, 1);
    result[by.length - 1] = 0;
    for (let i = 0; i < by.length; ++i) result[i] = at(result, i) ^ times(at(by, i), factor);
  }
  return result;
}

/** Mode, length, text, end and padding. */
function packed(text: Uint8Array, version: number): Uint8Array {
  const room = dataOctets(version);
  const out = new Uint8Array(room);
  let bits = 0;
  const push = (value: number, length: number): void => {
    for (let i = length - 1; i >= 0; --i, ++bits)
      out[bits >> 3] = at(out, bits >> 3) | (((value >> i) & 1) << (7 - (bits & 7)));
  };
  push(4, 4);
  push(text.length, version < 10 ? 8 : 16);
  for (const octet of text) push(octet, 8);
  push(0, Math.min(4, room * 8 - bits));
  let filler = 0xec;
  for (let i = (bits + 7) >> 3; i < room; ++i, filler ^= 0xec ^ 0x11) out[i] = filler;
  return out;
}

/** Blocks with their check octets, one octet of each in turn. */
function interleaved(data: Uint8Array, version: number): Uint8Array {
  const count = at(blockCounts, version - 1);
  const check = at(checkOctets, version - 1);
  const by = divisor(check);
  const short = Math.floor(data.length / count);
  const longOnes = data.length % count;
  const blocks: Uint8Array[] = [];
  for (let i = 0, from = 0; i < count; ++i) {
    const length = short + (i >= count - longOnes ? 1 : 0);
    blocks.push(data.subarray(from, from + length));
    from += length;
  }
  const checks = blocks.map((block) => remainder(block, by));
  const out: number[] = [];
  for (let i = 0; i <= short; ++i) for (const block of blocks) if (i < block.length) out.push(at(block, i));
  for (let i = 0; i < check; ++i) for (const one of checks) out.push(at(one, i));
  return Uint8Array.from(out);
}

// ---- Modules ----

class Grid {
  readonly dark: boolean[][];
  readonly fixed: boolean[][];
  constructor(readonly size: number) {
    this.dark = Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
    this.fixed = Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
  }
  get(x: number, y: number): boolean {
    return at(at(this.dark, y), x);
  }
  isFixed(x: number, y: number): boolean {
    return at(at(this.fixed, y), x);
  }
  set(x: number, y: number, dark: boolean): void {
    at(this.dark, y)[x] = dark;
  }
  fix(x: number, y: number, dark: boolean): void {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return;
    this.set(x, y, dark);
    at(this.fixed, y)[x] = true;
  }
}

function marksOf(version: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const last = version * 4 + 10;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => last - (count - 2 - i) * step)];
}

function square(grid: Grid, x: number, y: number, radius: number, light: (ring: number) => boolean): void {
  for (let dy = -radius; dy <= radius; ++dy)
    for (let dx = -radius; dx <= radius; ++dx) grid.fix(x + dx, y + dy, !light(Math.max(Math.abs(dx), Math.abs(dy))));
}

function drawFixed(grid: Grid, version: number): void {
  const end = grid.size - 1;
  for (let i = 0; i < grid.size; ++i) {
    grid.fix(6, i, i % 2 === 0);
    grid.fix(i, 6, i % 2 === 0);
  }
  for (const [x, y] of [
    [3, 3],
    [end - 3, 3],
    [3, end - 3],
  ] as const)
    square(grid, x, y, 4, (ring) => ring === 2 || ring === 4);
  const marks = marksOf(version);
  const corner = marks[marks.length - 1];
  for (const x of marks)
    for (const y of marks)
      if (!((x === 6 && y === 6) || (x === 6 && y === corner) || (x === corner && y === 6)))
        square(grid, x, y, 2, (ring) => ring === 1);
  if (version < 7) return;
  let check = version;
  for (let i = 0; i < 12; ++i) check = (check << 1) ^ ((check >> 11) * 0x1f25);
  const bits = (version << 12) | check;
  for (let i = 0; i < 18; ++i) {
    const a = grid.size - 11 + (i % 3);
    const b = Math.floor(i / 3);
    grid.fix(a, b, ((bits >> i) & 1) === 1);
    grid.fix(b, a, ((bits >> i) & 1) === 1);
  }
}

/** Level M and the mask, twice. */
function drawFormat(grid: Grid, mask: number): void {
  let check = mask; // level M is 00
  for (let i = 0; i < 10; ++i) check = (check << 1) ^ ((check >> 9) * 0x537);
  const bits = ((mask << 10) | check) ^ 0x5412;
  const bit = (i: number): boolean => ((bits >> i) & 1) === 1;
  const end = grid.size - 1;
  for (let i = 0; i <= 5; ++i) grid.fix(8, i, bit(i));
  grid.fix(8, 7, bit(6));
  grid.fix(8, 8, bit(7));
  grid.fix(7, 8, bit(8));
  for (let i = 9; i < 15; ++i) grid.fix(14 - i, 8, bit(i));
  for (let i = 0; i < 8; ++i) grid.fix(end - i, 8, bit(i));
  for (let i = 8; i < 15; ++i) grid.fix(8, end - 14 + i, bit(i));
  grid.fix(8, end - 7, true);
}

/** In columns of two from the right, up and down in turn, around what is fixed. */
function drawData(grid: Grid, octets: Uint8Array): void {
  let bit = 0;
  for (let right = grid.size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < grid.size; ++step)
      for (let j = 0; j < 2; ++j) {
        const x = right - j;
        const y = ((right + 1) & 2) === 0 ? grid.size - 1 - step : step;
        if (grid.isFixed(x, y) || bit >= octets.length * 8) continue;
        grid.set(x, y, ((at(octets, bit >> 3) >> (7 - (bit & 7))) & 1) === 1);
        ++bit;
      }
  }
}

const masks: readonly ((x: number, y: number) => number)[] = [
  (x, y) => (x + y) % 2,
  (_, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

function turn(grid: Grid, mask: number): void {
  for (let y = 0; y < grid.size; ++y)
    for (let x = 0; x < grid.size; ++x)
      if (!grid.isFixed(x, y) && at(masks, mask)(x, y) === 0) grid.set(x, y, !grid.get(x, y));
}

const finderLike = /(?=00001011101|10111010000)/g;

/** How hard it is to read: long runs, blocks, what looks like a corner, and too much of one colour. */
function penalty(grid: Grid): number {
  let sum = 0;
  let dark = 0;
  const lines: string[] = [];
  for (let i = 0; i < grid.size; ++i) {
    let row = "";
    let column = "";
    for (let j = 0; j < grid.size; ++j) {
      row += grid.get(j, i) ? "1" : "0";
      column += grid.get(i, j) ? "1" : "0";
      if (grid.get(j, i)) ++dark;
      if (i > 0 && j > 0) {
        const one = grid.get(j, i);
        if (one === grid.get(j - 1, i) && one === grid.get(j, i - 1) && one === grid.get(j - 1, i - 1)) sum += 3;
      }
    }
    lines.push(row, column);
  }
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
    sum += 40 * (line.match(finderLike)?.length ?? 0);
  }
  const total = grid.size * grid.size;
  return sum + Math.floor(Math.abs(dark * 20 - total * 10) / total) * 10;
}

/** The code's modules, rows of dark or not, without a margin; nothing when the text is too long. */
export function qr(text: string): boolean[][] | undefined {
  const octets = new TextEncoder().encode(text);
  let version = 1;
  while (version <= versions && dataOctets(version) * 8 < 4 + (version < 10 ? 8 : 16) + octets.length * 8) ++version;
  if (version > versions) return undefined;
  const grid = new Grid(version * 4 + 17);
  drawFixed(grid, version);
  drawFormat(grid, 0);
  drawData(grid, interleaved(packed(octets, version), version));
  let best = 0;
  let least = Infinity;
  for (let mask = 0; mask < masks.length; ++mask) {
    turn(grid, mask);
    drawFormat(grid, mask);
    const now = penalty(grid);
    if (now < least) [best, least] = [mask, now];
    turn(grid, mask);
  }
  turn(grid, best);
  drawFormat(grid, best);
  return grid.dark;
}

/** One path of an SVG whose box is `size` plus a margin of four modules on each side. */
export function path(rows: readonly (readonly boolean[])[]): string {
  let out = "";
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; ++x) {
      if (!row[x]) continue;
      let end = x;
      while (row[end + 1]) ++end;
      out += `M${x + 4} ${y + 4}h${end - x + 1}v1H${x + 4}z`;
      x = end;
    }
  });
  return out;
}
