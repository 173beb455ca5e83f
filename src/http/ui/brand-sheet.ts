// The vendor's color over the tokens of console.css, readable by day and by night whatever it is.
import { mix, readableOn, textOn } from "../../kernel/contrast.ts";

/** What the accent lies on there: the grounds that come nearest to it, and the one that is tinted. */
const GROUNDS = {
  light: { nearest: "#f5f6f9", surface: "#ffffff", tint: 0.1 },
  dark: { nearest: "#1d222b", surface: "#171b22", tint: 0.12 },
};

type Tokens = [accent: string, ink: string, ground: string];

function tokensOf(color: string, { nearest, surface, tint }: (typeof GROUNDS)["light"]): Tokens {
  const ground = mix(color, surface, tint);
  const accent = readableOn(ground, readableOn(nearest, color));
  return [accent, textOn(accent), ground];
}

/** The style sheet for a color, "#rrggbb". */
export function brandSheet(color: string): string {
  const [light, dark] = [tokensOf(color, GROUNDS.light), tokensOf(color, GROUNDS.dark)];
  const rules = (["accent", "accent-ink", "accent-ground"] as const).map(
    (name, n) => `--${name}: light-dark(${light[n]}, ${dark[n]});`,
  );
  return `:root { ${rules.join(" ")} }\n`;
}
