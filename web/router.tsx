// Pages have addresses of their own below /console/; all of them are the same document.
import { type AnchorHTMLAttributes, type MouseEvent, type ReactNode, useSyncExternalStore } from "react";
import { type Place, placeOf, root } from "./place";

export { root, to, type Place } from "./place";

const listeners = new Set<() => void>();
let address = "";
let place: Place = { parts: [], query: new URLSearchParams(), hash: "" };

function now(): Place {
  const here = location.pathname + location.search + location.hash;
  if (here !== address) {
    address = here;
    place = placeOf(location.pathname, location.search, location.hash);
  }
  return place;
}

const tell = (): void => listeners.forEach((heard) => heard());

export function usePlace(): Place {
  return useSyncExternalStore((heard) => {
    listeners.add(heard);
    addEventListener("popstate", tell);
    return () => {
      listeners.delete(heard);
    };
  }, now);
}

/** Goes to another page; `instead`: without leaving a step to come back to. */
export function go(href: string, instead = false): void {
  history[instead ? "replaceState" : "pushState"](null, "", href);
  tell();
}

export interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  href: string;
  children?: ReactNode;
}

export function Link({ href, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    if (rest.target || rest.download !== undefined || !href.startsWith(root)) return;
    event.preventDefault();
    go(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
