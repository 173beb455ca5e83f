// /portal/air-gap: installations without a network. A request file becomes a license file; a receipt frees its seat.
import type { FC } from "hono/jsx";
import { fetchFile, handInReceipt } from "../../licensing/portal/own-files.ts";
import { licenseFileName, OfflineActivation } from "../../licensing/seats/air-gap/air-gap.ts";
import { invalid } from "../../problems.ts";
import { Entry, parsed } from "../ui/entry.ts";
import { fileOrText } from "../ui/files.ts";
import { Field, PostForm, TextArea } from "../ui/form.tsx";
import { Card } from "../ui/show.tsx";
import type { Form, Inquiry, View } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";
import type { Visit } from "./visit.ts";

const RequestForm: FC<{ visit: Visit; entry: Entry }> = ({ visit, entry }) => (
  <Card title="Get a license file">
    <p>
      The installation wrote a request file, <code>*.caio-request</code>. Choose it, and carry the license
      file that you get back to the installation. It takes a seat, or renews the one that it has.
    </p>
    <PostForm visit={visit} entry={entry} action="/portal/air-gap" files>
      <Field entry={entry} name="request" label="Request file" type="file" required />
      <div class="submit">
        <button class="primary">Get the license file</button>
      </div>
    </PostForm>
  </Card>
);

const ReceiptForm: FC<{ visit: Visit; entry: Entry }> = ({ visit, entry }) => (
  <Card title="Give a seat back">
    <p>An installation that stopped for good signed a receipt. Its seat is free from then on.</p>
    <PostForm visit={visit} entry={entry} action="/portal/air-gap/receipt" files>
      <Field entry={entry} name="receipt_file" label="Receipt file" type="file" />
      <TextArea entry={entry} name="receipt" label="Or its text" maxlength={16_384} code />
      <div class="submit">
        <button>Free the seat</button>
      </div>
    </PostForm>
  </Card>
);

const NOTHING = new Entry();

/** Both forms; `entry` belongs to the one that was sent. */
const bothForms = (visit: Visit, request: Entry, receipt: Entry): View => ({
  title: "Without a network",
  body: (
    <>
      <Heading
        title="Without a network"
        lead="A file goes out, a file comes back: no connection is needed."
        done={visit.query["done"] === "freed" ? "The seat is free." : undefined}
      />
      <div class="columns">
        <RequestForm visit={visit} entry={request} />
        <ReceiptForm visit={visit} entry={receipt} />
      </div>
    </>
  ),
});

const request: Inquiry = {
  path: "/portal/air-gap",
  access: "files",
  show: async (visit, entry) => bothForms(visit, entry, NOTHING),
  async answer({ context, http }, entry) {
    const content = await fileOrText(entry, "request");
    if (content === undefined) throw invalid("request", "Choose the request file");
    let asked: unknown;
    try {
      asked = JSON.parse(content);
    } catch {
      throw invalid("request", "Is not a request file: it contains no JSON");
    }
    // Whatever else the file names, such as a lease or a replacement, only staff decide.
    const input = parsed(OfflineActivation, { request: asked });
    const file = await fetchFile(context, input.request);
    return http.body(`${JSON.stringify(file, null, 2)}\n`, 200, {
      "Content-Type": "application/octet-stream",
      "Content-Disposition": `attachment; filename="${licenseFileName(file.instance_id)}"`,
    });
  },
};

const receipt: Form = {
  path: "/portal/air-gap/receipt",
  access: "files",
  show: async (visit, entry) => bothForms(visit, NOTHING, entry),
  async submit({ context }, entry) {
    const content = await fileOrText(entry, "receipt_file", "receipt");
    if (content === undefined) throw invalid("receipt", "Choose the receipt file, or paste its text");
    await handInReceipt(context, content);
    return { to: "/portal/air-gap?done=freed" };
  },
};

export const airGapDoors = [request, receipt];
