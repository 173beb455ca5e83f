import { describe, expect, it } from "vitest";
import { DEFAULT_BRAND } from "../../src/field/brand.ts";
import {
  type LicenseFacts,
  type Notice,
  render as renderIn,
  type When,
} from "../../src/notices/templates/index.ts";
import { END, facts as factsOf, KEY } from "./facts.ts";

const render = (input: Notice) => renderIn({ language: "en", brand: DEFAULT_BRAND, input });

const THROUGH = "through 31 January 2027";
const GRACE_THROUGH = "through 14 February 2027";

const facts = (changes: Partial<LicenseFacts> = {}): LicenseFacts =>
  factsOf({ license_id: "lic_1", ...changes });

const NO_GRACE = { grace_until: END };
const PERPETUAL = { expires_at: null, grace_until: null };

const delivery = (changes: Partial<LicenseFacts> = {}): Notice => ({
  kind: "license_delivery",
  licenses: [{ facts: facts(changes), license_key: KEY }],
});
const renewed = (changes: Partial<LicenseFacts> = {}): Notice => ({
  kind: "license_renewed",
  licenses: [{ facts: facts(changes), license_key: KEY }],
});
const warning = (when: When, changes: Partial<LicenseFacts> = {}): Notice => ({
  kind: "expiry_warning",
  licenses: [{ facts: facts(changes), when }],
});
const expired = (changes: Partial<LicenseFacts> = {}): Notice => ({
  kind: "license_expired",
  licenses: [{ facts: facts(changes) }],
});
type Digest = Extract<Notice, { kind: "admin_digest" }>;
const digest = (changes: Partial<Digest> = {}): Digest => ({
  kind: "admin_digest",
  product: "CAIO",
  day: "2026-11-24",
  expiring: [],
  expired: [],
  bounced: [],
  failed: [],
  sender: null,
  faults: [],
  more: [],
  at_limit: [],
  jobs: [],
  unreachable: [],
  seal: null,
  ...changes,
});
const row = (customer_name: string, license_id = "lic_1") => ({ license_id, customer_name, expires_at: END });
const busy = (name = "Ada Price") =>
  digest({
    expiring: [row(name), row("Grace", "lic_2")],
    expired: [row(name, "lic_3")],
    bounced: [
      { to: "ada@acme.example", kind: "expiry_warning", license_id: null, customer_name: name, why: null },
    ],
    at_limit: [{ license_id: "lic_4", customer_name: name, active: 1200, max: 1200 }],
    unreachable: [row(name, "lic_5")],
    seal: { seal: 1_204, head: "0123456789abcdef".repeat(4) },
    jobs: [
      {
        job: "nightly",
        is: "failed",
        at: END,
        steps: ["seal"],
        why: "Nothing was sealed.",
        runbook: "docs/operations/broken-seals.md",
      },
      {
        job: "deliveries",
        is: "late",
        at: null,
        steps: [],
        why: null,
        runbook: "docs/operations/night-did-not-run.md",
      },
    ],
  });

const VARIANTS: [name: string, notice: Notice][] = [
  ["delivery", delivery()],
  ["delivery of a perpetual license", delivery(PERPETUAL)],
  ["delivery without grace", delivery(NO_GRACE)],
  ["renewal", renewed()],
  ["renewal to a perpetual license", renewed(PERPETUAL)],
  ["warning", warning({ in: 30 })],
  ["warning without grace", warning("tomorrow", NO_GRACE)],
  ["expired, in grace", expired()],
  ["expired, stopped", expired(NO_GRACE)],
  ["digest", busy()],
  ["digest of a quiet day", digest()],
];

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&amp;": "&",
};
const flat = (text: string) => text.replaceAll(/\s+/g, " ");
/** What a reader sees of the HTML. */
const seen = (html: string) =>
  flat(
    html
      .replace(/^.*<body/s, "<body")
      .replaceAll(/<\/?(?:bdi|code|strong|a|span)\b[^>]*>/g, "")
      .replaceAll(/<[^>]+>/g, " ")
      .replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity] ?? entity),
  );

/** Expects each of `said` in both twins, and none of `unsaid` in either. */
async function expectSaid(notice: Notice, said: string[], unsaid: string[] = []) {
  const { html, text } = await render(notice);
  for (const twin of [seen(html), flat(text)]) {
    for (const words of said) expect(twin).toContain(words);
    for (const words of unsaid) expect(twin).not.toContain(words);
  }
}

