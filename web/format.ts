// How numbers and times are written. Times are the server's, in UTC.

export const count = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** "1 message", "3 messages", "1,812 messages". */
export const plural = (n: number, one: string, many = one + "s"): string => `${count(n)} ${n === 1 ? one : many}`;

/** Octets for people: "812 octets", "1.1 MiB", "412 GiB". */
export function size(octets: number): string {
  if (octets < 1024) return plural(octets, "octet");
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    ++unit;
  } while (value >= 1023.5 && unit < units.length - 1);
  const whole = value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.round(value));
  return `${whole} ${units[unit]}`;
}

/** Octets from what a person writes: "500MiB", "2G", "0"; null when it is none. */
export function readSize(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b|octets?)?\s*$/i.exec(text);
  if (!match) return null;
  const power = match[2] ? "kmgt".indexOf(match[2].toLowerCase()) + 1 : 0;
  const octets = Math.round(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(octets) ? octets : null;
}

/** A length of time in its two largest units: "18 h 4 min", "31 min", "4 s", "9 days". */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  if (days < 3 && hours % 24) return `${plural(days, "day")} ${hours % 24} h`;
  return plural(days, "day");
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const two = (n: number): string => String(n).padStart(2, "0");

/** "10:24", with seconds "8:02:14". */
export function clock(time: Date, seconds = false): string {
  const text = `${time.getUTCHours()}:${two(time.getUTCMinutes())}`;
  return seconds ? `${text}:${two(time.getUTCSeconds())}` : text;
}

/** "3 March", of another year "3 March 2025". */
export function day(time: Date, now: Date): string {
  const text = `${time.getUTCDate()} ${months[time.getUTCMonth()]}`;
  return time.getUTCFullYear() === now.getUTCFullYear() ? text : `${text} ${time.getUTCFullYear()}`;
}

/** "Tuesday 24 November, 10:24 UTC": the moment that a page is of. */
export const moment = (time: Date): string =>
  `${longDays[time.getUTCDay()]} ${time.getUTCDate()} ${months[time.getUTCMonth()]}, ${clock(time)} UTC`;

const dayNumber = (time: Date): number => Math.floor(time.getTime() / 86_400_000);

/** Today "10:24", within six days "Mon 18:05", else "3 March"; of another year with the year. */
export function when(time: Date, now: Date, seconds = false): string {
  const apart = dayNumber(time) - dayNumber(now);
  if (apart === 0) return clock(time, seconds);
  if (Math.abs(apart) <= 6) return `${days[time.getUTCDay()]} ${clock(time, seconds)}`;
  return day(time, now) + (seconds ? `, ${clock(time)}` : "");
}

/** "in 13 minutes", "2 h 4 min ago", "now". */
export function apart(time: Date, now: Date): string {
  const away = time.getTime() - now.getTime();
  if (Math.abs(away) < 1000) return "now";
  return away > 0 ? `in ${span(away)}` : `${span(-away)} ago`;
}

/** A share in per cent, for people: 0.4 is "under 1 %", 99.7 is "99.7 %". */
export function share(part: number, whole: number): string {
  if (whole <= 0) return "none";
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 1) return "under 1 %";
  return percent >= 95 && percent < 100
    ? `${(Math.floor(percent * 10) / 10).toFixed(1)} %`
    : `${Math.round(percent)} %`;
}

/** The smallest round number that is not below n: 1, 2, 5, 10, 20, 50 ...: where a plot ends. */
export function ceiling(n: number): number {
  let step = 1;
  for (;;) {
    for (const factor of [1, 2, 5]) if (step * factor >= n) return step * factor;
    step *= 10;
  }
}

/** "ann, bob and 3 more". */
export function named(names: readonly string[], most = 3): string {
  if (names.length <= 1) return names[0] ?? "nobody";
  if (names.length > most) return `${names.slice(0, most - 1).join(", ")} and ${names.length - most + 1} more`;
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

/**
 * A cursor from which on a list begins with the first name that has this beginning, or the next one: as near
 * below it as text gets.
 */
export function justBefore(beginning: string): string {
  const points = [...beginning];
  const last = points.pop()?.codePointAt(0);
  if (last === undefined || last === 0) return "";
  return points.join("") + String.fromCodePoint(last === 0xe000 ? 0xd7ff : last - 1) + "\u{10ffff}";
}
