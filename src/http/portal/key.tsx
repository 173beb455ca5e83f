// /portal/licenses/{id}/key: the key, and how to install it. Each view is recorded.
import { ownKey } from "../../licensing/portal/own.ts";
import { Problem } from "../../problems.ts";
import { Copyable } from "../ui/copyable.tsx";
import { Card } from "../ui/show.tsx";
import { Install } from "./install.tsx";
import type { Page } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";
import { trailTo } from "./parts.tsx";
import { idOf, type Visit } from "./visit.ts";

/** Another site must not make a browser fetch keys: it could not read them, but it would fill the record. */
function assertOwnVisit({ http }: Visit): void {
  if (http.req.header("sec-fetch-site") === "cross-site") {
    throw new Problem("FORBIDDEN", "Another site led here. Open the key from the license's page.");
  }
}

const keyPage: Page = {
  path: "/portal/licenses/{id}/key",
  access: "keys",
  async show(visit) {
    assertOwnVisit(visit);
    const { context } = visit;
    const { license, key } = await ownKey(context, idOf(visit));
    return {
      title: "License key",
      body: (
        <>
          <Heading trail={trailTo(license)} title="License key" lead={<code>{license.id}</code>} />
          <Card>
            <Copyable id="license-key" text={key} label="License key">
              <a class="button" href={`/portal/licenses/${license.id}/key/file`} download>
                Download as a file
              </a>
            </Copyable>
            <p class="hint">
              Treat it like a password: whoever has it can take your seats. It is recorded that you saw it.
            </p>
          </Card>
          <Install context={context} licenseKey={key} />
          <Card title="Public keys">
            <p>
              They verify what we sign, also without a network:{" "}
              <a href="/.well-known/jwks.json">{context.config.issuer}/.well-known/jwks.json</a>
            </p>
          </Card>
        </>
      ),
    };
  },
};

const keyFile: Page = {
  path: "/portal/licenses/{id}/key/file",
  access: "keys",
  async show(visit) {
    assertOwnVisit(visit);
    const { context, http } = visit;
    const { license, key } = await ownKey(context, idOf(visit));
    return http.body(`${key}\n`, 200, {
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Disposition": `attachment; filename="${license.id}.license-key.txt"`,
    });
  },
};

export const keyDoors = [keyPage, keyFile];
