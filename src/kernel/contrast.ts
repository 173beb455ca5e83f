// Colors that can be read, whatever color somebody chose: WCAG 2.2, sections 1.4.3 and 1.4.11. Pure; a color is
// "#rrggbb".

/** The least contrast of text with its ground (level AA). */
export const READABLE = 4.5;

type Channels = [red: number, green: number, blue: number];

const channelsOf = (color: string): Channels => [
  Number.parseInt(color.slice(1, 3), 16),
  Number.parseInt(color.slice(3, 5), 16),
  Number.parseInt(color.slice(5, 7), 16),
];

const linear = (channel: number): number => {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
};

function luminance(color: string): number {
  const [red, green, blue] = channelsOf(color).map(linear) as Channels;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** From 1, the same, to 21, black and white. */
export function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(one), luminance(other)].toSorted((a, b) => a - b) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

/** `share` (0 to 1) of `color` on `ground`. */
export function mix(color: string, ground: string, share: number): string {
  const under = channelsOf(ground);
  const mixed = channelsOf(color).map((channel, n) =>
    Math.round(channel * share + (under[n] ?? 0) * (1 - share)),
  );
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

/** White or black, whichever reads better on `ground`. One of the two always has at least 4.58. */
export const textOn = (ground: string): "#ffffff" | "#000000" =>
  contrast("#ffffff", ground) >= contrast("#000000", ground) ? "#ffffff" : "#000000";

/** `color`, moved toward black or white as little as makes it readable on `ground`. */
export function readableOn(ground: string, color: string): string {
  const toward = textOn(ground);
  for (let percent = 0; percent < 100; percent++) {
    const moved = mix(toward, color, percent / 100);
    if (contrast(moved, ground) >= READABLE) return moved;
  }
  return toward;
}
