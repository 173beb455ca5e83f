// Signing in to the customer's site by the link in a mail, as Resend's stand-in got it.
import type { Page } from "playwright-core";
import type { Kinds } from "./data.ts";
import { ask, call, type House } from "./house.ts";

/** A mail to an address, as soon as there is one that says this. */
export async function mailTo({ resend }: House, email: string, says: RegExp): Promise<string> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const listed = await fetch(`${resend}/emails`, { headers: { Authorization: "Bearer re_local" } });
    const { data } = (await listed.json()) as { data: { id: string; to: string[] }[] };
    for (const mail of data.filter(({ to }) => to.includes(email))) {
      const read = await fetch(`${resend}/emails/${mail.id}`, {
        headers: { Authorization: "Bearer re_local" },
      });
      const { text } = (await read.json()) as { text: string };
      if (says.test(text)) return text;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no mail");
}

const LINK = /\/portal\/sign-in\/link\?token=[\w-]+/;

export const linkTo = async (house: House, email: string): Promise<string> =>
  LINK.exec(await mailTo(house, email, LINK))![0];

/** Signs a new contact in, of the customer of the license `of`. Returns those licenses that are the customer's. */
export async function enterSite(page: Page, house: House, kinds: Kinds, of = "suspended"): Promise<Kinds> {
  const owners = await Promise.all(
    Object.entries(kinds).map(async ([kind, id]) => {
      const { body } = await call(house, `/v1/admin/licenses/${id}`);
      return { kind, id, customer: String(body.customer_id) };
    }),
  );
  const { customer } = owners.find(({ kind }) => kind === of)!;
  const email = `site-${owners[0]!.id.toLowerCase()}@acme.example`;
  await ask(house, `/v1/admin/customers/${customer}/contacts`, { email, name: "Ada" });
  await page.goto("/portal");
  await page.getByLabel("Your e-mail address").fill(email);
  await page.getByRole("button", { name: "Mail me a link" }).click();
  await page.getByRole("heading", { name: "Look into your mailbox" }).waitFor();
  await page.goto(await linkTo(house, email));
  await page.getByRole("button", { name: /^Sign in as/ }).click();
  await page.getByRole("heading", { name: "Licenses", exact: true }).waitFor();
  return Object.fromEntries(
    owners.filter((one) => one.customer === customer).map(({ kind, id }) => [kind, id]),
  );
}
