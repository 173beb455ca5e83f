// /admin/brand.css: the vendor's color. A logo from elsewhere is left out: the console loads nothing that is not its own.
import { brandSheet } from "../ui/brand-sheet.ts";
import type { Page } from "./mount.tsx";

export const brand: Page = {
  path: "/admin/brand.css",
  access: "read",
  show: ({ http, context }) =>
    Promise.resolve(
      http.body(brandSheet(context.config.brand.color), 200, {
        "Content-Type": "text/css; charset=utf-8",
        "Cache-Control": "private, max-age=86400",
      }),
    ),
};