describe("what a mail says, in HTML and in text alike", () => {
  const INSTALL = ["Put the attached file where CAIO reads its license", "Start CAIO.", "over HTTPS"];
  it.each<[string, Notice, string[], string[]]>([
    [
      "delivery",
      delivery(),
      [
        "Hello Ada Price,",
        "Acme",
        "lic_1",
        "professional",
        THROUGH,
        GRACE_THROUGH,
        "unlimited",
        "250,000",
        "orchestration, api",
        KEY,
        ...INSTALL,
        "request file",
        "licensing@vendor.example",
      ],
      ["perpetual"],
    ],
    ["a perpetual license", delivery(PERPETUAL), ["perpetual"], ["Grace", "UTC", "through"]],
    ["without grace", delivery(NO_GRACE), [THROUGH], ["Grace"]],
    ["without features or company", delivery({ features: [], company: null }), ["none beyond"], ["Company"]],
    [
      "renewal",
      renewed(),
      [`now valid ${THROUGH}`, GRACE_THROUGH, "nothing to do", "next check-in", KEY],
      [],
    ],
    ["renewal for good", renewed(PERPETUAL), ["It no longer expires.", KEY], ["grace", "UTC"]],
    [
      "warning",
      warning({ in: 30 }),
      [
        "expires in 30 days",
        "30 days left",
        THROUGH,
        `${GRACE_THROUGH}; then it stops`,
        "Reply to this mail",
      ],
      ["no grace period", KEY],
    ],
    ["a day before", warning("tomorrow"), ["expires tomorrow", "Expires tomorrow"], ["1 day"]],
    ["two days before", warning({ in: 2 }), ["expires in 2 days", "2 days left"], []],
    ["on the day", warning("today"), ["expires today at 12:00 UTC", "Expires today at 12:00 UTC"], ["0 day"]],
    ["warning without grace", warning({ in: 7 }, NO_GRACE), ["no grace period", "stops then"], ["goes on"]],
    ["expired, in grace", expired(), [`was valid ${THROUGH}`, `Grace ${GRACE_THROUGH}`, "How to renew"], []],
    ["expired, stopped", expired(NO_GRACE), [THROUGH, "CAIO has stopped", "How to renew"], ["Grace through"]],
    [
      "digest",
      busy(),
      [
        "24 November 2026",
        "Expiring (2)",
        "Expired (1)",
        "bounced (1)",
        "At the limit (1)",
        "address (1)",
        "lic_2",
        "lic_3",
        "ada@acme.example",
        "expiry warning",
        "1,200 of 1,200 instances",
        "ends 31 January 2027",
      ],
      ["All clear"],
    ],
    ["a quiet day", digest(), ["All clear"], ["Expiring", "(0)"]],
    [
      "a sender at fault while nothing waits",
      digest({ sender: { fault: "MAIL_FROM cannot be used", since: null, waiting: 0 } }),
      ["MAIL_FROM cannot be used."],
      ["0 message"],
    ],
    [
      "a sender at fault while one message waits",
      digest({ sender: { fault: "MAIL_FROM cannot be used", since: null, waiting: 1 } }),
      ["MAIL_FROM cannot be used. 1 message waits."],
      [],
    ],
    [
      "one section only",
      digest({ unreachable: [row("Ada")] }),
      ["address (1)", "lic_1"],
      ["Expir", "bounced", "At the limit", "All clear"],
    ],
  ])("%s", (_, notice, said, unsaid) => expectSaid(notice, said, unsaid));

  it.each([
    [delivery(), "Your CAIO license: professional lic_1"],
    [renewed(), "Your CAIO license is renewed: professional lic_1"],
    [warning({ in: 14 }), "Your CAIO license expires in 14 days: professional lic_1"],
    [warning("tomorrow"), "Your CAIO license expires tomorrow: professional lic_1"],
    [expired(), "Your CAIO license has expired: professional lic_1"],
    [digest(), "CAIO licenses, 24 November 2026: all clear"],
    [digest({ expired: [row("A"), row("B")] }), "CAIO licenses, 24 November 2026: 2 expired"],
  ])("subject of %#: %s", async (notice, subject) => {
    expect((await render(notice)).subject).toBe(subject);
  });

  it("counts a long list in full and shows its beginning", async () => {
    const expiring = Array.from({ length: 1_060 }, (_, n) => row("Ada", `lic_number_${n + 1}.`));
    await expectSaid(
      digest({ expiring }),
      ["(1,060)", "lic_number_50.", "and 1,010 more"],
      ["lic_number_51."],
    );
  });
});

describe("the license key", () => {
  it.each([delivery(), renewed()])(
    "stands alone on a line of the text, and is attached: %#",
    async (notice) => {
      const { text, html, attachments } = await render(notice);
      expect(text.split("\n")).toContain(KEY);
      expect(html).toContain(`>${KEY}</div>`);
      expect(attachments).toEqual([{ filename: "professional-Ada-Price.license", content: KEY }]);
    },
  );

  it.each([
    ["Müller & Söhne GmbH", "professional-Muller-Sohne-GmbH.license"],
    ['../../etc/"passwd"\r\nX: y', "professional-etc-passwd-X-y.license"],
    ["שלום", "professional-lic_1.license"],
    ["a".repeat(200), `professional-${"a".repeat(60)}.license`],
  ])("of %j is attached as %s", async (customer_name, filename) => {
    expect((await render(delivery({ customer_name }))).attachments[0]?.filename).toBe(filename);
  });

  it.each([warning({ in: 7 }), expired(), busy()])("is in no other mail: %#", async (notice) => {
    expect((await render(notice)).attachments).toEqual([]);
  });
});

