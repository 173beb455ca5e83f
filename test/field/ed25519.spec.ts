import { compactVerify, exportJWK, generateKeyPair, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { isSoundKey } from "../../src/field/ed25519.ts";
import { signedByNobody, WEAK } from "../support/weak-key.ts";

const P = 2n ** 255n - 19n;

const x = (y: bigint, sign = false): string => {
  const bytes = Uint8Array.from({ length: 32 }, (_, n) => Number((y >> BigInt(8 * n)) & 255n));
  if (sign) bytes[31]! |= 0x80;
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=$/, "");
};

// RFC 8032 section 5.1: the curve, its addition, and the roots of y.
const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  for (let left = exponent, square = base % P; left > 0n; left >>= 1n, square = (square * square) % P)
    if (left & 1n) result = (result * square) % P;
  return result;
};
const inverse = (value: bigint): bigint => power(((value % P) + P) % P, P - 2n);
const D = (((-121_665n * inverse(121_666n)) % P) + P) % P;

type Point = [x: bigint, y: bigint];

const add = ([x1, y1]: Point, [x2, y2]: Point): Point => {
  const k = (((D * x1) % P) * ((((x2 * y1) % P) * y2) % P)) % P;
  return [((x1 * y2 + x2 * y1) * inverse(1n + k)) % P, ((y1 * y2 + x1 * x2) * inverse(1n - k + P)) % P];
};

/** A point of this y, or null where there is none. */
function pointOf(y: bigint): Point | null {
  const square = ((y * y - 1n + P) * inverse(D * y * y + 1n)) % P;
  const root = power(square, (P + 3n) / 8n);
  for (const found of [root, (root * power(2n, (P - 1n) / 4n)) % P])
    if ((found * found - square) % P === 0n) return [found, y];
  return null;
}

const timesEight = (point: Point): Point => {
  let sum = point;
  for (let n = 0; n < 3; n++) sum = add(sum, sum);
  return sum;
};

const Y8 =
  2_707_385_501_144_840_649_318_225_287_225_658_788_936_804_267_575_313_519_463_743_609_750_303_402_022n;

describe("a public key", () => {
  it("of small order needs no private half: why it is refused", async () => {
    const token = signedByNobody("license+jwt", { iss: "anybody" });
    expect((await compactVerify(token, await importJWK(WEAK, "EdDSA"))).protectedHeader.kid).toBe(WEAK.kid);
    expect(isSoundKey(WEAK.x)).toBe(false);
  });

  it("of a pair is sound", async () => {
    for (let n = 0; n < 20; n++) {
      const { publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
      expect(isSoundKey((await exportJWK(publicKey)).x!)).toBe(true);
    }
  });

  it.each([0n, 1n, P - 1n, Y8, P - Y8])("with the y %d is of small order, and not sound", (y) => {
    const point = pointOf(y)!;
    expect(timesEight(point)).toEqual([0n, 1n]);
    for (const sign of [false, true]) expect(isSoundKey(x(y, sign))).toBe(false);
  });

  it("beside those of small order is sound, where there is a point", () => {
    for (const y of [3n, 4n, P - 3n, Y8 + 1n, P - 2n]) {
      const point = pointOf(y);
      if (point) expect(timesEight(point)).not.toEqual([0n, 1n]);
      expect(isSoundKey(x(y))).toBe(true);
    }
  });

  it.each([P, P + 1n, P + 3n, 2n ** 255n - 1n])("whose y is not below the prime (%d) is not sound", (y) => {
    for (const sign of [false, true]) expect(isSoundKey(x(y, sign))).toBe(false);
  });

  it.each([
    ["nothing", ""],
    ["31 bytes", "A".repeat(42)],
    ["33 bytes", "A".repeat(44)],
    ["bits left over", `${x(3n).slice(0, 42)}B`],
    ["padding", `${x(3n)}=`],
    ["another alphabet", `+${x(3n).slice(1)}`],
    ["a blank", ` ${x(3n)}`],
  ])("that is %s is not sound", (_, text) => {
    expect(isSoundKey(text)).toBe(false);
  });
});
