import type { Me } from "../api";
import type { Place } from "../router";

/** What every page is given. `reloadMe` asks again who asks. */
export interface PageProps {
  me: Me;
  place: Place;
  reloadMe: () => Promise<void>;
}
