// The mails that bring a license key: the license as delivered, and as renewed.
import { type Block, heading, type Inline, type Letter, paragraph } from "./letter.ts";
import type { LicenseFacts, NoticeOf } from "./notice.ts";
import { instantInWords, licenseFilename, limit } from "./words.ts";

/** When grace ends, or null if the license has none. */
export const graceEnd = ({ expires_at, grace_until }: LicenseFacts): number | null =>
  expires_at !== null && grace_until !== null && grace_until > expires_at ? grace_until : null;

/** What each mail to a customer has: the sender, the recipient and the license. */
export const customerLetter = ({ product, customer_name, license_id, company, contact }: LicenseFacts) => ({
  sender: `${product} Licensing`,
  greeting: paragraph("Hello ", { name: customer_name }, ","),
  footer: [
    "This mail is about license ",
    { code: license_id },
    " of ",
    { name: company ?? customer_name },
    ". Questions? Reply to it, or get in touch with ",
    { contact },
    ".",
  ] satisfies Inline[],
});

/** What the license covers, one fact per line. */
function covers(facts: LicenseFacts): Block {
  const { license_id, license_type, company, expires_at, features } = facts;
  const grace = graceEnd(facts);
  return {
    kind: "facts",
    facts: [
      ["License", { code: license_id }],
      ...(company === null ? [] : [["Company", { name: company }] satisfies [string, Inline]]),
      ["License type", license_type],
      ["Valid until", expires_at === null ? "perpetual, it does not expire" : instantInWords(expires_at)],
      ...(grace === null ? [] : [["Grace until", instantInWords(grace)] satisfies [string, Inline]]),
      ["Instances", limit(facts.max_instances)],
      ["Services", limit(facts.max_services)],
      ["Requests a day", limit(facts.max_requests_per_day)],
      ["Features", features.length === 0 ? "none beyond the basics" : features.join(", ")],
    ],
  };
}

const offline = ({ product, contact }: LicenseFacts): Block =>
  paragraph(
    { strong: "No network there? " },
    `Let ${product} write a request file and send it to `,
    { contact },
    ". You get a file back that activates the installation without a connection.",
  );

const filenameOf = ({ license_type, customer_name, license_id }: LicenseFacts): string =>
  licenseFilename(license_type, customer_name, license_id);

export function deliveryLetter({ licenses: [{ facts, license_key }] }: NoticeOf<"license_delivery">): Letter {
  const { product, license_type, expires_at } = facts;
  const { greeting, ...common } = customerLetter(facts);
  const filename = filenameOf(facts);
  const validity =
    expires_at === null ? "It does not expire." : `It is valid until ${instantInWords(expires_at)}.`;
  return {
    ...common,
    subject: `Your ${product} license: ${license_type}`,
    preheader: `Your license key and how to install it in three short steps. ${validity}`,
    title: `Your ${product} license`,
    tone: "info",
    blocks: [
      greeting,
      paragraph(
        `Here is your ${product} license. The key is below and in the attached file `,
        { code: filename },
        ".",
      ),
      heading("What it covers"),
      covers(facts),
      heading("Your license key"),
      { kind: "key", key: license_key },
      paragraph("Treat it like a password: whoever has it can activate instances in your place."),
      heading("How to install it"),
      {
        kind: "steps",
        steps: [
          [
            `Put the attached file where ${product} reads its license, or paste the key into the licensing page of ${product}.`,
          ],
          [`Start ${product}.`],
          ["That is all: it activates by itself over HTTPS."],
        ],
      },
      offline(facts),
    ],
    attachments: [{ filename, content: license_key }],
  };
}

export function renewedLetter({ licenses: [{ facts, license_key }] }: NoticeOf<"license_renewed">): Letter {
  const { product, expires_at } = facts;
  const { greeting, ...common } = customerLetter(facts);
  const filename = filenameOf(facts);
  const grace = graceEnd(facts);
  const until =
    expires_at === null ? "It no longer expires." : `It is now valid until ${instantInWords(expires_at)}.`;
  return {
    ...common,
    subject: `Your ${product} license is renewed`,
    preheader: `${until} Connected installations need nothing from you.`,
    title: `Your ${product} license is renewed`,
    tone: "good",
    blocks: [
      greeting,
      paragraph("Thank you for staying with us."),
      {
        kind: "callout",
        headline: until,
        words: grace === null ? [] : [`With grace after that until ${instantInWords(grace)}.`],
      },
      heading("Connected installations"),
      paragraph("There is nothing to do: they get the new key by themselves at their next check-in."),
      heading("All other installations"),
      paragraph(
        "The new key is below and in the attached file ",
        { code: filename },
        `. Put it in place of the old one, or paste it into the licensing page of ${product}.`,
      ),
      { kind: "key", key: license_key },
      offline(facts),
      heading("What it covers"),
      covers(facts),
    ],
    attachments: [{ filename, content: license_key }],
  };
}
