// `npm start`: the whole service on this machine, with a first call to try.
import { commandLine, runCommand, wrongUsage } from "./command.ts";
import { type RunningService, startService } from "./service.ts";

const USAGE = `Usage: npm start -- [options]     (options go after the two dashes)

  --port N            the port to listen on (8787)
  --persist-to DIR    where the database lives (.wrangler/state)
  --var NAME:VALUE    a variable, over wrangler.toml and .dev.vars; may be repeated
  --help              this text`;

function options() {
  // Without the two dashes npm keeps `--port` itself and passes only a number.
  const { values } = commandLine(USAGE, {
    options: {
      port: { type: "string", default: "8787" },
      "persist-to": { type: "string" },
      var: { type: "string", multiple: true, default: [] },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    wrongUsage(USAGE, `--port ${values.port} is not a port.`);
  const malformed = values.var.find((pair) => !/^[A-Z_]+:/.test(pair));
  if (malformed !== undefined) wrongUsage(USAGE, `--var takes NAME:VALUE, not ${malformed}.`);
  return { port, persistTo: values["persist-to"], vars: values.var };
}

// Read at once: our parent may be gone by the time the service is up.
const PARENT = process.ppid;

// Lines that wrangler prints about itself; the rest is the service's own log.
const CHATTER = /^(\[(wrangler:|custom build\])|⎔|[┌│├└]|Attaching |The file |\s*$)/;

function greeting({ url, issuer, token, made }: RunningService): string {
  // A client expects the address that it calls as the issuer, unless it is configured otherwise.
  const elsewhere = `
  Note      License keys name ${issuer} as their issuer, so clients that call ${url}
            refuse them. To change that: npm start -- --port ${URL.parse(url)!.port} --var ISSUER:${url}
`;
  return `
CAIO Licensing is running. Ctrl-C ends it.
${made.length > 0 ? `\n  Made      ${made.join(", ")} in .dev.vars, for this machine only\n` : ""}${issuer === url ? "" : elsewhere}
  Console   ${url}/admin
  Reference ${url}/docs
  Token     ${token}

  A first call:

    curl -s ${url}/v1/admin/customers \\
      -H 'Authorization: Bearer ${token}' \\
      -H 'Content-Type: application/json' \\
      -d '{"id": "acme", "name": "Acme"}'
`;
}

/** npm passes a SIGTERM only to the shell between it and us, which dies alone: end when that happens. */
function stopWithParent(service: RunningService): void {
  const watch = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(watch);
    void service.stop();
  }, 500);
  watch.unref();
}

await runCommand(async () => {
  let ready = false;
  const service = await startService({
    ...options(),
    onLine: (line) => {
      if (ready && !CHATTER.test(line)) console.log(line);
    },
  });
  ready = true;
  console.log(greeting(service));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => void service.stop());
  stopWithParent(service);
  await service.ended;
});
