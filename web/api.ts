// The API as the console sees it: the one function that asks, and how what went wrong is told.

export * from "./shapes";
export * from "./shapes_server";

/** A problem of RFC 9457, or what stands for one when no server answered. */
export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  advice?: string;
  field?: string;
  /** Seconds until it may be asked again. */
  after?: number;
  /** "PATCH /v1/accounts/ann@example.org" */
  asked: string;
}

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

export const asProblem = (error: unknown, asked = ""): Problem =>
  error instanceof ApiError
    ? error.problem
    : { status: 0, code: "no_connection", title: "No connection", detail: "The server does not answer.", asked };

/** Whether this server does not have that action, or not for who asks. */
export const lacks = (problem: Problem | undefined): boolean =>
  problem !== undefined && [403, 404, 405, 501].includes(problem.status);

export const lost = (problem: Problem | undefined): boolean => problem?.code === "no_connection";

/** A name as one part of a path: "/" is "~1" and "~" is "~0" (docs/api.md). */
export const part = (name: string | number): string =>
  encodeURIComponent(String(name).replace(/~/g, "~0").replace(/\//g, "~1"));

export type Query = Record<string, string | number | boolean | null | undefined>;

/** A path with its query; what is undefined, null, empty or false is left out, true is 1. */
export function at(path: string, query: Query = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
    .map(([name, value]) => `${name}=${encodeURIComponent(value === true ? "1" : String(value))}`);
  return parts.length > 0 ? `${path}?${parts.join("&")}` : path;
}

// ---- Asking ----

let skew = 0;
/** What the server's clock says, as far as its answers told. */
export const serverNow = (): Date => new Date(Date.now() + skew);

let onLogout: (() => void) | undefined;
/** Who is told when the session has ended. */
export const whenLoggedOut = (heard: () => void): void => void (onLogout = heard);

export interface Answered<T> {
  body: T;
  etag: string | null;
}

export interface Asking {
  body?: unknown;
  etag?: string | null;
  signal?: AbortSignal;
  /** A page that logs in itself is not told that nobody is logged in. */
  quiet?: boolean;
}

function problemOf(text: string, response: Response, asked: string): Problem {
  let said: Partial<Problem> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed && typeof parsed === "object") said = parsed as Partial<Problem>;
  } catch {
    // Not ours: a proxy's page, whose words say nothing here.
  }
  const after = Number(response.headers.get("Retry-After"));
  return {
    status: response.status,
    code: said.code ?? `status ${response.status}`,
    title: said.title ?? response.statusText,
    detail: said.detail ?? `The server answered ${response.status}.`,
    ...(said.advice ? { advice: said.advice } : {}),
    ...(said.field ? { field: said.field } : {}),
    ...(after > 0 ? { after } : {}),
    asked,
  };
}

/** Asks the server. Throws ApiError; an AbortError when `signal` gave it up. */
export async function ask<T>(method: string, path: string, asking: Asking = {}): Promise<Answered<T>> {
  const asked = `${method} ${path.split("?")[0]}`;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (asking.body !== undefined) headers["Content-Type"] = "application/json";
  if (asking.etag) headers["If-Match"] = asking.etag;
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      ...(asking.body !== undefined ? { body: JSON.stringify(asking.body) } : {}),
      ...(asking.signal ? { signal: asking.signal } : {}),
    });
    text = await response.text();
  } catch (error) {
    if (asking.signal?.aborted) throw error;
    throw new ApiError(asProblem(error, asked));
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  // The header has whole seconds: smaller differences say nothing.
  if (!Number.isNaN(date) && Math.abs(date - Date.now()) > 2000) skew = date - Date.now();
  else if (!Number.isNaN(date)) skew = 0;
  if (!response.ok) {
    const problem = problemOf(text, response, asked);
    if (problem.status === 401 && !asking.quiet) onLogout?.();
    throw new ApiError(problem);
  }
  try {
    return { body: (text ? JSON.parse(text) : {}) as T, etag: response.headers.get("ETag") };
  } catch {
    throw new ApiError({
      status: 502,
      code: "no JSON",
      title: "Not understood",
      detail: "What answered is not this server.",
      asked,
    });
  }
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await ask<T>("GET", path, signal ? { signal } : {})).body;

export const act = async <T>(method: string, path: string, body?: unknown, etag?: string | null): Promise<T> =>
  (await ask<T>(method, path, { body, etag: etag ?? null })).body;

/** Text that is not JSON, at most `most` characters of it; and whether there is more. */
export async function getText(
  path: string,
  most: number,
  signal?: AbortSignal,
): Promise<{ text: string; more: boolean }> {
  let response: Response;
  let whole: string;
  try {
    response = await fetch(path, { credentials: "same-origin", redirect: "error", ...(signal ? { signal } : {}) });
    whole = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(asProblem(error, `GET ${path}`));
  }
  if (!response.ok) throw new ApiError(problemOf(whole, response, `GET ${path}`));
  return { text: whole.slice(0, most), more: whole.length > most };
}
