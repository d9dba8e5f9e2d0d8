// What an address of the console names, and the other way round.

export const root = "/console/";

export interface Place {
  /** The parts behind /console/, decoded: ["trail", "01M8…"]. */
  parts: string[];
  query: URLSearchParams;
  hash: string;
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** What an address of the console names. */
export function placeOf(path: string, search: string, hash: string): Place {
  const parts = path.startsWith(root) ? path.slice(root.length).split("/").filter(Boolean).map(decoded) : [];
  return { parts, query: new URLSearchParams(search), hash: hash.replace(/^#/, "") };
}

/** The address of a page: to("trail", id, { q: "x" }). */
export function to(page: string, ...rest: (string | number | Record<string, string | undefined>)[]): string {
  let address = root + page;
  const query = new URLSearchParams();
  for (const one of rest) {
    if (typeof one === "object") {
      for (const [name, value] of Object.entries(one)) if (value) query.set(name, value);
    } else {
      address += `/${encodeURIComponent(one)}`;
    }
  }
  const text = query.toString();
  return text ? `${address}?${text}` : address;
}
