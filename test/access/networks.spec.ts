import { expect, it } from "vitest";
import { networkOf } from "../../src/access/networks.ts";

it.each([
  [null, "-"],
  ["192.0.2.1", "192.0.2.1"],
  ["192.0.2.2", "192.0.2.2"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
  ["2001:db8::", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  // As an IPv4 caller may be written; all of them would be one.
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  // No address at all, which only a header that did not come from Cloudflare can be.
  ["1:2:3:4:5:6:7:8:9::a:b", "1:2:3:4::/64"],
])("%s is counted as %s", (ip, network) => {
  expect(networkOf(ip)).toBe(network);
});