describe("what comes from data", () => {
  const NAME = `<img src="x" onerror='a()'>&amp;\r\nBcc: b@c.example\u2028\u202e\u2069end`;
  const ONE_LINE = `<img src="x" onerror='a()'>&amp; Bcc: b@c.example end`;
  const hostile = { customer_name: NAME, company: NAME, product: NAME, license_type: NAME, license_id: NAME };

  it.each<[string, Notice]>([
    ["delivery", delivery({ ...hostile, features: [NAME], contact: NAME })],
    ["renewal", renewed({ ...hostile, contact: NAME })],
    ["warning", warning({ in: 7 }, hostile)],
    ["expired", expired(hostile)],
    ["digest", { ...busy(NAME), product: NAME, day: NAME }],
  ])("is escaped and on one line: %s", async (_, notice) => {
    const { subject, html, text } = await render(notice);
    expect(html).not.toContain("<img");
    expect(html).toContain(
      "&lt;img src=&quot;x&quot; onerror=&#39;a()&#39;&gt;&amp;amp; Bcc: b@c.example end",
    );
    expect(seen(html)).toContain(ONE_LINE);
    expect(flat(text)).toContain(ONE_LINE);
    expect(subject).toContain(ONE_LINE);
    expect(subject).not.toMatch(/[\p{Cc}\u2028\u202e\u2069]/u);
    expect(html + text).not.toMatch(/[\r\u2028\u202e]/);
  });

  it("keeps its own direction and leaves that of the rest alone", async () => {
    const { html, text } = await render(delivery({ customer_name: "\u202eשלום עולם" }));
    expect(html).toContain("Hello <bdi>שלום עולם</bdi>,");
    expect(text).toContain("Hello \u2068שלום עולם\u2069,");
  });

  it("a contact that is no plain address is text, not a link", async () => {
    for (const contact of [
      "Sales desk, +1 555 0100",
      "a@b.example?bcc=c@d.example",
      "javascript:a@b.example",
    ]) {
      const { html } = await render(warning({ in: 7 }, { contact }));
      expect(html).not.toContain("href=");
      expect(seen(html)).toContain(contact);
    }
  });

  it("a contact in another script is shown as it is, and its link goes to the ASCII form", async () => {
    const { html, text } = await render(warning({ in: 7 }, { contact: "hilfe@bücher.example" }));
    expect(html).toContain('href="mailto:hilfe@xn--bcher-kva.example"');
    expect(seen(html)).toContain("hilfe@bücher.example");
    expect(text).toContain("hilfe@bücher.example");
  });

  it("half of a surrogate pair does no harm", async () => {
    const { html, text } = await render(
      warning({ in: 7 }, { customer_name: "A\ud800", license_id: "lic\udc00" }),
    );
    expect((html + text).isWellFormed()).toBe(true);
  });
});

describe.each(VARIANTS)("every mail: %s", (_, notice) => {
  it("loads nothing and runs nothing", async () => {
    const { html } = await render(notice);
    expect(html).not.toMatch(
      /\bsrc=|url\(|@import|<(?:script|img|link|iframe|object|form)\b|\son\w+=|https?:\/\//i,
    );
    for (const [, href] of html.matchAll(/href="([^"]*)"/g)) expect(href).toMatch(/^mailto:/);
  });

  it("has a language, both themes, a preheader and layout that small screens can bend", async () => {
    const { html } = await render(notice);
    expect(html).toMatch(/^<!doctype html><html lang="en"/);
    expect(html).toContain("@media (prefers-color-scheme: dark)");
    expect(html).toContain("width:600px;max-width:100%");
    expect(html).toMatch(/<div class="hidden" style="display:none[^"]*">[^<]+<\/div>/);
    for (const [, rest = ""] of html.matchAll(/<(?:p|h1|h2|td|th|table|ol|li|a)\b([^>]*)>/g)) {
      if (!rest.includes("role=")) expect(rest).toContain("style=");
    }
  });

  it("has a text of short lines without markup", async () => {
    const { text } = await render(notice);
    expect(text).not.toMatch(/<\/?[a-z]+[ >]|&(?:amp|lt|gt|quot|#39);/);
    expect(text.split("\n").filter((line) => line.length > 72 && line !== KEY)).toEqual([]);
    expect(text).not.toMatch(/undefined|null|NaN|\[object|\n{3}/);
  });

  it("is the same to the byte each time, and leaves its notice as it was", async () => {
    const before = JSON.stringify(notice);
    expect(await render(JSON.parse(before) as Notice)).toEqual(await render(notice));
    expect(JSON.stringify(notice)).toBe(before);
  });
});
