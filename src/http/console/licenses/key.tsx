// /admin/licenses/{id}/key: the key itself. Each view is recorded.
import { revealLicenseKey } from "../../../licensing/licenses/lifecycle.ts";
import { getLicense, getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { Problem } from "../../../problems.ts";
import { licenseView } from "./view.tsx";
import type { Page } from "../mount.tsx";
import { Copyable } from "../../ui/copyable.tsx";
import { Card, formatEnd } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

type Held = Awaited<ReturnType<typeof getLicenseAndCustomer>>;

/** What the form that led here did. */
function doneOf({ context, query }: Visit, { customer }: Held): string | undefined {
  const done: Record<string, string> = {
    issued: "The license is issued. This is its key.",
    mailed:
      context.config.mail.apiKey === null
        ? `The license is issued, and the mail to ${customer.email} is written. It is not sent: sending is not configured here.`
        : `The license is issued, and its key is on its way to ${customer.email}.`,
    reissued: "The key is replaced. This is the new one; the old one is refused from now on.",
  };
  return done[query["done"] ?? ""];
}

/** Another site must not make a browser fetch keys: it could not read them, but it would fill the record. */
function assertOwnVisit({ http }: Visit): void {
  if (http.req.header("sec-fetch-site") === "cross-site") {
    throw new Problem("FORBIDDEN", "Another site led here. Open the key from the license's page.");
  }
}

export const licenseKeyDoors: Page[] = [
  {
    path: "/admin/licenses/{id}/key",
    access: "keys",
    async show(visit) {
      assertOwnVisit(visit);
      const { context, params, query, can } = visit;
      const id = params["id"] ?? "";
      const [held, key] = await Promise.all([
        getLicenseAndCustomer(context, id),
        revealLicenseKey(context, id),
      ]);
      const { expires_at } = held.license;
      return licenseView(
        held,
        {
          title: "License key",
          lead: expires_at === null ? "perpetual" : `last day ${formatEnd(expires_at)}`,
          done: doneOf(visit, held),
        },
        <Card>
          <Copyable id="license-key" text={key} label="License key">
            <a class="button" href={`/admin/licenses/${id}/key/file`} download>
              Download as a file
            </a>
            {/* Sent once is enough. */}
            {can("licenses") && query["done"] !== "mailed" ? (
              <a class="button" href={`/admin/licenses/${id}/send`} data-dialog>
                Send by mail
              </a>
            ) : null}
            <a class="button quiet" href={`/admin/licenses/${id}`}>
              Go to the license
            </a>
          </Copyable>
          <p class="hint">
            Anyone who has the key can take the license’s seats. It is recorded that you saw it.
          </p>
        </Card>,
      );
    },
  },
  {
    path: "/admin/licenses/{id}/key/file",
    access: "keys",
    async show(visit) {
      assertOwnVisit(visit);
      const { context, http, params } = visit;
      const { id } = await getLicense(context, params["id"] ?? "");
      return http.body(`${await revealLicenseKey(context, id)}\n`, 200, {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Disposition": `attachment; filename="${id}.license-key.txt"`,
      });
    },
  },
];
