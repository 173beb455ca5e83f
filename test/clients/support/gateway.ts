// A company's way out: a CONNECT proxy, and behind it TLS by an authority that only the company knows.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";

export interface Gateway {
  /** The proxy's address. */
  proxy: string;
  /** The file of the authority's certificate. */
  authority: string;
  /** Where the proxy was asked to connect to. */
  connected: string[];
  close(): Promise<void>;
}

/** A certificate for licensing.test and the authority that signed it, made by the openssl command. */
function makeCertificates(folder: string): { authority: string; key: string; cert: string } {
  mkdirSync(folder, { recursive: true });
  const openssl = (command: string) =>
    execFileSync("openssl", command.split(" "), { cwd: folder, stdio: "pipe" });
  const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  openssl(`req -x509 ${newKey} -days 1 -subj /CN=Company -keyout ca.key -out ca.pem`);
  openssl(`req ${newKey} -subj /CN=licensing.test -keyout tls.key -out tls.csr`);
  writeFileSync(join(folder, "san"), "subjectAltName=DNS:licensing.test\n");
  openssl("x509 -req -days 1 -in tls.csr -extfile san -CA ca.pem -CAkey ca.key -CAcreateserial -out tls.pem");
  return {
    authority: join(folder, "ca.pem"),
    key: join(folder, "tls.key"),
    cert: join(folder, "tls.pem"),
  };
}

/** Leads https://licensing.test:443 to `target`, for whoever comes through the proxy. */
export async function startGateway(folder: string, target: string): Promise<Gateway> {
  const files = makeCertificates(join(folder, "certificates"));
  const port = new URL(target).port;
  const tls = createTlsServer(
    { key: readFileSync(files.key), cert: readFileSync(files.cert) },
    (incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const forwarded = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on("error", () => outgoing.destroy());
      incoming.pipe(forwarded);
    },
  ).listen(0, "127.0.0.1");
  await once(tls, "listening");

  const connected: string[] = [];
  const proxy = createHttpServer((_, answer) => void answer.writeHead(405).end());
  proxy.on("connect", (incoming, socket) => {
    connected.push(incoming.url ?? "");
    const upstream = connect((tls.address() as AddressInfo).port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");

  return {
    proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    authority: files.authority,
    connected,
    async close() {
      tls.closeAllConnections();
      proxy.closeAllConnections();
      tls.close();
      proxy.close();
      await Promise.all([once(tls, "close"), once(proxy, "close")]);
    },
  };
}
