import { describe, expect, it } from "vitest";
import { type Brand, DEFAULT_BRAND, readBrand } from "../../src/field/brand.ts";
import { contrast, READABLE } from "../../src/kernel/contrast.ts";
import { DAY, HOUR } from "../../src/kernel/dates.ts";
import { type Language, LANGUAGES } from "../../src/kernel/languages.ts";
import {
  type EndingPart,
  type LicenseFacts,
  type Notice,
  render as renderWith,
  type Rendered,
  type Several,
  type When,
} from "../../src/notices/templates/index.ts";
import { styleFor } from "../../src/notices/templates/style.ts";
import { fill, fillText, speak } from "../../src/notices/templates/words.ts";
import { END, facts, KEY } from "./facts.ts";

const OTHER: Partial<LicenseFacts> = {
  license_id: "lic_01KB6Y3QF5V9N8X2W4T7J0QQ7Z",
  license_type: "enterprise",
  expires_at: END + 9 * DAY + HOUR,
  grace_until: null,
};

/** All that a customer wants to know of. */
const CHANGES = {
  license_type: { from: "trial", to: "professional" },
  starts_at: { from: null, to: END - 30 * DAY - HOUR },
  expires_at: { from: END - 9 * DAY, to: END },
  grace_days: { from: 1, to: 14 },
  features: { from: [], to: ["orchestration", "api"] },
  max_instances: { from: 3, to: 5 },
  max_services: { from: 10, to: null },
  max_requests_per_day: { from: 1_000, to: 250_000 },
  updates_until: { from: null, to: END - 5 * DAY },
};

const TO_NULL = {
  starts_at: { from: END - 30 * DAY - HOUR, to: null },
  expires_at: { from: END, to: null },
  features: { from: ["api"], to: [] },
};

const PARTS: [EndingPart, EndingPart] = [
  { name: "GPUs", value: 8_000, unit: null, until: END, when: { in: 7 } },
  { name: "SSO", value: true, unit: null, until: END + 9 * DAY + HOUR, when: "tomorrow" },
];

/** Every kind of mail to a customer, about one license and about two. */
const notices = (changes: Partial<LicenseFacts> = {}): [name: string, notice: Notice][] => {
  const one = { facts: facts(changes), license_key: KEY, when: { in: 7 } };
  const two = { facts: facts({ ...OTHER, ...changes }), license_key: KEY, when: "tomorrow" as const };
  const stopped = {
    facts: facts({ ...changes, grace_until: null }),
    license_key: KEY,
    when: "today" as const,
  };
  const perpetual = { facts: facts({ ...changes, expires_at: null, grace_until: null }), license_key: KEY };
  return [
    ["delivery", { kind: "license_delivery", licenses: [one] }],
    ["delivery, perpetual", { kind: "license_delivery", licenses: [perpetual] }],
    ["deliveries", { kind: "license_delivery", licenses: [one, two] }],
    ["renewal", { kind: "license_renewed", licenses: [one] }],
    ["renewal, perpetual", { kind: "license_renewed", licenses: [perpetual] }],
    ["renewals", { kind: "license_renewed", licenses: [one, two] }],
    [
      "change",
      { kind: "license_changed", licenses: [{ ...one, changes: CHANGES }], at: END - 40 * DAY - HOUR },
    ],
    [
      "change, to null",
      { kind: "license_changed", licenses: [{ ...perpetual, changes: TO_NULL }], at: END - HOUR },
    ],
    [
      "changes",
      {
        kind: "license_changed",
        licenses: [
          { facts: one.facts, changes: CHANGES },
          { facts: two.facts, changes: CHANGES },
        ],
        at: END - HOUR,
      },
    ],
    ["warning", { kind: "expiry_warning", licenses: [one] }],
    ["warning, no grace", { kind: "expiry_warning", licenses: [stopped] }],
    ["warnings", { kind: "expiry_warning", licenses: [one, two] }],
    ["part", { kind: "entitlement_expiring", licenses: [{ facts: one.facts, parts: PARTS }] }],
    [
      "parts",
      {
        kind: "entitlement_expiring",
        licenses: [
          { facts: one.facts, parts: PARTS },
          { facts: two.facts, parts: [PARTS[1]] },
        ],
      },
    ],
    ["end", { kind: "license_expired", licenses: [one] }],
    ["end, no grace", { kind: "license_expired", licenses: [stopped] }],
    ["ends", { kind: "license_expired", licenses: [one, two] }],
  ];
};

