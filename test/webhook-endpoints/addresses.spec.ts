import { describe, expect, it } from "vitest";
import { addressFault } from "../../src/webhook-endpoints/addresses.ts";

const ISSUERS = ["https://licensing.smarthaus.example", "https://former.smarthaus.example:8443/"];
const HERE = ["http://localhost:8787"];

const faultOf = (url: string, issuers = ISSUERS): string | null => addressFault(url, issuers);

describe("events may be sent to", () => {
  it.each([
    "https://hooks.acme.example/caio",
    "https://acme.example",
    "HTTPS://Hooks.Acme.Example/caio?team=1&x=%40",
    "https://hooks.acme.example:443/caio",
    "https://xn--bcher-kva.example/",
    "https://bücher.example/",
    "https://licensing.smarthaus.example.acme.example/",
    "https://not-licensing.smarthaus.example/",
    "https://10.acme.example/",
    "https://1.2.3.4.acme.example/",
    "https://localhost.acme.example/",
    "https://acme.example/http://127.0.0.1/",
    "https://acme.example/user@host",
    `https://acme.example/${"a".repeat(2_048 - 21)}`,
  ])("%s", (url) => {
    expect(faultOf(url)).toBeNull();
  });

  it.each([
    "http://localhost:4500/",
    "http://127.0.0.1:4500/hook",
    "http://[::1]:4500/",
    "https://localhost:4500/",
  ])("%s, while this service is on this machine, too", (url) => {
    expect(faultOf(url, HERE)).toBeNull();
    expect(faultOf(url)).not.toBeNull();
  });
});

const IP = "Must name a host, not an IP address";
const PUBLIC = "Must be a public host";
const FULL = "Must be the full name of a public host";
const HTTPS = "Must be an https address";
const OWN = "Must not be an address of this service";
const NO_USER = "Must not have a user name or a password";
const PORT = "Must have no other port than 443";

describe("events must not be sent to", () => {
  it.each([
    // IPv4 in every spelling that a parser knows
    ["https://127.0.0.1/", IP],
    ["https://2130706433/", IP],
    ["https://0x7f000001/", IP],
    ["https://0x7F.1/", IP],
    ["https://0177.0.0.1/", IP],
    ["https://017700000001/", IP],
    ["https://127.1/", IP],
    ["https://127.0.1/", IP],
    ["https://0/", IP],
    ["https://127.0.0.1./", IP],
    ["https://2130706433./", IP],
    ["https://１２７.0.0.1/", IP],
    ["https://127。0。0。1/", IP],
    ["https://①②⑦.0.0.1/", IP],
    ["https://%31%32%37.0.0.1/", IP],
    ["https://169.254.169.254/latest/meta-data", IP],
    ["https://10.0.0.1/", IP],
    ["https://192.168.0.1/", IP],
    ["https://8.8.8.8/", IP],
    // IPv6
    ["https://[::1]/", IP],
    ["https://[::]/", IP],
    ["https://[::ffff:127.0.0.1]/", IP],
    ["https://[::ffff:7f00:1]/", IP],
    ["https://[::127.0.0.1]/", IP],
    ["https://[fe80::1]/", IP],
    ["https://[fd00::1]/", IP],
    ["https://[64:ff9b::7f00:1]/", IP],
    ["https://[2002:7f00:1::]/", IP],
    // numbers that are no addresses
    ["https://256.256.256.256/", HTTPS],
    ["https://acme.0x7f/", HTTPS],
    ["https://1.2.3.4.5/", HTTPS],
    // names of this machine, or of networks that only it sees
    ["https://localhost/", PUBLIC],
    ["https://LOCALHOST/", PUBLIC],
    ["https://localhost./", "The host must not end with a dot"],
    ["https://ｌｏｃａｌｈｏｓｔ/", PUBLIC],
    ["https://acme.localhost/", PUBLIC],
    ["https://localhost.localdomain/", PUBLIC],
    ["https://printer.local/", PUBLIC],
    ["https://metadata.google.internal/", PUBLIC],
    ["https://nas.lan/", PUBLIC],
    ["https://router.home/", PUBLIC],
    ["https://nas.home.arpa/", PUBLIC],
    ["https://1.0.0.127.in-addr.arpa/", PUBLIC],
    ["https://abcdefghijklmnop.onion/", PUBLIC],
    ["https://intranet/", PUBLIC],
    ["https://db/", FULL],
    ["https://acme..example/", FULL],
    ["https://.acme.example/", FULL],
    ["https://acme.example./", "The host must not end with a dot"],
    // this service
    ["https://licensing.smarthaus.example/v1/activate", OWN],
    ["https://LICENSING.smarthaus.example", OWN],
    ["https://licensing.smarthaus.example:443/", OWN],
    ["https://ｌicensing.smarthaus.example/", OWN],
    ["https://former.smarthaus.example/", OWN],
    ["https://licensing.smarthaus.example./", "The host must not end with a dot"],
    // other schemes and ports
    ["http://hooks.acme.example/", HTTPS],
    ["http://localhost:4500/", HTTPS],
    ["https://hooks.acme.example:8443/", PORT],
    ["https://hooks.acme.example:80/", PORT],
    ["https://hooks.acme.example:0/", PORT],
    ["ftp://hooks.acme.example/", HTTPS],
    ["file:///etc/passwd", HTTPS],
    ["data:text/plain,x", HTTPS],
    ["javascript:alert(1)", HTTPS],
    ["wss://hooks.acme.example/", HTTPS],
    // credentials
    ["https://user:pass@hooks.acme.example/", NO_USER],
    ["https://user@hooks.acme.example/", NO_USER],
    ["https://@hooks.acme.example/", NO_USER],
    ["https://:@hooks.acme.example/", NO_USER],
    ["https://hooks.acme.example@127.0.0.1/", NO_USER],
    ["https://hooks.acme.example%40@127.0.0.1/", NO_USER],
    // what programs read differently
    ["https:/hooks.acme.example/", HTTPS],
    ["https:hooks.acme.example/", HTTPS],
    ["https:///hooks.acme.example/", HTTPS],
    ["https:\\\\hooks.acme.example\\", HTTPS],
    ["https://hooks.acme.example\\@127.0.0.1/", HTTPS],
    [" https://hooks.acme.example/", HTTPS],
    ["https://hooks.acme.example/ ", HTTPS],
    ["https://hooks.acme\n.example/", HTTPS],
    ["https://hooks.\tacme.example/", HTTPS],
    ["https://127.0.0.1\u200b/", HTTPS],
    ["https://hooks.acme.example/#x", "Must not have a fragment"],
    ["hooks.acme.example", HTTPS],
    ["//hooks.acme.example", HTTPS],
    ["https://", HTTPS],
    ["", HTTPS],
    [`https://acme.example/${"a".repeat(2_048 - 20)}`, "Must have at most 2048 characters"],
  ])("%s", (url, fault) => {
    expect(faultOf(url)).toBe(fault);
  });

  it.each([
    "http://localhost:8787/",
    "http://127.0.0.1:8787/v1/activate",
    "http://[::1]:8787/",
    "http://2130706433:8787/",
  ])("%s, which is this service on this machine under another name", (url) => {
    expect(faultOf(url, HERE)).toBe(OWN);
  });

  it.each([
    "http://127.0.0.2:4500/",
    "http://10.0.0.1/",
    "http://hooks.acme.example/",
    "https://10.0.0.1/",
    "http://0.0.0.0:4500/",
  ])("%s, although this service is on this machine", (url) => {
    expect(faultOf(url, HERE)).not.toBeNull();
  });
});
