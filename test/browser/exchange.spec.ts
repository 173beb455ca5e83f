// Files in and out: customers and licenses by import, licenses by export.
import { readFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { HOSTILE, newCustomer, newLicense } from "./support/data.ts";
import { ask } from "./support/house.ts";
import { test } from "./support/test.ts";

const csv = (name: string, text: string) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

describe.each([{ js: true }, { js: false }])("with scripts: $js", ({ js }) => {
  test("customers are imported after a check that writes nothing, all or none", async ({ open, house }) => {
    const mark = crypto.randomUUID().slice(0, 8);
    const { page } = await open({ js, token: house.token, refusals: [422] });
    const count = async () => (await ask(house, `/v1/admin/customers?q=${mark}`)).data.length;
    await page.goto("/admin/licenses");
    await page.locator("main").getByRole("link", { name: "Import" }).click();
    const send = async (text: string, button: string): Promise<void> => {
      await page.getByLabel("Customers").check();
      await page.getByLabel("File", { exact: true }).setInputFiles(csv("customers.csv", text));
      await page.getByRole("button", { name: button, exact: true }).click();
    };

    await send(`id,name\n${mark}-a,${mark} Ada\n${mark}-b,\n`, "Import");
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toContain("name");
    expect(await count()).toBe(0);

    const good = `id,name\n${mark}-a,${mark} Ada\n${mark}-b,"${mark} ${HOSTILE.replaceAll('"', '""')}"\n`;
    await send(good, "Check");
    await page.getByRole("status").waitFor();
    expect(await page.getByRole("status").textContent()).toContain("2 customers would be imported");
    expect(await count()).toBe(0);

    await send(good, "Import");
    await page.getByRole("heading", { name: "Imported" }).waitFor();
    expect(await page.getByRole("status").textContent()).toContain("2 customers imported");
    expect(await count()).toBe(2);
  });

  test("the licenses of a customer are exported as a file with their keys", async ({ open, house }) => {
    const { id } = await newCustomer(house, { name: `=cmd|${HOSTILE}` });
    const { license, license_key } = await newLicense(house, { customer_id: id });
    const { page } = await open({ js, token: house.token });
    await page.goto("/admin/licenses");
    await page.locator("main").getByRole("link", { name: "Export" }).click();
    await page.getByLabel("Customer id").fill(id);
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/\.csv$/);
    const [header, row, ...rest] = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
    expect(header).toMatch(/^\ufeff?id,customer_id,license_key,/);
    expect(row).toContain(`${license.id},${id},${license_key},`);
    expect(rest).toEqual([]);
  });
});