/** What the customer's site mails. */
const siteNotices = (changes: Partial<LicenseFacts> = {}): [name: string, notice: Notice][] => {
  const { product, customer_name: name, contact } = facts(changes);
  const company = facts(changes).company ?? "";
  const about = { product, name, contact, link: "https://x.example/portal" };
  const answer = { ...about, kind: "request_answered", asked: "seats", seats: 1_200, answer: name } as const;
  return [
    ["answer", { ...answer, status: "accepted" }],
    ["answer, declined", { ...answer, asked: "renewal", seats: null, status: "declined" }],
    ["answer, to a question", { ...answer, asked: "question", seats: null, status: "accepted" }],
    [
      "new contact",
      { ...about, kind: "contact_added", to: "Ada", company, by: name, email: "l@acme.example" },
    ],
    ["invitation", { ...about, kind: "contact_invited", company, by: name, days: 7 }],
    ["sign-in", { ...about, kind: "sign_in", minutes: 15 }],
  ];
};

const all = (changes?: Partial<LicenseFacts>) => [...notices(changes), ...siteNotices(changes)];

const render = (language: Language, input: Notice, brand: Brand = DEFAULT_BRAND): Promise<Rendered> =>
  renderWith({ language, brand, input });

const OTHERS = LANGUAGES.filter((language) => language !== "en");

/** Every text of a language by its place. A count stands for itself once, whatever forms it has. */
function textsOf(value: unknown, place = ""): [place: string, text: string][] {
  if (typeof value === "string") return [[place, value]];
  const counted = value as { one?: string; other?: string };
  if (counted.other !== undefined) return [[place, counted.other]];
  return Object.entries(value as object).flatMap(([name, part]) => textsOf(part, `${place}.${name}`));
}

const namesIn = (text: string): string[] =>
  [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).toSorted();

const unique = (names: string[]): string[] => [...new Set(names)];

describe("the texts", () => {
  const english = new Map(textsOf(speak("en").texts));
  /** What is written alike in several languages. */
  const ALIKE = new Set([".comma", ".colon", ".which"]);

  it.each(OTHERS)("in %s have all that the English ones have, and nothing in English", (language) => {
    const texts = textsOf(speak(language).texts);
    expect(texts.map(([place]) => place)).toEqual([...english.keys()]);
    for (const [place, text] of texts) {
      const original = english.get(place)!;
      expect(text.trim(), place).not.toBe("");
      expect(unique(namesIn(text)), place).toEqual(unique(namesIn(original)));
      if (!ALIKE.has(place)) expect(text, place).not.toBe(original);
      // A whole English clause inside a translated text.
      expect(text, place).not.toMatch(/\b(?:the|your|license|licenses|and|with|until|through|please)\b/i);
    }
  });

  it.each([
    ["de", /\b(?:du|dir|dich|deine?[rsmn]?)\b/i],
    ["fr", /(?<!\p{L})(?:tu|toi|ton|ta|tes)(?!\p{L})/iu],
    ["es", /(?:^|\P{L})(?:tú|tu|tus|te|ti|vosotros)(?!\p{L})/iu],
  ] as const)("in %s address the reader formally", (language, familiar) => {
    for (const [place, text] of textsOf(speak(language).texts)) expect(text, place).not.toMatch(familiar);
  });

  it("in Japanese are polite: each sentence ends so", () => {
    const texts = textsOf(speak("ja").texts).map(([, text]) => text);
    const sentences = texts.flatMap((text) => text.match(/[^。]+(?=。)/g) ?? []);
    expect(sentences.length).toBeGreaterThan(20);
    for (const sentence of sentences) expect(sentence).toMatch(/(?:です|ます|ました|ません|ください)$/);
  });

  it("are filled once: what goes in is not read as a text", () => {
    expect(fillText("{a} and {b}", { a: "{b}", b: "2" })).toBe("{b} and 2");
    expect(fill("{a} and {b}", { a: { name: "{b}" }, b: "2" })).toEqual([{ name: "{b}" }, " and ", "2"]);
  });
});

