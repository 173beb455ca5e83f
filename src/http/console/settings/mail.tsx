// /admin/settings/mail: how mail is sent, and the latest not delivered.
import { listMessages, presentMessage } from "../../../notices/messages.ts";
import { Heading } from "../../ui/heading.tsx";
import { senderFault } from "../../../notices/sender.ts";
import { messageColumns, SenderNote } from "../messages/list.tsx";
import type { Page } from "../mount.tsx";
import { Badge, Card, Facts, Table } from "../../ui/show.tsx";
import { AllPreviews, PREVIEW } from "./mail-preview.tsx";
import { SETTINGS } from "./settings.tsx";

const TROUBLES = ["failed", "bounced", "pending", "skipped"] as const;

const LATEST = 5;

const mail: Page = {
  path: "/admin/settings/mail",
  access: "read",
  async show({ context, now }) {
    const { brand } = context.config;
    const { from, replyTo, staff, apiKey, heldBy, ratePerSecond, webhookSecret } = context.config.mail;
    const [fault, ...pages] = await Promise.all([
      senderFault(context),
      ...TROUBLES.map((status) => listMessages(context, { limit: LATEST }, { status })),
    ]);
    return {
      title: "Mail and brand",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="Mail and brand"
            actions={
              <>
                <a class="button" href="/admin/messages">
                  All messages
                </a>
              </>
            }
          />
          <SenderNote fault={fault} />
          {context.config.faults.length > 0 ? (
            <p class="note warn">
              The configuration has faults: {context.config.faults.join("; ")}. The service goes on without
              these; mend them in the deployment.
            </p>
          ) : null}
          {apiKey === null && heldBy === null ? (
            <p class="note warn">
              Sending is not configured: mail is written and shown here, but not sent. The deployment needs
              the secret <code>RESEND_API_KEY</code>.
            </p>
          ) : null}
          <Card title="Configuration">
            <Facts
              rows={[
                [
                  "Sending",
                  heldBy !== null || fault !== null ? (
                    <Badge tone="stop">held</Badge>
                  ) : apiKey === null ? (
                    <Badge tone="warn">not configured</Badge>
                  ) : (
                    <Badge tone="good">on</Badge>
                  ),
                ],
                ["Sender", from ?? "none that can be used"],
                ["Replies go to", replyTo ?? "the sender"],
                ["Staff who get the digest", staff.length > 0 ? staff.join(", ") : "nobody"],
                ["Rate", `${ratePerSecond} per second`],
                [
                  "Receipts",
                  webhookSecret === null ? (
                    <Badge tone="warn">not accepted: no webhook secret</Badge>
                  ) : (
                    <Badge tone="good">accepted</Badge>
                  ),
                ],
              ]}
            />
          </Card>
          <Card title="Brand">
            <Facts
              rows={[
                ["Name", brand.name ?? context.config.productName],
                ["Logo", brand.logo && <code>{brand.logo}</code>],
                ["Color", <code>{brand.color}</code>],
                ["Questions go to", brand.support ?? replyTo ?? from ?? "nobody"],
                ["Footer", brand.footer.join(" · ") || null],
              ]}
            />
            <iframe
              title="A license’s mail in this brand"
              sandbox=""
              loading="lazy"
              src={`${PREVIEW}/body?kind=license_delivery`}
            ></iframe>
            <p class="hint">
              The variable <code>BRAND</code> of the deployment sets it: docs/configuration.md.
            </p>
          </Card>
          <Card title="Each mail in each language">
            <AllPreviews />
          </Card>
          <Card title="Latest not delivered">
            <Table
              caption="Latest messages not delivered"
              rows={pages.flatMap(({ data }) => data.map(presentMessage))}
              empty="None."
              columns={messageColumns(now)}
            />
            <p class="hint">
              Up to {LATEST} of each. All:{" "}
              {TROUBLES.map((status, index) => (
                <>
                  {index > 0 ? ", " : ""}
                  <a href={`/admin/messages?status=${status}`}>{status}</a>
                </>
              ))}
              .
            </p>
          </Card>
        </>
      ),
    };
  },
};

export const mailDoors = [mail];
