// How to install a license: what to paste, with the service's address and the key.
import type { FC } from "hono/jsx";
import type { Context } from "../../context.ts";
import { Card } from "../ui/show.tsx";

const python = (url: string): string =>
  `from caio_licensing import LicenseClient

client = LicenseClient("${url}", state_dir="/var/lib/caio/license")
client.start()`;

const typescript = (url: string): string =>
  `import { NodeLicense } from "@smarthaus/caio-licensing/node";

const license = await NodeLicense.open({ url: "${url}" });
await license.checkIn();`;

const environment = (url: string, key: string): string =>
  `export CAIO_LICENSE_URL=${url}
export CAIO_LICENSE_KEY=${key}`;

const container = (url: string, key: string): string =>
  `environment:
  CAIO_LICENSE_URL: ${url}
  CAIO_LICENSE_KEY: ${key}
  CAIO_LICENSE_DIR: /var/lib/caio/license
volumes:
  - license:/var/lib/caio/license`;

const Snippet: FC<{ id: string; title: string; text: string }> = ({ id, title, text }) => (
  <>
    <h3>{title}</h3>
    <pre id={id} class="claims" tabindex={0} aria-label={title}>
      {text}
    </pre>
  </>
);

export const Install: FC<{ context: Context; licenseKey: string }> = ({ context, licenseKey }) => {
  const { issuer } = context.config;
  return (
    <Card title="Install it" id="install">
      <Snippet
        id="install-key"
        title="The key, for Python and TypeScript"
        text={environment(issuer, licenseKey)}
      />
      <Snippet id="install-python" title="Python" text={python(issuer)} />
      <Snippet id="install-typescript" title="TypeScript" text={typescript(issuer)} />
      <Snippet id="install-container" title="Container (Compose)" text={container(issuer, licenseKey)} />
    </Card>
  );
};
