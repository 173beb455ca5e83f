// Every page and form of the customer's site, mounted on an application of its own, which is loaded when it is first
// called.
import { brandSheet } from "../ui/brand-sheet.ts";
import { failedPage } from "../ui/refusal.tsx";
import { surface } from "../surface.ts";
import { airGapDoors } from "./air-gap.tsx";
import { contactDoors } from "./contacts.tsx";
import { happenedDoors } from "./happened.tsx";
import { statementPage } from "./statement.tsx";
import { freeSeatForm } from "./free-seat.tsx";
import { keyDoors } from "./key.tsx";
import { licensePage } from "./license.tsx";
import { licenseList } from "./licenses.tsx";
import { type Door, guarded, mountSite } from "./mount.tsx";
import { requestsForm } from "./requests.tsx";
import { mountSignIn } from "./sign-in.tsx";

export const doors: Door[] = [
  licenseList,
  licensePage,
  ...keyDoors,
  freeSeatForm,
  ...airGapDoors,
  requestsForm,
  ...contactDoors,
  ...happenedDoors,
  statementPage,
];

const pages = surface(
  failedPage("/portal", "Your installations go on with what they have. Try again in a few minutes."),
);
pages.get(
  "/portal/brand.css",
  guarded("/portal/brand.css", (http) =>
    http.body(brandSheet(http.get("context").config.brand.color), 200, {
      "Content-Type": "text/css; charset=utf-8",
      "Cache-Control": "public, max-age=86400",
    }),
  ),
);
mountSignIn(pages);
mountSite(pages, doors);

/** Answers what is under /portal. */
export const answer = pages.fetch;