describe("dates and counts", () => {
  it.each([
    ["en", "through 31 January 2027", "until 1 February 2027, 12:30 UTC", "in 7 days", "250,000"],
    [
      "de",
      "bis einschließlich 31. Januar 2027",
      "bis 1. Februar 2027, 12:30 Uhr UTC",
      "in 7 Tagen",
      "250.000",
    ],
    [
      "fr",
      "jusqu’au 31 janvier 2027 inclus",
      "jusqu’au 1er février 2027 à 12:30 UTC",
      "dans 7 jours",
      "250\u202f000",
    ],
    [
      "es",
      "hasta el 31 de enero de 2027 inclusive",
      "hasta el 1 de febrero de 2027 a las 12:30 UTC",
      "en 7 días",
      "250.000",
    ],
    ["ja", "2027年1月31日まで", "2027年2月1日 12:30（UTC）まで", "7日後に", "250,000"],
  ] as const)(
    "in %s: a date is that date, an instant an instant",
    (language, through, until, soon, count) => {
      const voice = speak(language);
      expect(voice.end(END)).toBe(through);
      expect(voice.end(END + HOUR / 2)).toBe(until);
      expect(voice.when({ in: 7 }, END)).toBe(soon);
      expect(voice.number(250_000)).toBe(count);
    },
  );

  it("an end is a date at noon UTC alone, and shows its seconds if it has some", () => {
    const { end } = speak("en");
    expect(end(END - 1_000)).toBe("until 1 February 2027, 11:59:59 UTC");
    expect(end(END + 1_000)).toBe("until 1 February 2027, 12:00:01 UTC");
    expect(end(Date.UTC(2028, 1, 29, 12) + DAY)).toBe("through 29 February 2028");
    expect(end(Date.UTC(2028, 0, 1, 12))).toBe("through 31 December 2027");
  });

  it("today has a time", () => {
    expect(LANGUAGES.map((language) => speak(language).when("today", END + HOUR))).toEqual([
      "today at 13:00 UTC",
      "heute um 13:00 Uhr UTC",
      "aujourd’hui à 13:00 UTC",
      "hoy a las 13:00 UTC",
      "本日 13:00（UTC）に",
    ]);
  });

  it("count as each language counts", () => {
    const left = (language: Language, n: number) =>
      speak(language).counted(speak(language).texts.warning.left, n);
    expect(LANGUAGES.map((language) => left(language, 1))).toEqual([
      "1 day left",
      "Noch 1 Tag",
      "Plus que 1 jour",
      "Queda 1 día",
      "残り1日",
    ]);
    expect(left("de", 2)).toBe("Noch 2 Tage");
    // Zero is singular in French.
    expect([left("en", 0), left("fr", 0)]).toEqual(["0 days left", "Plus que 0 jour"]);
  });
});

/** Columns of a terminal. */
const columns = (text: string): number =>
  Array.from(text).reduce(
    (sum, character) =>
      sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]/.test(character) ? 2 : 1),
    0,
  );

const casesOf = (some: [string, Notice][]) =>
  LANGUAGES.flatMap((language) =>
    some.map(([name, notice]): [Language, string, Notice] => [language, name, notice]),
  );

