// A digest, as mail programs save it, is a witness of the record: however the mail is encoded, forwarded or attached.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_BRAND } from "../../../src/field/brand.ts";
import { render } from "../../../src/notices/templates/index.ts";
import { type Desk, openDesk } from "../support/cli.ts";
import { isHere } from "../support/everything.ts";

const canSave = spawnSync("python3", ["--version"]).status === 0;

/** Saves the digest in all forms, with the mail library of Python. */
const SAVE = String.raw`
import email.message, email.policy, json, mailbox, sys
text, html = (open(name, encoding="utf-8").read() for name in ("digest.text", "digest.html"))

def mail(cte, policy=email.policy.SMTP):
    one = email.message.EmailMessage(policy=policy)
    one["From"], one["To"], one["Subject"] = "licensing@smarthaus.example", "ops@smarthaus.example", "Täglich " * 20
    one.set_content(text, cte=cte)
    one.add_alternative(html, subtype="html", cte=cte)
    return one

def save(name, one):
    open(name, "wb").write(one.as_bytes())

for cte in ("base64", "quoted-printable", "8bit"):
    save(cte + ".eml", mail(cte))
    save(cte + "-lf.eml", mail(cte, email.policy.default))
single = email.message.EmailMessage(policy=email.policy.SMTP)
single["From"] = "ops@smarthaus.example"
single.set_content(html, subtype="html", cte="base64")
save("single.eml", single)

forwarded = email.message.EmailMessage(policy=email.policy.SMTP)
forwarded["From"] = "ops@smarthaus.example"
forwarded.set_content("See the mail attached.")
forwarded.add_attachment(mail("base64"))
save("attached.eml", forwarded)

quoted = email.message.EmailMessage(policy=email.policy.SMTP)
quoted["From"] = "ops@smarthaus.example"
quoted.set_content("\n".join("> > " + line for line in text.replace("record: ", "record:\n").splitlines()), cte="base64")
save("quoted.eml", quoted)

licensed = email.message.EmailMessage(policy=email.policy.SMTP)
licensed["From"] = "ops@smarthaus.example"
licensed.set_content("The license.")
licensed.add_attachment(open("certificate.jwt", "rb").read(), maintype="application", subtype="octet-stream", filename="a.caio-license")
save("license.eml", licensed)

box = mailbox.mbox("box.mbox")
for one in (single, forwarded):
    box.add(one)
box.close()
`;

const FORMS = [
  "digest.text",
  "digest.html",
  "base64.eml",
  "base64-lf.eml",
  "quoted-printable.eml",
  "quoted-printable-lf.eml",
  "8bit.eml",
  "8bit-lf.eml",
  "single.eml",
  "attached.eml",
  "quoted.eml",
  "license.eml",
  "box.mbox",
];

let desk: Desk;

/** Saves a digest of one seal in all forms. */
async function save(head: string): Promise<void> {
  const { html, text } = await render({
    language: "en",
    brand: DEFAULT_BRAND,
    input: {
      kind: "admin_digest",
      product: "CAIO",
      day: "2026-11-24",
      expiring: [
        { license_id: "lic_1", customer_name: "Åkerlund & Söhne", expires_at: Date.UTC(2027, 1, 1) },
      ],
      expired: [],
      bounced: [],
      failed: [],
      sender: null,
      faults: [],
      more: [],
      at_limit: [],
      jobs: [],
      unreachable: [],
      seal: { seal: 1, head },
    },
  });
  writeFileSync(desk.file("digest.html"), html);
  writeFileSync(desk.file("digest.text"), text);
  execFileSync("python3", ["-c", SAVE], { cwd: desk.folder });
}

beforeAll(async () => {
  desk = await openDesk();
  const { url, token } = desk.service;
  const call = async (path: string, body: object): Promise<any> => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  await desk.cli(["login", "--url", url, "--token-stdin"], { input: token });
  await call("/v1/admin/customers", { id: "acme", name: "Acme" });
  await fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("0 3 * * *")}`);
  const { license_key } = await call("/v1/admin/licenses", { customer_id: "acme", license_type: "standard" });
  const { certificate } = await call("/v1/activate", { license_key, instance_id: "box" });
  writeFileSync(desk.file("certificate.jwt"), certificate);
});

afterAll(() => desk.close());

describe.runIf(isHere(canSave, "There is no python3."))("a digest saved as", () => {
  it.each(FORMS)("%s names its head, once", async (form) => {
    const [seal] = await desk.json("audit", "seals");
    await save(seal.head);
    expect(await desk.json("audit", "verify", "--witness", form)).toMatchObject({
      valid: true,
      witnessed: 1,
    });
  });

  it.each(FORMS.filter((form) => form !== "license.eml"))(
    "%s is heard where it contradicts",
    async (form) => {
      const other = "ab".repeat(32);
      await save(other);
      const { code, out } = await desk.cli(["audit", "verify", "--witness", form]);
      expect(out).toContain(`names the head ${other} of seal 1, which the record does not have`);
      expect(code).toBe(5);
    },
  );
});
