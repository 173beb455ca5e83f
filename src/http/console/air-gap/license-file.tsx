// /admin/air-gap/license-file: the answer to a request file, shown and as a download.
import { readCertificate } from "../../../licensing/seats/certificates.ts";
import { readLicenseKey } from "../../../licensing/licenses/license-keys.ts";
import { activateOffline, licenseFileName } from "../../../licensing/seats/air-gap/air-gap.ts";
import { invalid } from "../../../problems.ts";
import { AIR_GAP, airGap, preview, requestOf } from "./air-gap.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form, Inquiry, View } from "../mount.tsx";
import { PostForm } from "../../ui/form.tsx";
import { Copyable } from "../../ui/copyable.tsx";
import { Card, Facts, When } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

type LicenseFile = Awaited<ReturnType<typeof activateOffline>>;

const result = (visit: Visit, file: LicenseFile): View => {
  const content = JSON.stringify(file, null, 2);
  return {
    title: "License file",
    section: "air-gap",
    look: { action: "license.key_revealed", entity: ["license", file.license_id] },
    body: (
      <>
        <Heading
          trail={[AIR_GAP]}
          title={licenseFileName(file.instance_id)}
          done="The license file is made. Carry it to the installation."
        />
        <Card>
          {file.warnings.map(({ detail }) => (
            <p class="note warn">{detail}</p>
          ))}
          <Facts
            rows={[
              [
                "License",
                <a href={`/admin/licenses/${file.license_id}`}>
                  <code>{file.license_id}</code>
                </a>,
              ],
              ["Instance", <a href={`/admin/instances/${file.activation_id}`}>{file.instance_id}</a>],
              ["Valid until", <When at={file.lease_expires_at} now={visit.now} />],
            ]}
          />
          <PostForm visit={visit} action="/admin/air-gap/license-file/download">
            <input type="hidden" name="file" value={content} />
            <div class="submit">
              <button class="primary">Download</button>
              <a class="button quiet" href="/admin/air-gap">
                Next file
              </a>
            </div>
          </PostForm>
          <Copyable id="license-file" text={content} label="Content of the license file" />
        </Card>
      </>
    ),
  };
};

export const licenseFile: Form = {
  path: "/admin/air-gap/license-file",
  access: "activations",
  // The preview again, if the only thing missing is the confirmation that this instance replaces another.
  show: (visit, entry) =>
    entry.problem?.code === "CONFLICT" ? preview(visit, entry) : airGap.show(visit, entry),
  async submit(visit, entry) {
    const input = await requestOf(entry);
    const { licenseId } = await readLicenseKey(visit.context, input.request.license_key);
    return result(visit, await activateOffline(visit.context, licenseId, input));
  },
};

/** Returns as a file what the page before showed, so that the download is exactly that file. */
export const downloadLicenseFile: Inquiry = {
  path: "/admin/air-gap/license-file/download",
  access: "activations",
  show: (visit, entry) => airGap.show(visit, entry),
  async answer({ context, http }, entry) {
    const text = entry.text("file") ?? "";
    const certificate = /"certificate": "([^"]+)"/.exec(text)?.[1] ?? "";
    const seat = await readCertificate(context, certificate);
    if (!seat) throw invalid("file", "Is not a license file of this service");
    return http.body(text, 200, {
      "Content-Type": "application/json",
      "Content-Disposition": `attachment; filename="${licenseFileName(seat.instanceId)}"`,
    });
  },
};