describe.each(casesOf(all()))("in %s: %s", (language, _name, notice) => {
  it("is whole, in its language, and short of lines", async () => {
    const { subject, html, text } = await render(language, notice);
    expect(html).toContain(`<html lang="${language}"`);
    for (const part of [subject, html.replace(/<style>.*<\/style>/s, ""), text]) {
      expect(part).not.toMatch(/undefined|null|NaN|\[object|\{\w*\}/);
    }
    expect(subject).not.toMatch(/[\r\n]/);
    expect(text).not.toMatch(/\n{3}|<\/?[a-z]+[ >]/);
    expect(text.split("\n").filter((line) => columns(line) > 72 && line !== KEY)).toEqual([]);
    if (language !== "en") expect(text).not.toMatch(/\b(?:your|license is|valid|renew|grace|hello)\b/i);
  });
});

describe.each(casesOf(notices()))("in %s: %s", (language, _name, notice) => {
  it("tells each end as what it is", async () => {
    const { html, text } = await render(language, notice);
    if (!("licenses" in notice)) throw new Error("is about no license");
    for (const { facts: told } of notice.licenses) {
      if (told.expires_at === null) continue;
      // What was changed has the end of the first one.
      const end = speak(language).end(notice.kind === "license_changed" ? END : told.expires_at);
      expect(html.replaceAll(/<[^>]+>/g, "")).toContain(end);
      // Where a line of the text ends, there may have been a blank.
      expect(text.replaceAll(/\s+/g, "")).toContain(end.replaceAll(/\s+/g, ""));
    }
    // Only what ends today has a time.
    if (notice.kind !== "expiry_warning" || notice.licenses[0].when !== "today")
      expect(html + text).not.toMatch(/12:00/);
  });

  it("names each license, and brings each key once as text and once as a file", async () => {
    const { html, text, attachments } = await render(language, notice);
    if (!("licenses" in notice)) throw new Error("is about no license");
    for (const { facts: told } of notice.licenses) {
      expect(html).toContain(told.license_id);
      expect(text).toContain(told.license_id);
    }
    const holdsKeys = notice.kind === "license_delivery" || notice.kind === "license_renewed";
    const keys = holdsKeys ? notice.licenses.length : 0;
    expect(text.split("\n").filter((line) => line === KEY)).toHaveLength(keys);
    expect(new Set(attachments.map(({ filename }) => filename)).size).toBe(keys);
  });
});

describe("what comes from data, in every language", () => {
  const NAME = `<img src="x" onerror='a()'>{when}\r\nBcc: b@c.example\u2028\u202eend`;
  const ONE_LINE = `<img src="x" onerror='a()'>{when} Bcc: b@c.example end`;
  const hostile = {
    customer_name: NAME,
    company: NAME,
    product: NAME,
    license_type: NAME,
    features: [NAME],
    contact: NAME,
  };

  it.each(
    casesOf(all()).map(([language, name], n): [Language, string, number] => [
      language,
      name,
      n % all().length,
    ]),
  )("in %s is escaped and on one line: %s", async (language, _name, n) => {
    const { subject, html, text } = await render(language, all(hostile)[n]![1]);
    expect(html).not.toContain("<img");
    expect(html).toContain("&lt;img src=&quot;x&quot;");
    expect(text.replaceAll(/\s+/g, "")).toContain(ONE_LINE.replaceAll(/\s+/g, ""));
    expect(subject).toContain(ONE_LINE);
    expect(subject).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(html + text).not.toMatch(/[\r\u2028\u202e]/);
  });
});

describe("subjects", () => {
  it.each(LANGUAGES)(
    "in %s tell three licenses of a customer apart, and say how many a joined mail has",
    async (language) => {
      const ids = ["AAAAAA", "BBBBBB", "CCCCCC"].map((end) => `lic_01KB6Y3QF5V9N8X2W4T7${end}`);
      for (const kind of [
        "license_delivery",
        "license_renewed",
        "license_changed",
        "expiry_warning",
        "license_expired",
      ] as const) {
        const items = ids.map((license_id) => ({
          facts: facts({ license_id }),
          license_key: KEY,
          when: { in: 7 },
          changes: CHANGES,
        }));
        const mails = await Promise.all(
          items.map((item) => render(language, { kind, licenses: [item], at: END })),
        );
        expect(new Set(mails.map(({ subject }) => subject)).size).toBe(3);
        for (const { subject } of mails) expect(subject).toContain("professional");
        const { subject } = await render(language, { kind, licenses: items as [(typeof items)[0]], at: END });
        expect(subject).toMatch(/3.*professional/);
      }
    },
  );

  it("say when the first one ends, if they end on different days", async () => {
    const licenses: Several<{ facts: LicenseFacts; when: When }> = [
      { facts: facts(), when: { in: 7 } },
      { facts: facts({ ...OTHER, expires_at: END - 6 * DAY }), when: "tomorrow" },
    ];
    expect((await render("en", { kind: "expiry_warning", licenses })).subject).toBe(
      "2 CAIO licenses expire, the first tomorrow: enterprise, professional",
    );
  });

  it("have a line for each thing that is said of a license, in the text as in the page", async () => {
    const licenses: Several<{ facts: LicenseFacts; when: When }> = [
      { facts: facts(), when: { in: 7 } },
      { facts: facts({ ...OTHER, grace_until: null }), when: { in: 7 } },
    ];
    const { html, text } = await render("en", { kind: "expiry_warning", licenses });
    for (const { facts: told } of licenses) {
      const lines = [
        "Expires in 7 days",
        `Valid ${speak("en").end(told.expires_at!)}`,
        told.grace_until === null ? "No grace period" : `Grace ${speak("en").end(told.grace_until)}`,
      ];
      expect(text).toContain([`- ${told.license_type}, ${told.license_id}`, ...lines].join("\n  "));
      expect(html).toContain(lines.join("<br/>"));
    }
  });
});

it("a very long list is counted in full and shows its beginning", async () => {
  const licenses = Array.from({ length: 102 }, (_, n) => ({
    facts: facts({ license_id: `lic_${String(n).padStart(3, "0")}` }),
  })) as Several<{ facts: LicenseFacts }>;
  const ends = ["and 2 more", "und 2 weitere", "et 2 de plus", "y 2 más", "ほか2件"];
  for (const [n, language] of LANGUAGES.entries()) {
    const { subject, html, text } = await render(language, { kind: "license_expired", licenses });
    expect(subject).toContain("102");
    for (const part of [html, text]) {
      expect(part).toContain(ends[n]);
      expect(part).toContain("lic_099");
      expect(part).not.toContain("lic_100");
    }
  }
});

it("two files of the same name get the ends of their ids", async () => {
  const licenses = ["lic_AAAAAA", "lic_BBBBBB"].map((license_id) => ({
    facts: facts({ license_id }),
    license_key: license_id,
  })) as [{ facts: LicenseFacts; license_key: string }];
  const { attachments } = await render("en", { kind: "license_delivery", licenses });
  expect(attachments).toEqual([
    { filename: "professional-Ada-Price-AAAAAA-1.license", content: "lic_AAAAAA" },
    { filename: "professional-Ada-Price-BBBBBB-2.license", content: "lic_BBBBBB" },
  ]);
});

describe("the brand", () => {
  const branded = (value: object) => readBrand(value, "https://licensing.acme.example").brand;

  it("names the sender, ends the mail, and shows its logo and nothing else from elsewhere", async () => {
    const brand = branded({
      name: "SmartHaus <GmbH>",
      logo: 'https://cdn.example/logo.png?"onerror=1',
      footer: "Musterstraße 1\n<b>HRB</b> 12345 B",
    });
    const { html, text } = await render("de", notices()[9]![1], brand);
    expect(html.match(/\ssrc="[^"]*"/g)).toEqual([' src="https://cdn.example/logo.png?%22onerror=1"']);
    expect(html).toContain('alt="SmartHaus &lt;GmbH&gt;"');
    expect(html).toContain("Musterstraße 1<br/>&lt;b&gt;HRB&lt;/b&gt; 12345 B");
    expect(text).toMatch(/^SmartHaus <GmbH>\n\nIhre Lizenz/);
    expect(text).toMatch(/\n\nMusterstraße 1\n<b>HRB<\/b> 12345 B\n$/);
  });

  it("has customers ask its support, in place of the address that mail comes from", async () => {
    const { contact } = facts();
    for (const [, notice] of all()) {
      const { html, text } = await render("fr", notice, branded({ support: "aide@smarthaus.example" }));
      expect(html).toContain('href="mailto:aide@smarthaus.example');
      expect(text).toContain("aide@smarthaus.example");
      expect(html + text).not.toContain(contact);
    }
  });

  const STEPS = ["00", "33", "66", "99", "cc", "ff"];
  const COLORS = STEPS.flatMap((red) =>
    STEPS.flatMap((green) => STEPS.map((blue) => `#${red}${green}${blue}`)),
  );
  const ruleOf = (css: string, property: string): string =>
    new RegExp(
      `(?:^|[;{])${property}:(#[0-9a-f]{6})(?![0-9a-f])(?:!important)?(?=[;}]|$)(?!.*[;{]${property}:#)`,
    ).exec(css)![1]!;

  it("can be read in whatever color, by day and by night", () => {
    for (const color of COLORS) {
      const { look, callout, sheet } = styleFor({ color });
      const dark = (name: string) =>
        new RegExp(`^\\.${name}\\{[^}]*\\}|\\}\\.${name}\\{[^}]*\\}`, "m").exec(sheet)![0];
      const button = look("button").style;
      const pairs = [
        [ruleOf(button, "color"), ruleOf(button, "background")],
        [ruleOf(look("link").style, "color"), "#ffffff"],
        [ruleOf(callout("info").style, "color"), ruleOf(callout("info").style, "background")],
        [ruleOf(dark("button"), "color"), ruleOf(dark("button"), "background")],
        [ruleOf(dark("link"), "color"), "#1a1e25"],
        [ruleOf(dark("info"), "color"), ruleOf(dark("info"), "background")],
      ] as const;
      for (const [text, ground] of pairs)
        expect(contrast(text, ground), `${color}: ${text} on ${ground}`).toBeGreaterThanOrEqual(READABLE);
      // A button is not lost on the card.
      expect(contrast(ruleOf(button, "background"), "#ffffff")).toBeGreaterThan(1.19);
      expect(contrast(ruleOf(dark("button"), "background"), "#1a1e25")).toBeGreaterThan(1.19);
    }
  });
});
